"""Evaluation: how likely a model finds music it never saw, and how good its own is."""
