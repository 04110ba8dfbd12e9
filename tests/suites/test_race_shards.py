"""Shards: together they are what one run is, and nothing less than all of them passes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from planted.dispatch_programs import GuardedDispatch, LockedDispatch, RacyDispatch
from planted.planted_faults import unguarded

from gatewright.cli import execute
from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode, Verdict
from gatewright.race import Arena, PreemptionBounding, Scenario, Share, read_share
from gatewright.race.selfcheck import PlantedFault
from gatewright.suites.race import (
    RaceSuite,
    RaceSuiteConfig,
    merge,
    publish_race_report,
    read_shards,
    run_race_suite,
)
from gatewright.suites.race.report import RaceReport

CONFIG = RaceSuiteConfig(modes=("explore",), pct_schedules=9, random_schedules=9, schedules=120)
FAULT = PlantedFault("unguarded", "no guard", GuardedDispatch, unguarded)


def suite_of(*scenarios: type[Scenario]) -> RaceSuite:
    return RaceSuite("planted-races", scenarios, (FAULT,), {}, "python -m planted")


def shards_of(suite: RaceSuite, count: int, config: RaceSuiteConfig = CONFIG) -> list[RaceReport]:
    return [
        run_race_suite(suite, replace(config, shard=Share(index, count))) for index in range(1, count + 1)
    ]


def schedules(arena: Arena, share: Share, *, reduction: bool) -> list[tuple[tuple[str, str], ...]]:
    """Every schedule that a shard of preemption bounding runs."""
    strategy, run = PreemptionBounding(2, share=share, reduction=reduction), []
    while (picker := strategy.next_picker()) is not None:
        trace = arena.run(picker).trace
        strategy.learn(trace)
        run.append(tuple(trace.named_steps()))
    return run


@pytest.fixture(params=[RacyDispatch, GuardedDispatch, LockedDispatch])
def arena(request: pytest.FixtureRequest) -> Iterator[Arena]:
    """One in which a scenario may begin."""
    scenario = request.param()
    with Arena(scenario) as arena:
        arena.prepare(scenario)
        yield arena


def test_shards_of_preemption_bounding_make_up_the_whole(arena: Arena) -> None:
    """Every schedule is run by one shard, but for the first, which every shard needs to go on from."""
    whole = schedules(arena, Share(), reduction=False)
    for count in (2, 3, 7):
        parts = [schedules(arena, Share(index, count), reduction=False) for index in range(1, count + 1)]
        assert {part[0] for part in parts} == {whole[0]}
        assert sorted(each for part in parts for each in part[1:]) == sorted(whole[1:])


def test_shards_with_reduction_run_all_that_one_run_needs(arena: Arena) -> None:
    """Among shards less is known, so more is run, but never anything beyond the bound."""
    whole = set(schedules(arena, Share(), reduction=False))
    reduced = set(schedules(arena, Share(), reduction=True))
    shards = {each for index in (1, 2, 3) for each in schedules(arena, Share(index, 3), reduction=True)}
    assert len(reduced) <= len(shards)
    assert shards <= whole


@pytest.fixture(scope="module")
def halves() -> list[RaceReport]:
    """The two shards of a run that passes."""
    return shards_of(suite_of(GuardedDispatch), 2)


def test_a_merged_run_finds_what_one_run_finds() -> None:
    """The same verdict, invariants violated, minimal preemptions, miss bounds and planted faults killed."""
    suite = suite_of(RacyDispatch, GuardedDispatch)
    whole, merged = run_race_suite(suite, CONFIG), merge(shards_of(suite, 3), Path("out"))
    assert merged.verdict is whole.verdict is Verdict.FAIL
    assert merged.merged_from == ("1/3", "2/3", "3/3")
    for one, joined in zip(whole.scenarios, merged.scenarios, strict=True):
        assert joined.scenario == one.scenario
        assert joined.verdict is one.verdict
        assert joined.miss_bounds == one.miss_bounds
        assert {seen.name for seen in joined.invariants if seen.violated} == {
            seen.name for seen in one.invariants if seen.violated
        }
    example, expected = merged.scenarios[0].counterexample, whole.scenarios[0].counterexample
    assert example is not None
    assert expected is not None
    assert example.preemptions == expected.preemptions
    assert merged.self_check == whole.self_check
    assert merged.counts.schedules == sum(result.iterations for result in merged.scenarios)


def test_iterations_are_numbered_on_from_shard_to_shard() -> None:
    """A failure is found under one number only."""
    merged = merge(shards_of(suite_of(RacyDispatch), 2), Path("out")).scenarios[0]
    numbers = [detail.iteration for detail in merged.details]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) <= merged.iterations
    failing = {detail.iteration for detail in merged.details if detail.verdict is Verdict.FAIL}
    told = {failure.iteration for seen in merged.invariants for failure in seen.failures}
    assert failing == told
    assert merged.first_failure == min(failing)


def test_one_shard_alone_never_passes(halves: list[RaceReport]) -> None:
    """Its report says that it is a part."""
    one, other = halves
    assert one.verdict is other.verdict is Verdict.INCONCLUSIVE
    assert one.reasons[-1].message == "this is shard 1/2 only"
    together = merge([other, one], Path("out"))
    assert (together.verdict, together.reasons) == (Verdict.PASS, ())


def test_a_missing_shard_is_inconclusive_and_named() -> None:
    """Unless another one failed."""
    guarded, racy = shards_of(suite_of(GuardedDispatch), 3), shards_of(suite_of(RacyDispatch), 3)
    merged = merge(guarded[:1] + guarded[2:], Path("out"))
    assert merged.verdict is Verdict.INCONCLUSIVE
    assert merged.reasons[-1].message == "shard 2/3 is missing"
    assert merged.reasons[-1].command == "python -m planted --shard 2/3"
    assert merge(racy[:2], Path("out")).verdict is Verdict.FAIL


def differing(reports: Sequence[RaceReport], **change: object) -> list[RaceReport]:
    return [*reports[:-1], reports[-1].model_copy(update=change)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shard": "1/2"}, "shard 1/2 was given twice"),
        ({"shard": "2/3"}, "shards of different runs"),
        ({"seed": 99}, "differ in seed"),
        ({"amount": "other"}, "differ in amount"),
        ({"source": "other"}, "differ in source"),
        ({"suite": "other"}, "differ in suite"),
    ],
)
def test_shards_of_different_runs_are_refused(
    change: dict[str, object], message: str, halves: list[RaceReport]
) -> None:
    """Another seed, another amount of work, another commit: usage, not evidence."""
    with pytest.raises(ConfigurationError, match=message):
        merge(differing(halves, **change), Path("out"))


@pytest.mark.parametrize("text", ["", "3", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", "1/99999999"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    """In one line."""
    with pytest.raises(ConfigurationError, match="is no shard"):
        read_share(text)


def test_the_command_line_joins_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Evidence in, evidence out, with the tape beside it; the exit code is the verdict's."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder, report in zip(folders, shards_of(suite_of(RacyDispatch), 2), strict=True):
        publish_race_report(folder, report)
    arguments = ["merge", *map(str, folders), "--output", str(tmp_path / "all")]
    assert execute(arguments) == ExitCode.FAIL
    (merged,) = read_shards([tmp_path / "all"])
    example = merged.scenarios[0].counterexample
    assert example is not None
    assert (tmp_path / "all" / example.tape_file).is_file()
    assert "all/" in example.command
    assert capsys.readouterr().out.splitlines()[-1] == "FAIL"
    assert "Merged from 1/2, 2/2" in (tmp_path / "all" / "latest.md").read_text()


def test_a_folder_without_evidence_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, with nothing written."""
    (tmp_path / "latest.json").write_text('{"verdict": "PASS"}')
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert execute(["merge", str(folder), "--output", str(tmp_path / "out")]) == ExitCode.USAGE
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
