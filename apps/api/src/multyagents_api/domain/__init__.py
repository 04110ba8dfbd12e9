"""The rules: states, transitions and checks as pure functions over frozen values; no framework, no clock, no store."""
