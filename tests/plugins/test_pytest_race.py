"""The pytest plugin: a test passes on PASS alone, and says the counterexample when it does not."""

import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import planted.dispatch_programs  # noqa: F401 - imported once here, runs within this process find it
import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE = "gatewright.plugins.pytest_race"
Run = Callable[..., pytest.RunResult]

RACY = """
from planted.dispatch_programs import RacyDispatch

def test_single_dispatch(race):
    race.explore(RacyDispatch())
"""
GUARDED = """
import pytest
from planted.dispatch_programs import GuardedDispatch

def test_single_dispatch(race):
    found = race.explore(GuardedDispatch())
    assert found.schedules > 1
"""


@pytest.fixture
def run(pytester: pytest.Pytester, pytestconfig: pytest.Config) -> Run:
    """Runs pytest with the plugin, which an installed toolkit brings along by itself."""
    plugin = () if pytestconfig.pluginmanager.has_plugin("gatewright") else ("-p", MODULE)

    def run_pytest(*arguments: str, apart: bool = False) -> pytest.RunResult:
        runner = pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess
        return runner(*plugin, "-p", "no:cacheprovider", *arguments)

    return run_pytest


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets other processes find the toolkit and the planted programs."""
    path = [ROOT / "src", ROOT / "tests", os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, path)))


def test_the_failure_is_the_minimal_counterexample(pytester: pytest.Pytester, run: Run) -> None:
    """What was violated, one lane for each actor, the answers, the proof, the tape: and no traceback."""
    pytester.makepyfile(RACY)
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "racy-dispatch: FAIL with 1 preemption (schedule *, icb)",
            "single-dispatch: violated: *",
            "  dispatched 2 times",
            "*alice  *bob*",
            "1  SELECT *",
            "4  UPDATE *",
            "*← 200*",
            "replayed: failed in the same way 20 of 20 times",
            "tape: race-tapes/racy-dispatch-*.tape.json",
            "run it again: pytest *::test_single_dispatch --race-replay race-tapes/racy-dispatch-*.tape.json",
        ]
    )
    result.stdout.no_fnmatch_line("*race_fixture.py*")


def test_the_command_in_the_failure_shows_it_again(pytester: pytest.Pytester, run: Run) -> None:
    """The printed command replays the tape, and fails as often as it is asked to."""
    pytester.makepyfile(RACY)
    said = re.search(r"run it again: pytest (.*)", run().stdout.str())
    assert said
    result = run(*shlex.split(said[1]))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["race: * replays race-tapes/*", "FAIL: reproduced 20 of 20, diverged 0"])


def test_equal_seeds_fail_with_equal_words(pytester: pytest.Pytester, run: Run) -> None:
    """The counterexample is the same in each run, and so is the name of its tape."""
    pytester.makepyfile(RACY)
    tapes = {re.search(r"tape: (\S+)", run("--race-seed=7").stdout.str())[1] for _ in range(2)}
    assert len(tapes) == 1


def test_a_safe_program_passes_and_v_tells_what_was_covered(pytester: pytest.Pytester, run: Run) -> None:
    """A PASS is worth what was explored for it; junit's properties have it too."""
    pytester.makepyfile(GUARDED)
    result = run("-v", "--junit-xml=junit.xml")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*= races =*", "*::test_single_dispatch: guarded-dispatch: PASS, * schedules (all schedules with *"]
    )
    assert 'name="race" value="guarded-dispatch: PASS' in (pytester.path / "junit.xml").read_text()
    assert not (pytester.path / "race-tapes").exists()


def test_threads_of_plain_code_are_raced_too(pytester: pytest.Pytester, run: Run) -> None:
    """The same call takes a race between threads, and the same command replays it."""
    pytester.makepyfile(
        RACY.replace("dispatch_programs", "thread_programs").replace("RacyDispatch", "FineCounter")
    )
    result = run()
    result.stdout.fnmatch_lines(["fine-counter: FAIL with 1 preemption *", "  counted 1", "run it again: *"])
    tape = str(next(pytester.path.glob("race-tapes/*")))
    run("--race-replay", tape).stdout.fnmatch_lines(["FAIL: reproduced 20 of 20, diverged 0"])


def test_a_scenario_may_be_written_within_the_test(pytester: pytest.Pytester, run: Run) -> None:
    """A class that no other module can import is explored and kept on a tape like any other."""
    pytester.makepyfile(
        """
        from planted.dispatch_programs import RacyDispatch

        def test_it(race):
            class Local(RacyDispatch):
                name = "two clerks / one seat"
            race.explore(Local())
        """
    )
    result = run()
    result.stdout.fnmatch_lines(["tape: race-tapes/two-clerks-one-seat-*.tape.json"])
    run("--race-replay", str(next(pytester.path.glob("race-tapes/*")))).stdout.fnmatch_lines(
        ["FAIL: reproduced*"]
    )


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("LonelyDispatch", "in no schedule did two actors overlap"),
        ("ThreadedDispatch", "threads"),
        ("BlindDispatch", "KeyError"),
        ("FailingSetup", "failing-setup: the set-up failed: AssertionError: no such route"),
    ],
)
def test_what_could_not_be_raced_fails_with_its_reason(
    pytester: pytest.Pytester, run: Run, scenario: str, reason: str
) -> None:
    """INCONCLUSIVE is no pass and no skip."""
    pytester.makepyfile(RACY.replace("RacyDispatch", scenario))
    result = run("--race-budget=10")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{reason}*"])
    result.stdout.no_fnmatch_line("*During handling of*")


def test_a_set_up_that_fails_is_shown_where_it_did(pytester: pytest.Pytester, run: Run) -> None:
    """The lines of the user's own code, and none of the engine's."""
    pytester.makepyfile(RACY.replace("RacyDispatch", "StumblingSetup"))
    result = run()
    result.stdout.fnmatch_lines(
        ["stumbling-setup: the set-up failed: KeyError: 'id'", "  */dispatch_programs.py:*: raise KeyError(*"]
    )
    result.stdout.no_fnmatch_line("*arena.py*")


def test_a_test_that_never_races_fails(pytester: pytest.Pytester, run: Run) -> None:
    """Who takes the fixture and does not call it has shown nothing."""
    pytester.makepyfile("def test_it(race):\n    pass\n")
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["nothing was raced: *never called race.explore()"])


def test_a_test_that_fails_by_itself_says_its_own_failure(pytester: pytest.Pytester, run: Run) -> None:
    """That nothing was raced is not said over an error which came first, nor over a skip."""
    pytester.makepyfile(
        """
        import pytest

        def test_it(race):
            assert 1 == 2

        def test_skipped(race):
            pytest.skip("not here")
        """
    )
    result = run()
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.no_fnmatch_line("*nothing was raced*")


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        ("race.explore(GuardedDispatch)", "*which is no scenario; give it an instance of a subclass*"),
        (
            "race.explore(GuardedDispatch(), model=ProcessModel.SERVER)",
            "*no database server; use *explore_postgres()",
        ),
        ("race.explore(type('Nameless', (Scenario,), {})())", "Nameless has no name; give it one: *"),
    ],
)
def test_what_is_no_scenario_is_refused(pytester: pytest.Pytester, run: Run, body: str, remedy: str) -> None:
    """A slip costs one line with the remedy."""
    source = "from gatewright.race import ProcessModel, Scenario\nfrom planted.dispatch_programs import GuardedDispatch\n"
    pytester.makepyfile(f"{source}def test_it(race):\n    {body}\n")
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([remedy])


def test_a_running_event_loop_is_refused(pytester: pytest.Pytester, run: Run) -> None:
    """An exploration has a loop of its own, so it can't be started from within another."""
    pytester.makepyfile(
        """
        import asyncio
        from planted.dispatch_programs import GuardedDispatch

        def test_it(race):
            async def within():
                race.explore(GuardedDispatch())
            asyncio.run(within())
        """
    )
    run().stdout.fnmatch_lines(["*one is running already; call it from a plain def test"])


SETTINGS = """
import pytest

pytestmark = pytest.mark.race(budget=30, bound=0)

@pytest.mark.race({marks})
def test_it(race):
    race.has_raced = True
    print("with", race.settings)
"""


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ((), "with RaceSettings(budget=40, seed=5, bound=0)"),
        (("--race-seed=9",), "with RaceSettings(budget=40, seed=9, bound=0)"),
        (("--race-budget=1", "--race-seed=0"), "with RaceSettings(budget=1, seed=0, bound=0)"),
    ],
)
def test_the_closest_marker_counts_and_the_command_line_most(
    pytester: pytest.Pytester, run: Run, arguments: tuple[str, ...], settings: str
) -> None:
    """A module's marker is overruled by a test's, setting by setting, and both by options."""
    pytester.makepyfile(SETTINGS.format(marks="budget=40, seed=5"))
    run("-s", *arguments).stdout.fnmatch_lines([f"*{settings}*"])


def test_the_budget_of_schedules_is_kept(pytester: pytest.Pytester, run: Run) -> None:
    """So many schedules are run and no more; the last of them are random."""
    pytester.makepyfile(GUARDED.replace("Guarded", "Locked"))
    [line] = [line for line in run("-v", "--race-budget=12").stdout.lines if ": PASS, " in line]
    assert int(re.search(r"(\d+) schedules", line)[1]) <= 12
    assert line.endswith("; 2 of 2 random schedules)")


@pytest.mark.parametrize(
    ("marks", "complaint"),
    [
        ("bugdet=3", "pytest.mark.race knows no setting 'bugdet'; there are budget, seed, bound"),
        ("40", "pytest.mark.race takes its settings by name; *"),
        ("budget=0", "pytest.mark.race(budget=0): must be a whole number from 1 to *"),
        ("budget=True", "pytest.mark.race(budget=True): must be *"),
        ("seed='a'", "pytest.mark.race(seed='a'): must be *"),
    ],
)
def test_a_marker_that_cannot_be_used_is_an_error(
    pytester: pytest.Pytester, run: Run, marks: str, complaint: str
) -> None:
    """A typo in a marker never leaves the default in force without a word."""
    pytester.makepyfile(SETTINGS.format(marks=marks))
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([complaint])


def test_a_misspelt_marker_is_an_error_where_markers_are_strict(pytester: pytest.Pytester, run: Run) -> None:
    """The plugin's marker is known to --strict-markers, its misspelling is not."""
    pytester.makepyfile(GUARDED.replace("def test", "@pytest.mark.race(budget=9)\ndef test"))
    run("--strict-markers").assert_outcomes(passed=1)
    pytester.makepyfile(GUARDED.replace("def test", "@pytest.mark.rase(budget=9)\ndef test"))
    result = run("--strict-markers")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*'rase' not found in `markers` configuration option"])


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--race-seed=soon", "*--race-seed: 'soon' is no whole number from 0 to *"),
        ("--race-seed=-1", "*--race-seed: '-1' is no whole number*"),
        ("--race-budget=0", "*--race-budget: '0' is no whole number from 1 to *"),
        ("--race-budget=1e3", "*--race-budget: '1e3' is no whole number*"),
    ],
)
def test_wrong_values_of_options_are_usage_errors(
    pytester: pytest.Pytester, run: Run, argument: str, complaint: str
) -> None:
    """Nothing is run, and one line says what a value must be."""
    pytester.makepyfile(GUARDED)
    result = run(argument)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([complaint])


def test_tapes_go_where_they_are_wanted(pytester: pytest.Pytester, run: Run) -> None:
    """The ini option counts from the root of the tests, the command line from where it is typed."""
    pytester.makepyfile(RACY)
    pytester.makeini("[pytest]\nrace_tapes = kept/tapes\n")
    run().stdout.fnmatch_lines(["race: * tapes in tapes", "tape: kept/tapes/racy-dispatch-*"])
    run("--race-tapes=mine").stdout.fnmatch_lines(["tape: mine/racy-dispatch-*"])
    assert [len(list(pytester.path.glob(folder))) for folder in ("kept/tapes/*", "mine/*")] == [1, 1]


def test_a_tape_that_no_longer_fails_proves_nothing_yet(pytester: pytest.Pytester, run: Run) -> None:
    """After the tape, everything else is explored; a tape that can't be followed is no pass."""
    pytester.makepyfile(
        """
        from planted.dispatch_programs import GuardedDispatch, RacyDispatch

        class Mended(RacyDispatch):
            def single_dispatch(self, history, state):
                yield from super().single_dispatch(history, state) if self.still_broken else ()
            single_dispatch.invariant = RacyDispatch.single_dispatch.invariant
            still_broken = True

        class Elsewhere(GuardedDispatch):
            name = Mended.name

        def test_broken(race):
            race.explore(Mended())

        def test_mended(race):
            Mended.still_broken = False
            race.explore(Mended())

        def test_changed(race):
            race.explore(Elsewhere())
        """
    )
    run("-k", "broken").assert_outcomes(failed=1)
    tape = str(next(pytester.path.glob("race-tapes/*")))
    result = run("-v", "-k", "mended", "--race-replay", tape)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*test_mended: racy-dispatch: PASS, * schedules *"])
    result = run("-k", "changed", "--race-replay", tape)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["INCONCLUSIVE: reproduced 0 of 20, diverged 20", "first divergence: *"])


def test_a_tape_that_is_not_there_or_of_another_race_is_refused(pytester: pytest.Pytester, run: Run) -> None:
    """Whoever asks for a replay gets a replay or an error."""
    pytester.makepyfile(test_racy=RACY, test_guarded=GUARDED)
    result = run("--race-replay=nowhere.json")
    result.assert_outcomes(failed=0, errors=2)
    result.stdout.fnmatch_lines(["there is no tape *nowhere.json; a failing race prints its tape's name"])
    run("test_racy.py")
    result = run("test_guarded.py", "--race-replay", str(next(pytester.path.glob("race-tapes/*"))))
    result.stdout.fnmatch_lines(
        ["the tape * is of racy-dispatch, not of guarded-dispatch; name the one test*"]
    )


def test_the_help_teaches(run: Run) -> None:
    """The options, the ini setting and the marker explain themselves."""
    result = run("--help")
    result.stdout.fnmatch_lines(
        ["races by controlled schedules: *", "*--race-seed=N*", "*--race-budget=N*", "*--race-tapes=DIR*",
         "*--race-replay=TAPE*", "*race_tapes (string):*"]
    )  # fmt: skip
    run("--markers").stdout.fnmatch_lines(["@pytest.mark.race(budget=2000, seed=1, bound=2): settings of *"])
    run("--fixtures").stdout.fnmatch_lines(["race*", "*race.explore(MyScenario())*PASS*"])


def test_the_header_tells_what_races_will_do(run: Run) -> None:
    """Seed and budget stand at the top of every run."""
    run("--race-seed=3").stdout.fnmatch_lines(["race: up to 2000 schedules, seed 3, tapes in race-tapes"])


@pytest.mark.end_to_end
def test_races_run_on_the_workers_of_xdist(pytester: pytest.Pytester, run: Run) -> None:
    """Counterexamples, tapes and what was covered reach the one who typed the command."""
    pytester.makepyfile(test_racy=RACY, test_guarded=GUARDED)
    result = run("-n", "2", "-v", "--race-seed=4", apart=True)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["race: * seed 4, *", "racy-dispatch: FAIL with 1 preemption*", "tape: race-tapes/racy-dispatch-*"]
    )
    result.stdout.fnmatch_lines(["test_guarded.py::test_single_dispatch: guarded-dispatch: PASS, *"])
    assert len(list(pytester.path.glob("race-tapes/*"))) == 1


@pytest.mark.end_to_end
def test_a_missing_engine_is_an_error_with_its_remedy(pytester: pytest.Pytester, run: Run) -> None:
    """Without the extra, tests that race end in an error, and all others run as ever."""
    pytester.makeconftest("import sys\nsys.modules['greenlet'] = None\n")
    pytester.makepyfile(
        test_racing="def test_it(race):\n    race.explore(None)\n",
        test_importing=RACY,
        test_other="def test_it():\n    pass\n",
    )
    result = run("--continue-on-collection-errors", apart=True)
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*gatewright.race needs greenlet, *; pip install 'gatewright?race?'"])
    result.stdout.fnmatch_lines(
        ["*ERROR at setup of test_it*", "gatewright.race needs greenlet, *; pip install 'gatewright?race?'"]
    )


@pytest.mark.end_to_end
def test_the_engine_stays_away_from_runs_that_do_not_race(pytester: pytest.Pytester, run: Run) -> None:
    """Every run of pytest imports the plugin, so it imports next to nothing."""
    pytester.makepyfile("import sys\ndef test_it():\n    assert 'gatewright.race' not in sys.modules\n")
    run(apart=True).assert_outcomes(passed=1)


@pytest.fixture
def installed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the toolkit look installed, with the entry point that the project declares."""
    import tomllib  # noqa: PLC0415 - only here

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    folder = pytester.mkdir("site") / "gatewright-0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: gatewright\nVersion: 0\n")
    lines = [f"{name} = {module}" for name, module in declared.items()]
    (folder / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines, ""]))
    monkeypatch.setenv("PYTHONPATH", f"{folder.parent}{os.pathsep}{os.environ['PYTHONPATH']}")


@pytest.mark.end_to_end
@pytest.mark.usefixtures("installed")
def test_an_installed_toolkit_brings_the_fixture_along(pytester: pytest.Pytester) -> None:
    """Nothing needs to be configured, and `-p no:gatewright` leaves it out."""
    pytester.makepyfile(GUARDED)
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    pytester.run(*command).assert_outcomes(passed=1)
    without = pytester.run(*command, "-p", "no:gatewright")
    without.assert_outcomes(errors=1)
    without.stdout.fnmatch_lines(["*fixture 'race' not found"])
