"""Planted faults: what the suites must see, in the service and never of it."""
