"""What operators see of the service: logs, metrics, traces. The rooms further out tell it what happens."""
