"""The rules: states, transitions and checks as pure functions of frozen values, without any framework."""
