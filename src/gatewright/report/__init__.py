"""Turns a decision into text for people: terminal, Markdown, progress."""
