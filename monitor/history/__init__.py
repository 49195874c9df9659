"""The history: evaluations that changed something, and what the alerts decided, for `why` and `tune`."""
