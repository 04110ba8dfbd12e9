"""Readers of the results that other tools write: one file for each format, one type for what they say."""
