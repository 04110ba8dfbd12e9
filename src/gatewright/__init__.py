"""May this service be released? Races by controlled schedules, SLOs by statistics, verdicts with evidence."""

__version__ = "0.1.0"
__all__ = ["__version__"]
