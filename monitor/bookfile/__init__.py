"""Books as files: read, assess, explain and write one, without a daemon and without keys."""
