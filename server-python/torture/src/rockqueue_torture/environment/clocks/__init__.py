"""Clocks that are set, and processes that stand still while time goes on."""
