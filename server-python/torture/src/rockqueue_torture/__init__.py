"""Torments for real RockQueue servers, and a checker of what clients saw."""
