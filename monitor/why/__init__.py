"""`margind why`: why something was told, or why not, from the ledger and the history."""
