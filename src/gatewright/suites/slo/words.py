"""Names of metrics for people."""

__all__ = ["metric_words"]


def metric_words(name: str) -> str:
    """A metric's name in words; of a journey or a step with that before it."""
    scope, _, metric = name.rpartition(":")
    words = metric.removesuffix("_ms").replace("_runs_per_s", ", runs/s").replace("_", " ")
    return f"{scope}: {words}" if scope else words
