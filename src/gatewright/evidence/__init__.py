"""A typed result becomes a durable file, and a file becomes a typed result or a clear refusal."""
