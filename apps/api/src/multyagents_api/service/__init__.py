"""The use cases: each reads, lets the domain decide, then writes in one transaction of guarded statements."""
