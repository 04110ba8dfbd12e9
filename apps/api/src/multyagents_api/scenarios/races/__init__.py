"""Races: clients who want the same at once, and what each may get."""
