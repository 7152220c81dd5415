"""Which variants of a case run, on which server, and in what order."""
