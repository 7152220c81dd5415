"""The rows: what is measured, one idea in each file."""
