"""The edges toward other tools."""
