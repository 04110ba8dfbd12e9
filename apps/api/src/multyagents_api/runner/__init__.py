"""Runners: whoever executes tasks; the built-in one is a colleague for measurements and trials."""
