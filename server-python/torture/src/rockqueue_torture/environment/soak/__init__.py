"""Mixed work for a long time, and whether anything grows."""
