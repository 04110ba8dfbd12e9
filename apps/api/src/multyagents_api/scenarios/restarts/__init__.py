"""Restarts: the service is killed in the midst of its work."""
