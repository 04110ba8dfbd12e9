"""SLO suite of the API: load and soak over create run, dispatch ready, runner status and run read."""

import argparse
import contextlib
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal, TextIO

import multyagents_api
from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.interrupts import end_as_by_ctrl_c
from gatewright.core.verdict import ExitCode
from gatewright.execution.server import ServerProcess
from gatewright.load import Origin, WarmUpRule
from gatewright.slo import (
    DriftLimit,
    LatencyObjective,
    Objective,
    Requirements,
    SuccessObjective,
    ThroughputObjective,
)
from gatewright.suites.arguments import Figure, OneLineParser, add_figures, read_figures
from gatewright.suites.slo import Plan, Service
from gatewright.suites.slo.assembly import Heading
from gatewright.suites.slo.report import SloReport
from gatewright.suites.slo.running import Suite, permitted_target, run_and_publish, run_suite, summary
from multyagents_api.scenarios.evidence import evidence_folder
from multyagents_api.scenarios.journeys import run_mix

__all__ = [
    "SloPerformanceConfig",
    "SloThresholds",
    "main",
    "run_slo_performance_suite",
]

SUITE = "slo-performance"
PROGRAM = "slo_performance"
STOP_GRACE_S = 1.0
"""For a server whose database is thrown away: requests that it still has need no answer."""
ENVIRONMENT_PREFIX = "TASK_076_"
SERVER_COMMAND = (
    sys.executable,
    "-m",
    "multyagents_api",
    "serve",
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--port-file",
    "{port_file}",
)

ScenarioName = Literal["load", "soak"]
SCENARIOS: Mapping[str, tuple[ScenarioName, ...]] = {"quick": ("load",), "full": ("load", "soak")}


@dataclass(frozen=True)
class SloThresholds:
    """What the API promises about a whole run, from its schedule to its last answer.

    Attributes:
        p95_ms: 95% of runs take at most so many milliseconds.
        p99_ms: likewise 99%.
        success_ratio: at least this share of runs succeeds; below 1.
        throughput: at least so many runs succeed per second.
    """

    p95_ms: float = 250.0
    p99_ms: float = 500.0
    success_ratio: float = 0.99
    throughput: float = 20.0

    def objectives(self) -> tuple[Objective, ...]:
        """The thresholds as objectives.

        Raises:
            ConfigurationError: a threshold can't be one.
        """
        return (
            LatencyObjective(0.95, self.p95_ms / 1e3),
            LatencyObjective(0.99, self.p99_ms / 1e3),
            SuccessObjective(self.success_ratio),
            ThroughputObjective(self.throughput),
        )


@dataclass(frozen=True)
class SloPerformanceConfig:
    """How the API is measured.

    Attributes:
        scenarios: `load` takes as long as it needs to decide; `soak` goes on, and memory must not grow.
        profile: named in the report.
        rate: runs offered per second.
        duration_s: longest duration of `load`, warm-up included.
        soak_s: duration of `soak`, warm-up included.
        deadline_s: a run that takes longer is given up and counts as failed.
        seed: of the Poisson arrivals.
        target: base URL of a running server; one is started on a fresh database when None.
        may_load: host besides loopback that may be loaded.
        server_command: how the server is started; `{port_file}` is filled in.
        rss_limit: growth of the server's memory, in bytes per run, that a soak allows.
        p95_drift_limit: growth of the p95, in microseconds per run, that a soak allows.
        requirements: what a decision needs at least.
        warm_up: when the service counts as settled.
    """

    scenarios: tuple[ScenarioName, ...] = SCENARIOS["quick"]
    profile: str = "quick"
    rate: float = 40.0
    duration_s: float = 30.0
    soak_s: float = 60.0
    deadline_s: float = 5.0
    seed: int = 76
    target: str | None = None
    may_load: str | None = None
    server_command: tuple[str, ...] = SERVER_COMMAND
    rss_limit: float = 2048.0
    p95_drift_limit: float = 20.0
    requirements: Requirements = field(default_factory=Requirements)
    warm_up: WarmUpRule = field(default_factory=WarmUpRule)

    def plan(self, scenario: ScenarioName, objectives: tuple[Objective, ...]) -> Plan:
        """How one scenario is measured.

        Raises:
            ConfigurationError: a figure can't be used.
        """
        load = Plan(
            name=scenario,
            objectives=objectives,
            rate=positive("rate", self.rate),
            budget_s=positive("duration", self.duration_s),
            seed=self.seed,
            deadline_s=positive("deadline", self.deadline_s),
            requirements=self.requirements,
            warm_up=self.warm_up,
        )
        if scenario == "load":
            return load
        limits = [DriftLimit("latency_p95", self.p95_drift_limit)]
        if self.target is None:
            limits.append(DriftLimit("rss", self.rss_limit))
        budget_s = positive("soak duration", self.soak_s)
        return replace(load, budget_s=budget_s, stops_early=False, drift_limits=tuple(limits))


def run_slo_performance_suite(
    config: SloPerformanceConfig, thresholds: SloThresholds, *, progress: TextIO | None = None
) -> SloReport:
    """Measure the API and judge it; a service that can't be measured gives an INCONCLUSIVE report.

    A scenario that failed keeps the report a FAIL, also when the service dies before the next one.

    Args:
        config: how.
        thresholds: what is promised.
        progress: where to show it; nowhere when None.

    Raises:
        ConfigurationError: the configuration or a threshold can't be used.
    """
    return run_suite(suite_of(config, thresholds), progress)


def suite_of(config: SloPerformanceConfig, thresholds: SloThresholds) -> Suite:
    """The suite that a configuration means; raises what can't be used before anything is started."""
    plans = check(config, thresholds)
    return Suite(head(config), plans, partial(service_under_test, config))


def check(config: SloPerformanceConfig, thresholds: SloThresholds) -> list[Plan]:
    """The plans of all scenarios; raises what can't be used before anything is started."""
    if config.target is not None:
        permitted_target(config.target, config.may_load)
    objectives = thresholds.objectives()
    return [config.plan(scenario, objectives) for scenario in config.scenarios]


def head(config: SloPerformanceConfig) -> Heading:
    """What the report says about itself."""
    return Heading(
        suite=SUITE,
        profile=config.profile,
        target=config.target or "",
        server_started=config.target is None,
        alpha=config.requirements.alpha,
        started_at=datetime.now(UTC),
        command=f"python -m multyagents_api.slo_performance --profile {config.profile}",
    )


@contextlib.contextmanager
def service_under_test(config: SloPerformanceConfig) -> Iterator[Service]:
    """The running target, or a server of our own on a fresh database."""
    if config.target is not None:
        origin = permitted_target(config.target, config.may_load)
        yield Service(origin, run_mix(origin))
        return
    with tempfile.TemporaryDirectory(prefix="slo-performance-") as name:
        folder = Path(name)
        port_file = folder / "port"
        argv = [word.replace("{port_file}", str(port_file)) for word in config.server_command]
        with ServerProcess(argv, port_file=port_file, env=server_environment(folder)) as server:
            origin = Origin.parse(server.base_url)
            yield Service(origin, run_mix(origin), server.pid)
            server.stop(STOP_GRACE_S)


def server_environment(folder: Path) -> dict[str, str]:
    """The server's environment: its own database, the accepting runner, and this very code."""
    source = str(Path(multyagents_api.__file__).parents[1])
    inherited = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([source, inherited] if inherited else [source]),
        "MULTYAGENTS_DATABASE": str(folder / "runs.db"),
        "MULTYAGENTS_RUNNER": "accept",
    }


def positive(name: str, value: float) -> float:
    """A positive finite number, or an error that names it."""
    if not 0 < value < math.inf:
        raise ConfigurationError(f"the {name} must be a positive finite number, not {value:g}")
    return value


EPILOG = """\
verdicts and exit codes:
  0 PASS          every objective is proven, with at most 5% error; the report's remark says how rare a stall
                  must be to have been missed
  1 FAIL          at least one is refuted, with at most 5% error
  2               the command line or the environment can't be used
  3 INCONCLUSIVE  too few runs for either claim, a schedule that was not kept, or a server that can't start;
                  the report says what is missing

Runs are offered on a schedule, whatever became of earlier ones, and their latency counts from the schedule.
Sampling ends as soon as the answer is known. Thresholds may come from the environment (flags outrank it):
  TASK_076_P95_MS  TASK_076_P99_MS  TASK_076_SUCCESS_RATIO  TASK_076_THROUGHPUT  TASK_076_RATE
  TASK_076_DURATION  TASK_076_SOAK_DURATION

examples:
  python -m multyagents_api.slo_performance                          a smoke of about 15 s
  python -m multyagents_api.slo_performance --p95-ms 100 --rate 80   a stricter promise at more load
  python -m multyagents_api.slo_performance --profile full           load, then a soak of a minute
  python -m multyagents_api.slo_performance --target http://127.0.0.1:8000
"""


FIGURES = (
    Figure("p95-ms", SloThresholds.p95_ms, "95%% of runs take at most so many ms"),
    Figure("p99-ms", SloThresholds.p99_ms, "99%% of runs take at most so many ms"),
    Figure("success-ratio", SloThresholds.success_ratio, "share of runs that succeed, below 1"),
    Figure("throughput", SloThresholds.throughput, "runs per second that succeed"),
    Figure("rate", SloPerformanceConfig.rate, "runs per second that are offered"),
    Figure("duration", SloPerformanceConfig.duration_s, "longest load, in seconds"),
    Figure("soak-duration", SloPerformanceConfig.soak_s, "soak, in seconds"),
)


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = OneLineParser(
        prog=PROGRAM,
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--profile",
        choices=sorted(SCENARIOS),
        help="quick: load; full: load and soak (default: GATEWRIGHT_PROFILE, else quick)",
    )
    parser.add_argument("--scenario", choices=SCENARIOS["full"], help="this one only")
    add_figures(parser, FIGURES, ENVIRONMENT_PREFIX)
    parser.add_argument("--seed", type=int, default=SloPerformanceConfig.seed, help="of the arrivals")
    parser.add_argument("--target", metavar="URL", help="measure this running server instead of an own one")
    parser.add_argument("--i-may-load", metavar="HOST", help="allow a target that is not on this machine")
    parser.add_argument(
        "--output-dir",
        type=Path,
        default=evidence_folder("task-076"),
        metavar="FOLDER",
        help="where the evidence goes (default %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    return parser


def configure(
    options: argparse.Namespace, base: SloPerformanceConfig
) -> tuple[SloPerformanceConfig, SloThresholds]:
    """The command line and the environment as configuration and thresholds."""
    figures = read_figures(options, FIGURES, ENVIRONMENT_PREFIX, os.environ)
    profile = options.profile or os.environ.get("GATEWRIGHT_PROFILE") or "quick"
    if profile not in SCENARIOS:
        raise ConfigurationError(f"no profile {profile!r}", remedy=f"there are {', '.join(SCENARIOS)}")
    config = replace(
        base,
        scenarios=(options.scenario,) if options.scenario else SCENARIOS[profile],
        profile=profile,
        rate=figures["rate"],
        duration_s=figures["duration"],
        soak_s=figures["soak-duration"],
        seed=options.seed,
        target=options.target,
        may_load=options.i_may_load,
    )
    thresholds = SloThresholds(
        figures["p95-ms"], figures["p99-ms"], figures["success-ratio"], figures["throughput"]
    )
    return config, thresholds


def main(arguments: Sequence[str] | None = None, *, base: SloPerformanceConfig | None = None) -> int:
    """Run the suite from the command line; returns the exit code.

    Args:
        arguments: the command line; that of the process when None.
        base: what flags and environment don't set.
    """
    options = build_parser().parse_args(arguments)
    end_as_by_ctrl_c()
    try:
        config, thresholds = configure(options, base or SloPerformanceConfig())
        report = run_and_publish(suite_of(config, thresholds), options.output_dir, sys.stderr)
    except GatewrightError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"{PROGRAM}: interrupted\n")
        return ExitCode.INCONCLUSIVE
    sys.stdout.write(report.model_dump_json(indent=2) + "\n" if options.json else summary(report))
    sys.stderr.write(f"evidence: {options.output_dir / 'latest.json'}\n")
    return report.verdict.exit_code


if __name__ == "__main__":
    sys.exit(main())
