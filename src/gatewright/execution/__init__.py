"""Runs checks in process groups of their own, writes their manifests, opens and closes gate runs."""
