"""The demo: an exchange, some forty accounts and a crash hour on this machine, watched by the unchanged
daemon."""
