"""The one writer: decides, commits, delivers, and remembers what must not wait for the disk."""
