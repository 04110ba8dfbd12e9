"""Binds engines to evidence: what an engine found becomes a typed report and a durable file."""
