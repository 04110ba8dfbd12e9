"""Chaos: what the service leans on is taken away."""
