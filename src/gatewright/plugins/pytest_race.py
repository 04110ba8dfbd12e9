"""Races in pytest: `def test_...(race): race.explore(Scenario())`.

The test passes on the verdict PASS alone. What it says when it fails is the minimal counterexample, and how
to replay it. Every run of pytest imports this module where the toolkit is installed, so it imports the engine
only when a test asks for it.
"""

import os
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.plugins.race_settings import RaceSettings, at_least, settings_of

if TYPE_CHECKING:
    from gatewright.plugins.race_fixture import RaceFixture

__all__ = ["race"]

PROPERTY = "race"
"""Under this name outcomes travel with reports: from xdist's workers, to the summary, to JUnit XML."""

MARKER = (
    "race(budget=2000, seed=1, bound=2): settings of the fixture `race`: schedules at most, seed of chance, "
    "preemptions at most. --race-budget and --race-seed overrule it."
)
TAPES = "folder for the tapes of counterexamples, from the root of the tests (default: race-tapes)"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, and in the help what they are for."""
    defaults = RaceSettings()
    group = parser.getgroup("race", "races by controlled schedules: the fixture `race` (gatewright)")
    group.addoption(
        "--race-seed",
        type=at_least(0),
        metavar="N",
        help=f"seed of chance, in schedules and in the app (default: {defaults.seed}, or the marker's)",
    )
    group.addoption(
        "--race-budget",
        type=at_least(1),
        metavar="N",
        help=f"schedules at most for each exploration (default: {defaults.budget}, or the marker's)",
    )
    group.addoption("--race-tapes", metavar="DIR", help=f"{TAPES}; the ini option race_tapes sets it too")
    group.addoption(
        "--race-replay",
        metavar="TAPE",
        help="replay this tape first, and explore if it no longer fails; failures print the command",
    )
    parser.addini("race_tapes", TAPES, default="race-tapes")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known to --strict-markers and --markers."""
    config.addinivalue_line("markers", MARKER)


def pytest_report_header(config: pytest.Config) -> str:
    """What races will do, unless a marker says otherwise."""
    settings = settings_of([], _command_line(config))
    tape = config.getoption("race_replay")
    return (
        f"race: up to {settings.budget} schedules, seed {settings.seed}, tapes in {_tapes(config).name}"
        f"{f', replays {tape} first' if tape else ''}"
    )


@pytest.fixture
def race(request: pytest.FixtureRequest) -> "RaceFixture":
    """Explore the schedules of a scenario: race.explore(MyScenario()). The test passes on PASS alone."""
    try:
        return _fixture(request.config, request.node)
    except (GatewrightError, ModuleNotFoundError) as error:
        why = str(error)
    return refuse(why)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test that asks for a race and never runs one has shown nothing."""
    result = yield
    fixture = pyfuncitem.funcargs.get("race")
    if not getattr(fixture, "has_raced", True):
        refuse("nothing was raced: the test takes the fixture race and never called race.explore()")
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """With -v, what every race has covered: a PASS is worth as much as that."""
    outcomes = sorted(set(_outcomes(terminalreporter)))
    if outcomes and terminalreporter.verbosity > 0:
        terminalreporter.section("races")
        for test, outcome in outcomes:
            terminalreporter.write_line(f"{test}: {outcome}")


def refuse(why: str) -> NoReturn:
    """End the test with one line."""
    pytest.fail(why, pytrace=False)


def _fixture(config: pytest.Config, item: pytest.Item) -> "RaceFixture":
    from gatewright.plugins.race_fixture import RaceFixture  # noqa: PLC0415 - its dependencies are an extra

    return RaceFixture(
        settings_of(item.iter_markers("race"), _command_line(config)),
        test=_as_typed(item),
        tapes=_tapes(config),
        tape=_tape(config),
        note=lambda outcome: item.user_properties.append((PROPERTY, outcome)),
    )


def _as_typed(item: pytest.Item) -> str:
    """The test's name on pytest's command line, from where that was typed."""
    _, *names = item.nodeid.split("::")
    return "::".join([os.path.relpath(item.path, item.config.invocation_params.dir), *names])


def _outcomes(reporter: pytest.TerminalReporter) -> Iterable[tuple[str, str]]:
    for reports in reporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == PROPERTY:
                    yield report.nodeid, str(value)


def _command_line(config: pytest.Config) -> dict[str, int | None]:
    return {"seed": config.getoption("race_seed"), "budget": config.getoption("race_budget")}


def _tapes(config: pytest.Config) -> Path:
    given = config.getoption("race_tapes")
    folder = Path(config.invocation_params.dir, given) if given else None
    return folder or config.rootpath / str(config.getini("race_tapes"))


def _tape(config: pytest.Config) -> Path | None:
    given = config.getoption("race_replay")
    if given is None:
        return None
    tape = Path(config.invocation_params.dir, given)
    if not tape.is_file():
        raise ConfigurationError(f"there is no tape {tape}", remedy="a failing race prints its tape's name")
    return tape
