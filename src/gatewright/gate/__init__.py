"""Judges evidence against a policy; never runs anything, and never imports what produced the evidence."""
