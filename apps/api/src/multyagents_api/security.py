"""The security suite: the running service is attacked, and must stay what it is.

Checked are ways out of a project (paths, symlinks), ways around approvals and roles, requests that are not
what they seem, secrets that come back, and the contract. See docs/guide-security.md.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from gatewright.suites.drill import (
    Drill,
    DrillReport,
    DrillSuite,
    DrillSuiteConfig,
    drill_command,
    publish_drill_report,
    run_drill_suite,
)
from gatewright.suites.progress import SuiteProgress
from multyagents_api.scenarios.attacks.access import auth_matrix
from multyagents_api.scenarios.attacks.confinement import runner_confinement
from multyagents_api.scenarios.attacks.contract import contract
from multyagents_api.scenarios.attacks.leaks import secret_leakage
from multyagents_api.scenarios.attacks.paths import path_traversal
from multyagents_api.scenarios.attacks.policies import policy_bypass
from multyagents_api.scenarios.attacks.requests import request_tricks
from multyagents_api.scenarios.attacks.symlinks import symlink_escape
from multyagents_api.scenarios.attacks.target import Target, serve_target
from multyagents_api.scenarios.evidence import evidence_folder

__all__ = ["PROFILES", "SecurityConfig", "main", "publish_drill_report", "run_security_suite"]

PROGRAM = "python -m multyagents_api.security"
SUITE = "security"


@dataclass(frozen=True, kw_only=True)
class SecurityConfig(DrillSuiteConfig):
    """How much is attacked; see `DrillSuiteConfig`.

    Attributes:
        swaps: how often a path is named while somebody exchanges it for a symlink.
        examples: how many requests of each kind are generated for each operation.
        serve: starts what is attacked.
    """

    output: Path = field(default_factory=lambda: evidence_folder("security"))
    swaps: int = 20
    examples: int = 4
    serve: Callable[[], AbstractContextManager[Target]] = serve_target


PROFILES = {
    "quick": SecurityConfig(),
    "full": SecurityConfig(profile="full", swaps=1_000, examples=60),
}


def run_security_suite(config: SecurityConfig, *, progress: SuiteProgress | None = None) -> DrillReport:
    """Attack the service as configured.

    Raises:
        ConfigurationError: no such drill.
        GatewrightError: the service did not start.
    """
    with config.serve() as target:
        suite = DrillSuite(SUITE, drills(target, config), PROGRAM)
        return run_drill_suite(suite, config, progress=progress)


def drills(target: Target, config: SecurityConfig) -> Sequence[Drill]:
    """All drills against one service; the one that looks for secrets comes last, and finds those of all."""
    return (
        path_traversal(target),
        symlink_escape(target, config.swaps),
        runner_confinement(target),
        policy_bypass(target),
        request_tricks(target),
        auth_matrix(target),
        contract(target, config.seed, config.examples),
        secret_leakage(target, config.seed),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; the exit code is the verdict's."""
    return drill_command(
        lambda config, progress: run_security_suite(config, progress=progress),
        PROFILES,
        argv,
        program=PROGRAM,
        suite=SUITE,
        description=__doc__ or "",
        environment=os.environ,
    )


if __name__ == "__main__":
    sys.exit(main())
