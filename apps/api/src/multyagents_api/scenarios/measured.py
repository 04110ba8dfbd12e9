"""The API as `gatewright slo compare` measures it: a server on a database of its own, and whole runs."""

from gatewright.load import Journey, Origin
from gatewright.suites.slo.measured_service import MeasuredService
from multyagents_api.scenarios.journeys import RunJourney, prepare_template

__all__ = ["API"]


def walk_runs(origin: Origin) -> Journey:
    """Runs over a template that is made on the server at hand."""
    return RunJourney(origin, prepare_template(origin))


API = MeasuredService(
    name="multyagents_api",
    command=(
        *("{python}", "-m", "multyagents_api", "serve"),
        *("--host", "127.0.0.1", "--port", "0", "--port-file", "{port_file}"),
    ),
    journey=walk_runs,
    environment={
        "MULTYAGENTS_DATABASE": "{scratch}/runs.db",
        "MULTYAGENTS_RUNNER": "accept",
        "MULTYAGENTS_AUTH": "off",
    },
    python_path=("src", "apps/api/src"),
    locks=("requirements/slo-smoke.txt",),
)
