"""Stress: many workflows at once through a real runner."""
