"""Groups of a queue: jobs that share a key, served in turn, each with limits of its own."""
