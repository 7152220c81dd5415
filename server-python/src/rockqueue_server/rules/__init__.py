"""Rules without I/O: ids, keys, backoff."""
