"""Ordered keys on something that lasts."""
