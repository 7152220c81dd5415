"""What each step kind of the case language does."""
