"""Measures a RockQueue server and its SDK, in processes of their own, beside their budgets."""
