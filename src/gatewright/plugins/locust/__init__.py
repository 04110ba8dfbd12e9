"""The Locust engine: master and workers, processes of their own, run the same journeys in a closed loop."""

from gatewright.plugins.locust.launch import LocustError, Places, run_locust, run_worker
from gatewright.plugins.locust.measurement import LocustMeasurement
from gatewright.plugins.locust.messages import Address
from gatewright.plugins.locust.workload import JourneyEntry, Pace, Workload

__all__ = [
    "Address",
    "JourneyEntry",
    "LocustError",
    "LocustMeasurement",
    "Pace",
    "Places",
    "Workload",
    "run_locust",
    "run_worker",
]
