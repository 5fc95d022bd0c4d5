"""Thin adapters between a wire and the conductor."""
