"""SLO suite of the API: load and soak over create run, dispatch ready, runner status and run read."""

import argparse
import contextlib
import math
import os
import shlex
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
from gatewright.core.escape import printable, printable_lines
from gatewright.core.interrupts import end_as_by_ctrl_c
from gatewright.core.verdict import ExitCode
from gatewright.execution.server import ServerProcess
from gatewright.load import (
    DATABASE,
    DATABASE_LOG,
    FILES,
    RSS,
    THREADS,
    Origin,
    Spike,
    WarmUpRule,
    sqlite_gauges,
)
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
from multyagents_api.scenarios.evidence import checkout, evidence_folder
from multyagents_api.scenarios.journeys import run_mix

__all__ = [
    "SloPerformanceConfig",
    "SloThresholds",
    "main",
    "run_slo_performance_suite",
]

SUITE = "slo-performance"
PROGRAM = "slo_performance"
DATABASE_FILE = "runs.db"
SPIKE_S = 24.0
STOP_GRACE_S = 1.0
"""For a server whose database is thrown away: requests that it still has need no answer."""
ENVIRONMENT_PREFIX = "TASK_076_"
TOKEN_VARIABLE = "MULTYAGENTS_TOKEN"  # noqa: S105 - a name
"""Has no prefix of ours: what has one stands in the report."""
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

ScenarioName = Literal["load", "spike", "soak"]
SCENARIOS: Mapping[str, tuple[ScenarioName, ...]] = {"quick": ("load",), "full": ("load", "spike", "soak")}

OF_CLIENTS = (DriftLimit("latency_p95", 20.0),)
OF_SERVER = (
    DriftLimit(RSS, 2048.0, granularity=1e6),
    DriftLimit(FILES, 0.005, granularity=3),
    DriftLimit(THREADS, 0.005, granularity=3),
    # Every run is stored, which takes about 900 bytes; the log gets about 110 kB of changed pages for it,
    # until it wraps.
    DriftLimit(DATABASE, 8192.0, granularity=1e6),
    DriftLimit(DATABASE_LOG, 196_608.0, granularity=1e6),
)
DRIFT_LIMITS: Mapping[ScenarioName, tuple[DriftLimit, ...]] = {
    # A load is short: what is still warming up, or noise, must not look like a leak.
    "load": (
        DriftLimit("latency_p95", 100.0, granularity=10_000.0),
        DriftLimit(RSS, 16_384.0, granularity=4e6),
    ),
    # What a peak leaves behind is for the soak to judge: a spike asks whether the service bears it.
    "spike": (),
    "soak": (*OF_CLIENTS, *OF_SERVER),
}
"""Growth per run that is allowed: latencies in microseconds, memory and database in bytes."""


@dataclass(frozen=True)
class SloThresholds:
    """What the API promises about a whole run, from its schedule to its last answer.

    Attributes:
        p95_ms: 95% of runs take at most so many milliseconds.
        p99_ms: likewise 99%.
        success_ratio: at least this share of runs succeeds; below 1.
        throughput: at least so many runs succeed per second.
    """

    p95_ms: float = 180.0
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
        scenarios: `load` takes as long as it needs to decide; `spike` offers a multiple of its rate for some
            seconds; `soak` goes on, for growth needs time.
        profile: named in the report.
        rate: runs offered per second.
        duration_s: longest duration of `load`, warm-up included.
        soak_s: duration of `soak`, warm-up included.
        spike_factor: the peak of `spike` over the rate before and after it.
        deadline_s: a run that takes longer is given up and counts as failed.
        seed: of the Poisson arrivals.
        target: base URL of a running server; one is started on a fresh database when None.
        may_load: host besides loopback that may be loaded.
        server_command: how the server is started; `{port_file}` is filled in.
        drift_limits: growth per run that a scenario allows; of a target, only what its clients see is judged.
        full_duration_s: longest duration of `load` in the full profile, warm-up included.
        break_s: stalls that break an objective for so many seconds are assumed unseen in the full profile.
        share_alpha: whether all attempts at the same thresholds on the same tree share the error: attempt k
            has alpha/(k(k+1)) of it.
        requirements: what a decision needs at least.
        warm_up: when the service counts as settled.
        command: what repeats it, as the report tells.
    """

    scenarios: tuple[ScenarioName, ...] = SCENARIOS["quick"]
    profile: str = "quick"
    rate: float = 40.0
    duration_s: float = 45.0
    soak_s: float = 60.0
    spike_factor: float = 3.0
    deadline_s: float = 5.0
    seed: int = 76
    target: str | None = None
    may_load: str | None = None
    server_command: tuple[str, ...] = SERVER_COMMAND
    drift_limits: Mapping[ScenarioName, tuple[DriftLimit, ...]] = field(
        default_factory=lambda: dict(DRIFT_LIMITS)
    )
    full_duration_s: float = 240.0
    break_s: float = 0.2
    share_alpha: bool = False
    requirements: Requirements = field(default_factory=Requirements)
    warm_up: WarmUpRule = field(default_factory=WarmUpRule)
    command: str = ""

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
            drift_limits=self._limits(scenario),
        )
        if scenario == "load" and self.profile == "full":
            budget_s = positive("full duration", self.full_duration_s)
            needs = replace(self.requirements, break_s=self.break_s)
            return replace(load, budget_s=budget_s, requirements=needs)
        if scenario == "load":
            return load
        if scenario == "spike":
            return replace(load, stages=(self._spike(),))
        return replace(load, budget_s=positive("soak duration", self.soak_s), stops_early=False)

    def _spike(self) -> Spike:
        """A third of the time before the peak, a quarter at it, the rest to recover."""
        return Spike(
            base_rate=self.rate,
            peak_rate=self.rate * positive("spike factor", self.spike_factor),
            before_s=SPIKE_S / 3,
            peak_s=SPIKE_S / 4,
            after_s=SPIKE_S * 5 / 12,
        )

    def _limits(self, scenario: ScenarioName) -> tuple[DriftLimit, ...]:
        limits = self.drift_limits[scenario]
        if self.target is None:
            return limits
        return tuple(limit for limit in limits if limit.name.startswith("latency"))


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
    service = partial(service_under_test, config)
    return Suite(head(config), plans, service, root=checkout(), share_alpha=config.share_alpha)


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
        command=config.command or f"python -m multyagents_api.slo_performance --profile {config.profile}",
    )


@contextlib.contextmanager
def service_under_test(config: SloPerformanceConfig) -> Iterator[Service]:
    """The running target, or a server of our own on a fresh database."""
    if config.target is not None:
        origin = permitted_target(config.target, config.may_load)
        yield Service(origin, run_mix(origin, os.environ.get(TOKEN_VARIABLE, "")))
        return
    with tempfile.TemporaryDirectory(prefix="slo-performance-") as name:
        folder = Path(name)
        port_file = folder / "port"
        token = token_for_load(folder / DATABASE_FILE)
        argv = [word.replace("{port_file}", str(port_file)) for word in config.server_command]
        with ServerProcess(argv, port_file=port_file, env=server_environment(folder)) as server:
            origin = Origin.parse(server.base_url)
            gauges = sqlite_gauges(folder / DATABASE_FILE)
            yield Service(origin, run_mix(origin, token), server.pid, gauges=gauges)
            server.stop(STOP_GRACE_S)


def token_for_load(database: Path) -> str:
    """A token for all that the journeys do: what is measured asks for tokens, as what is in use does."""
    # Only a server of our own needs it, and a command line that can't be used should not wait for it.
    from multyagents_api.bootstrap import Settings, create_token  # noqa: PLC0415
    from multyagents_api.domain.access import AccessRole  # noqa: PLC0415

    return create_token(Settings(database), "slo-performance", [AccessRole.OPERATOR, AccessRole.RUNNER])


def server_environment(folder: Path) -> dict[str, str]:
    """The server's environment: its own database, the accepting runner, and this very code."""
    source = str(Path(multyagents_api.__file__).parents[1])
    inherited = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([source, inherited] if inherited else [source]),
        "MULTYAGENTS_DATABASE": str(folder / DATABASE_FILE),
        "MULTYAGENTS_DATABASE_URL": "",
        "MULTYAGENTS_RUNNER": "accept",
        "MULTYAGENTS_AUTH": "tokens",
        "MULTYAGENTS_RATE_LIMIT": "999999",
    }


def positive(name: str, value: float) -> float:
    """A positive finite number, or an error that names it."""
    if not 0 < value < math.inf:
        raise ConfigurationError(f"the {name} must be a positive finite number, not {value:g}")
    return value


EPILOG = """\
verdicts and exit codes:
  0 PASS          every objective is proven, with at most 5% error; the report says which stalls that
                  excludes: of 0.2 s in the full profile, shorter ones in the quick one
  1 FAIL          at least one is refuted, with at most 5% error
  2               the command line or the environment can't be used
  3 INCONCLUSIVE  too few runs for either claim, a schedule that was not kept, or a server that can't start;
                  the report says what is missing

Runs are offered on a schedule, whatever became of earlier ones, and their latency counts from the schedule.
Sampling ends as soon as the answer is known. Thresholds may come from the environment (flags outrank it):
  TASK_076_P95_MS  TASK_076_P99_MS  TASK_076_SUCCESS_RATIO  TASK_076_THROUGHPUT  TASK_076_RATE
  TASK_076_DURATION  TASK_076_FULL_DURATION  TASK_076_SOAK_DURATION
A --target that asks for tokens gets the one in MULTYAGENTS_TOKEN, of the roles operator and runner.

examples:
  python -m multyagents_api.slo_performance                          a smoke of about 20 s
  python -m multyagents_api.slo_performance --p95-ms 100 --rate 80   a stricter promise at more load
  python -m multyagents_api.slo_performance --profile full           load of 2.5 min, spike, soak of 1 min
  python -m multyagents_api.slo_performance --target http://127.0.0.1:8000
"""


FIGURES = (
    Figure("p95-ms", SloThresholds.p95_ms, "95%% of runs take at most so many ms"),
    Figure("p99-ms", SloThresholds.p99_ms, "99%% of runs take at most so many ms"),
    Figure("success-ratio", SloThresholds.success_ratio, "share of runs that succeed, below 1"),
    Figure("throughput", SloThresholds.throughput, "runs per second that succeed"),
    Figure("rate", SloPerformanceConfig.rate, "runs per second that are offered"),
    Figure("duration", SloPerformanceConfig.duration_s, "longest load, in seconds"),
    Figure("full-duration", SloPerformanceConfig.full_duration_s, "the same in the full profile"),
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
        help="quick: load; full: load, spike and soak (default: GATEWRIGHT_PROFILE, else quick)",
    )
    parser.add_argument("--scenario", choices=SCENARIOS["full"], help="this one only")
    add_figures(parser, FIGURES, ENVIRONMENT_PREFIX)
    parser.add_argument("--seed", type=int, default=SloPerformanceConfig.seed, help="of the arrivals")
    parser.add_argument(
        "--share-alpha",
        action="store_true",
        help="attempt k at the same thresholds on the same tree has 1/(k(k+1)) of the error",
    )
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
        full_duration_s=figures["full-duration"],
        soak_s=figures["soak-duration"],
        share_alpha=options.share_alpha or base.share_alpha,
        seed=options.seed,
        target=options.target,
        may_load=options.i_may_load,
    )
    thresholds = SloThresholds(
        figures["p95-ms"], figures["p99-ms"], figures["success-ratio"], figures["throughput"]
    )
    return config, thresholds


def typed(arguments: Sequence[str] | None) -> str:
    """The command line that repeats a run, with the variables that it depended on."""
    variables = [
        f"{name}={value}" for name, value in os.environ.items() if name.startswith(ENVIRONMENT_PREFIX)
    ]
    words = sys.argv[1:] if arguments is None else arguments
    return shlex.join([*sorted(variables), "python", "-m", "multyagents_api.slo_performance", *words])


def main(arguments: Sequence[str] | None = None, *, base: SloPerformanceConfig | None = None) -> int:
    """Run the suite from the command line; returns the exit code.

    Args:
        arguments: the command line; that of the process when None.
        base: what flags and environment don't set.
    """
    options = build_parser().parse_args(arguments)
    end_as_by_ctrl_c()
    try:
        base = replace(base or SloPerformanceConfig(), command=typed(arguments))
        config, thresholds = configure(options, base)
        report = run_and_publish(suite_of(config, thresholds), options.output_dir, sys.stderr)
    except GatewrightError as error:
        sys.stderr.write(f"{PROGRAM}: {printable(str(error))}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"{PROGRAM}: interrupted\n")
        return ExitCode.INCONCLUSIVE
    sys.stdout.write(
        report.model_dump_json(indent=2) + "\n" if options.json else printable_lines(summary(report))
    )
    sys.stderr.write(f"evidence: {options.output_dir / 'latest.json'}\n")
    return report.verdict.exit_code


if __name__ == "__main__":
    sys.exit(main())
