"""SLO suites: a journey is measured until its objectives are decided, and the decisions become evidence."""

from gatewright.suites.slo.plan import Plan, Service
from gatewright.suites.slo.suite import measure

__all__ = ["Plan", "Service", "measure"]
