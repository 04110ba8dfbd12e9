"""Setting up on a bare machine: before anything is installed, so with the standard library alone."""
