"""The security suite: the service as it is passes, and each protection taken out fails by its expectation."""

import json
import logging
import random
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
import uvicorn

from gatewright.core.verdict import Verdict
from gatewright.suites.drill import DrillReport
from gatewright.suites.drill.markdown import render
from multyagents_api.bootstrap import Settings, create_app
from multyagents_api.domain.redaction import redact
from multyagents_api.scenarios import planted_attacks as planted
from multyagents_api.scenarios import planted_dispatches as dispatches
from multyagents_api.scenarios.attacks_runner import TalkativeRunner
from multyagents_api.scenarios.attacks_secrets import SHAPES, Planter
from multyagents_api.scenarios.attacks_target import Target, issue_tokens, serve_target
from multyagents_api.scenarios.topology import PYTHON
from multyagents_api.security import PROFILES, SecurityConfig, run_security_suite

pytestmark = pytest.mark.end_to_end

Plant = Callable[[], AbstractContextManager[None]]

FAULTS: tuple[tuple[Plant, str, set[str]], ...] = (
    (planted.paths_that_go_up, "path-traversal", {"stays-inside"}),
    (planted.folders_for_paths, "path-traversal", {"creates-nothing"}),
    (planted.generous_ids, "path-traversal", {"names-nothing-else"}),
    (planted.unread_ids, "path-traversal", {"names-nothing-else", "no-server-error"}),
    (
        *(planted.symlinks_unresolved, "symlink-escape"),
        {"refused-outside", "refused-circles", "kept-inside", "looked-at-anew"},
    ),
    (planted.paths_that_are_remembered, "symlink-escape", {"looked-at-anew"}),
    (planted.folders_for_paths, "symlink-escape", {"follows-nothing"}),
    (dispatches.unapproved_dispatch, "policy-bypass", {"approval-first"}),
    (planted.undispatched_reports, "policy-bypass", {"dispatch-first"}),
    (planted.approved_again, "policy-bypass", {"decided-once"}),
    (planted.own_approvals, "policy-bypass", {"not-by-the-asker"}),
    (planted.forged_events, "policy-bypass", {"told-by-the-service"}),
    (planted.stray_fields, "request-tricks", {"no-stray-fields"}),
    (planted.bodies_without_end, "request-tricks", {"bounded"}),
    (planted.forged_events, "request-tricks", {"one-reading"}),
    (planted.any_content_type, "request-tricks", {"json-alone"}),
    (planted.borrowed_methods, "request-tricks", {"method-stands"}),
    (planted.roles_unasked, "auth-matrix", {"by-the-table"}),
    (planted.tokens_for_ever, "auth-matrix", {"tokens-stand"}),
    (planted.generous_row, "auth-matrix", {"least-privilege"}),
    (planted.stray_routes, "auth-matrix", {"no-unknown-route"}),
    (planted.compared_by_letters, "auth-matrix", {"constant-time"}),
    (planted.failing_route, "contract", {"no-server-error"}),
    (planted.undocumented_route, "contract", {"documented"}),
    (planted.kept_secrets, "secret-leakage", {"answers-hold-no-secret"}),
    (planted.repeated_secrets, "secret-leakage", {"problems-repeat-no-secret"}),
    (planted.headers_in_the_log, "secret-leakage", {"log-holds-no-secret"}),
    (planted.settings_in_plain_sight, "secret-leakage", {"settings-stay-private"}),
)
"""A fault, the drill that must notice, and what it says is violated."""

HAMPERED = """
import sys
from multyagents_api.__main__ import main
from multyagents_api.scenarios.planted_attacks import runner_without_walls
with runner_without_walls():
    sys.exit(main(sys.argv[1:]))
"""


@contextmanager
def serve_here(folder: Path, migrated: Path) -> Iterator[Target]:
    """The service in a thread of this process, so that what is planted here is planted there."""
    database, projects = folder / "runs.db", folder / "projects"
    shutil.copyfile(migrated, database)
    projects.mkdir()
    with TalkativeRunner() as runner, logged(folder / "api.log") as log:
        settings = {"MULTYAGENTS_DATABASE": str(database), "MULTYAGENTS_RATE_LIMIT": "0", **runner.settings}
        tokens = issue_tokens(database)
        with served(create_app(Settings.from_environment(settings))) as base_url:
            target = Target(base_url, projects, tokens, runner, log)
            yield target
            target.close()


@contextmanager
def served(app) -> Iterator[str]:
    """Where an app answers for a while."""
    config = uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with config.bind_socket() as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.005)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def logged(file: Path) -> Iterator[Path]:
    """What the server logs, in a file."""
    handler, logger = logging.FileHandler(file), logging.getLogger("uvicorn.error")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield file
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        handler.close()


@pytest.fixture
def attack(tmp_path: Path, migrated: Path) -> Callable[..., DrillReport]:
    """Carries out drills against the service in this process."""

    def run(*drills: str) -> DrillReport:
        serve = partial(serve_here, tmp_path, migrated)
        return run_security_suite(SecurityConfig(drills=drills, swaps=2, examples=1, serve=serve))

    return run


def violated(report: DrillReport) -> set[str]:
    return {each.name for result in report.drills for each in result.expectations if each.violated}


def test_the_service_passes(attack):
    """All drills, each expectation looked at."""
    report = attack()
    assert (report.verdict, report.reasons) == (Verdict.PASS, ())


@pytest.mark.parametrize(
    ("plant", "drill", "expectations"),
    FAULTS,
    ids=[f"{drill}: {plant.__name__}" for plant, drill, _ in FAULTS],
)
def test_a_planted_fault_fails(attack, plant: Plant, drill: str, expectations: set[str]):
    """By the names of exactly what it takes away."""
    with plant():
        report = attack(drill)
    assert report.verdict is Verdict.FAIL
    assert violated(report) == expectations
