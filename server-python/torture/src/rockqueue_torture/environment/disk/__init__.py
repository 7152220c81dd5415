"""Disks that lie, refuse, fill up, or forget."""
