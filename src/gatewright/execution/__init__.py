"""Runs the commands of checks in process groups of their own, writes manifests, opens and closes gate runs."""
