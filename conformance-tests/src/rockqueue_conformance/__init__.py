"""The conformance suite of the RockQueue contract: cases as data, and the runner that drives a server through them."""

__version__ = "0.1.0"
