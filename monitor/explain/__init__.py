"""Why a pool's number is what it is: the model's own source, run once on numbers that remember."""
