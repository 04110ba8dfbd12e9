"""Attacks: what those try who mean the service ill."""
