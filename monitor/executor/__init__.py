"""The executor: takes the monitor's requests and places reduce-only orders, in a process of its own."""
