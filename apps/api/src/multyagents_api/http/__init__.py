"""The face of the service: routes, wire models, and one table from refusals to statuses."""
