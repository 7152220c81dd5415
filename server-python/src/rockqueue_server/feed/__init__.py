"""The event feed: what every commit did, written with it, read by cursor."""
