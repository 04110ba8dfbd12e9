"""The security suite: the service as it is passes, and each protection taken out fails by its expectation."""

import logging
import random
import re
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
from gatewright.execution.server import ServerStartError
from gatewright.suites.drill import DrillReport
from gatewright.suites.drill.markdown import render
from multyagents_api.bootstrap import Settings, create_app
from multyagents_api.scenarios.attacks import leaks as attacks_leaks
from multyagents_api.scenarios.attacks.runner import TalkativeRunner
from multyagents_api.scenarios.attacks.secrets import Planter
from multyagents_api.scenarios.attacks.target import Target, issue_tokens, serve_target
from multyagents_api.scenarios.planted import attacks as planted
from multyagents_api.scenarios.planted import dispatches
from multyagents_api.security import PROFILES, SecurityConfig, run_security_suite

pytestmark = pytest.mark.end_to_end

Plant = Callable[[], AbstractContextManager[None]]

FAULTS: tuple[tuple[str, tuple[Plant, ...], set[str]], ...] = (
    (
        "path-traversal",
        (planted.paths_that_go_up, planted.generous_ids),
        {"stays-inside", "names-nothing-else"},
    ),
    (
        "path-traversal",
        (planted.folders_for_paths, planted.unread_ids),
        {"creates-nothing", "no-server-error", "names-nothing-else"},
    ),
    (
        "symlink-escape",
        (planted.symlinks_unresolved,),
        {"refused-outside", "refused-circles", "kept-inside", "looked-at-anew"},
    ),
    (
        "symlink-escape",
        (planted.paths_that_are_remembered, planted.folders_for_paths),
        {"looked-at-anew", "follows-nothing"},
    ),
    ("policy-bypass", (dispatches.unapproved_dispatch,), {"approval-first", "dispatch-first"}),
    (
        "policy-bypass",
        (planted.undispatched_reports, planted.approved_again, planted.forged_events),
        {"dispatch-first", "decided-once", "told-by-the-service", "approval-first"},
    ),
    ("policy-bypass", (planted.own_approvals,), {"not-by-the-asker", "approval-first"}),
    (
        "request-tricks",
        (
            *(planted.stray_fields, planted.bodies_without_end, planted.forged_events),
            *(planted.any_content_type, planted.borrowed_methods),
        ),
        {"no-stray-fields", "bounded", "one-reading", "json-alone", "method-stands"},
    ),
    (
        "auth-matrix",
        (
            *(planted.roles_unasked, planted.tokens_for_ever, planted.generous_row),
            *(planted.stray_routes, planted.compared_by_letters),
        ),
        {"by-the-table", "tokens-stand", "least-privilege", "no-unknown-route", "constant-time"},
    ),
    ("contract", (planted.failing_route, planted.undocumented_route), {"no-server-error", "documented"}),
    (
        "secret-leakage",
        (planted.repeated_secrets, planted.headers_in_the_log, planted.settings_in_plain_sight),
        {"problems-repeat-no-secret", "log-holds-no-secret", "settings-stay-private"},
    ),
    (
        "secret-leakage",
        (planted.kept_secrets,),
        {"answers-hold-no-secret", "problems-repeat-no-secret"},
    ),
)
"""A drill, faults that do not touch each other, and what it then says is violated: some follows from others."""

HAMPERED = """
import sys
from multyagents_api.__main__ import main
from multyagents_api.scenarios.planted.attacks import runner_without_walls
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
        return run_security_suite(SecurityConfig(drills=drills, swaps=20, examples=1, serve=serve))

    return run


@pytest.fixture
def planted_secrets(monkeypatch: pytest.MonkeyPatch) -> list[Planter]:
    """All who plant secrets from now on."""
    planters: list[Planter] = []

    def planter(chance: random.Random) -> Planter:
        planters.append(Planter(chance))
        return planters[-1]

    monkeypatch.setattr(attacks_leaks, "Planter", planter)
    return planters


def violated(report: DrillReport) -> set[str]:
    return {each.name for result in report.drills for each in result.expectations if each.violated}


def test_the_service_passes(attack):
    """As it is; the drills that cost more are carried out by the suite itself, right after these tests."""
    report = attack("path-traversal", "symlink-escape", "policy-bypass", "request-tricks")
    assert (report.verdict, report.reasons) == (Verdict.PASS, ())
    assert all(each.evaluated for result in report.drills for each in result.expectations)


@pytest.mark.parametrize(
    ("drill", "plants", "expectations"),
    FAULTS,
    ids=[f"{drill}: {' '.join(plant.__name__ for plant in plants)}" for drill, plants, _ in FAULTS],
)
def test_a_planted_fault_fails(
    attack, planted_secrets: list[Planter], drill: str, plants: tuple[Plant, ...], expectations: set[str]
):
    """By the names of what it takes away; and not even then does the report hold a secret."""
    with ExitStack() as stack:
        for plant in plants:
            stack.enter_context(plant())
        report = attack(drill)
    assert report.verdict is Verdict.FAIL
    assert violated(report) == expectations
    text = report.model_dump_json() + render(report)
    assert [each for planter in planted_secrets for each in planter.found_in(text)] == []
    assert re.search(r"mya_[0-9]+_[0-9a-f]{64}", text) is None


def test_a_runner_without_walls_fails():
    """It takes work from anybody, executes it anywhere, and lets it read the token."""
    command = (sys.executable, "-c", HAMPERED)
    config = SecurityConfig(drills=("runner-confinement",), serve=lambda: serve_target(command))
    report = run_security_suite(config)
    assert report.verdict is Verdict.FAIL
    assert violated(report) == {"works-inside", "asks-who-submits", "clean-environment"}


def test_a_service_that_does_not_start_is_told(tmp_path):
    """Nothing can be attacked then; the command line says so, and leaves no PASS."""
    config = SecurityConfig(serve=lambda: serve_target((sys.executable, "-c", "")))
    with pytest.raises(ServerStartError):
        run_security_suite(config)


def test_the_full_profile_does_more():
    """And draws the same, as its report says."""
    quick, full = PROFILES["quick"], PROFILES["full"]
    assert full.examples >= 10 * quick.examples
    assert full.swaps >= 10 * quick.swaps
    assert full.seed == quick.seed
