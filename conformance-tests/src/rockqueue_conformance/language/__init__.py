"""The case language: loading, checking, variables, generated values and matching."""
