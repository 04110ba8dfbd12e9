"""Oracles: what must hold of a run, whoever worked on it and whatever was done to it."""
