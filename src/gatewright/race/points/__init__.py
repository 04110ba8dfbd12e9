"""Instrumentation of drivers and of the world outside, which makes an unmodified program explorable."""
