"""The history: every line that is altered, moved, added or taken away is seen, and a crash loses none."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.keys import BrokenSigner, FakeKey
from fakes.ledgers import entry, ledger_check

from gatewright.core.errors import GatewrightError
from gatewright.core.verdict import State
from gatewright.evidence.ledger import (
    append_entry,
    find_breaks,
    head_now,
    mend_torn_line,
    read_ledger,
    read_recent,
    read_signed_head,
    set_aside,
)
from gatewright.evidence.lines import MAXIMUM_LINE_BYTES, PIECE_BYTES, lines_at_the_end, read_lines
from gatewright.evidence.strict import EvidenceError

RELEASE, OTHER = FakeKey("release"), FakeKey("other")
NOW = datetime(2026, 11, 21, 21, 35, 54, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A history of five runs whose end is signed."""
    path = tmp_path / "history.jsonl"
    for number in range(5):
        append_entry(path, entry(number), RELEASE)
    return path


def head_of(path: Path) -> Path:
    return path.with_name("history.head.json")


def signed_head_of(path: Path) -> Path:
    return path.with_name("history.head.dsse.json")


def test_runs_are_read_as_they_were_added(path: Path) -> None:
    assert [found.run_id for found in read_ledger(path)] == [f"run-{number}" for number in range(5)]
    assert [found.run_id for found in read_recent(path, 2)] == ["run-3", "run-4"]
    assert read_recent(path, 99) == read_ledger(path)
    assert find_breaks(path, RELEASE, parse=True) == []
    head = head_now(path)
    assert head
    assert (head.count, head.bytes) == (5, path.stat().st_size)


def test_there_is_no_history_yet(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    assert read_ledger(path) == read_recent(path, 5) == ()
    assert find_breaks(path) == []
    assert mend_torn_line(path, NOW) is None


def edit_lines(path: Path, change: Callable[[list[bytes]], object]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))


def swap(lines: list[bytes]) -> None:
    lines[1], lines[2] = lines[2], lines[1]


def forge_run(path: Path, number: int) -> None:
    """Add a line as a run does, and leave the head alone, as somebody without the gate would."""
    before = head_of(path).read_bytes(), signed_head_of(path).read_bytes()
    append_entry(path, entry(number))
    head_of(path).write_bytes(before[0])
    signed_head_of(path).write_bytes(before[1])


def forge_two(path: Path) -> None:
    """Two lines beyond the head: one may be of a run that died before it moved the head, two may not."""
    before = head_of(path).read_bytes()
    append_entry(path, entry(8))
    append_entry(path, entry(9))
    head_of(path).write_bytes(before)


BREAKS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a line is edited": (
        "line 3 does not follow",
        lambda path: edit_lines(path, lambda it: it.__setitem__(1, it[1].replace(b"PASS", b"FAIL"))),
    ),
    "the last line is edited": (
        "line 5 is not what history.head.json says",
        lambda path: edit_lines(path, lambda it: it.__setitem__(4, it[4].replace(b"PASS", b"FAIL"))),
    ),
    "a line is taken out": ("line 3 does not follow", lambda path: edit_lines(path, lambda it: it.pop(2))),
    "the first line is taken out": (
        "line 1 does not follow",
        lambda path: edit_lines(path, lambda it: it.pop(0)),
    ),
    "two lines change places": ("line 2 does not follow", lambda path: edit_lines(path, swap)),
    "a line stands twice": (
        "line 3 does not follow",
        lambda path: edit_lines(path, lambda it: it.insert(2, it[1])),
    ),
    "a line is no entry": (
        "line 3 is no entry",
        lambda path: edit_lines(path, lambda it: it.insert(2, b"{}\n")),
    ),
    "a line is empty": ("line 6 is no entry", lambda path: edit_lines(path, lambda it: it.append(b"\n"))),
    "the end is cut off": (
        "ends after 3 lines, and history.head.json counts 5: lines are gone",
        lambda path: edit_lines(path, lambda it: it.__delitem__(slice(3, None))),
    ),
    "all lines are gone": ("ends after 0 lines", lambda path: path.write_bytes(b"")),
    "the file is gone": ("ends after 0 lines", lambda path: path.unlink()),
    "the head is gone": ("has no head any more", lambda path: head_of(path).unlink()),
    "the head is none": ("has a head that can't be read", lambda path: head_of(path).write_bytes(b"[]")),
    "lines are added": ("lines were added", forge_two),
    "it is a link": (
        "is a link",
        lambda path: path.symlink_to(path.rename(path.with_name("elsewhere"))),
    ),
    "it is a pipe": ("not a plain file", lambda path: (path.unlink(), os.mkfifo(path))),
    "a line is endless": (
        "more than",
        lambda path: edit_lines(path, lambda it: it.insert(0, b"x" * (MAXIMUM_LINE_BYTES + 1) + b"\n")),
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_whatever_is_done_to_the_history_is_seen(name: str, path: Path) -> None:
    message, change = BREAKS[name]
    change(path)
    assert message in " / ".join(map(str, find_breaks(path)))


@pytest.mark.parametrize("name", sorted(set(BREAKS) - {"it is a link", "it is a pipe", "a line is endless"}))
def test_a_break_is_still_seen_after_another_run(name: str, path: Path) -> None:
    """A run adds its line, and never a head that would make the break look whole."""
    BREAKS[name][1](path)
    for number in (5, 6):
        append_entry(path, entry(number), RELEASE)
    assert find_breaks(path)
    assert [found.run_id for found in read_recent(path, 2)] == ["run-5", "run-6"]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [((0, 1, 2), "counts 5: lines are gone"), ((0, 1, 2, 3, 9), "line 5 is not what history.head.dsse.json")],
)
def test_an_end_that_was_forged_with_its_head_needs_the_key(
    path: Path, numbers: tuple[int, ...], message: str
) -> None:
    """Whoever can write the folder can write a head too, and can't sign it."""
    forged = path.with_name("forged") / "history.jsonl"
    forged.parent.mkdir()
    for number in numbers:
        append_entry(forged, entry(number))
    shutil.copyfile(signed_head_of(path), signed_head_of(forged))
    assert find_breaks(forged, parse=True) == []
    assert message in str(find_breaks(forged, RELEASE)[0])


def test_a_signed_end_covers_the_lines_before_it(path: Path) -> None:
    """A run that nobody signs comes after it."""
    append_entry(path, entry(5))
    assert find_breaks(path, RELEASE) == []
    assert "is signed by release, not by other" in str(find_breaks(path, OTHER)[0])
    signed_head_of(path).unlink()
    assert "there is no history.head.dsse.json" in str(find_breaks(path, RELEASE)[0])


def test_how_far_the_signed_end_reaches_is_known(path: Path) -> None:
    append_entry(path, entry(5))
    head = head_now(path)
    assert head
    assert (read_signed_head(path, RELEASE).count, head.count) == (5, 6)
    [found] = find_breaks(path, OTHER)
    assert found.remedy.startswith("is it the right key?")


def test_a_line_is_never_longer_than_readers_take(path: Path) -> None:
    """Else one check with endless metrics would make the whole history unreadable."""
    endless = ledger_check(**{f"metric_{number}": 1.0 for number in range(60_000)})
    append_entry(path, entry(5, unit=endless, other=ledger_check(latency=1.0)), RELEASE)
    append_entry(path, entry(6), RELEASE)
    assert find_breaks(path, RELEASE, parse=True) == []
    found = read_ledger(path)[5]
    assert [check.counts.passed for check in found.checks.values()] == [3, 3]
    assert all(check.metrics == {} for check in found.checks.values())


def test_an_envelope_of_another_kind_is_no_head(path: Path) -> None:
    """Even one that the same key has signed for something else."""
    document = json.loads(signed_head_of(path).read_bytes())
    document["payloadType"] = "application/vnd.in-toto+json"
    signed_head_of(path).write_text(json.dumps(document), encoding="utf-8")
    assert "payload type" in str(find_breaks(path, RELEASE)[0])


def test_entries_are_read_when_that_is_asked(path: Path) -> None:
    """The chain alone does not say that a line means anything."""
    odd = entry(9).model_dump_json().replace('"exit_code":0', '"exit_code":"none"')
    path.unlink()
    head_of(path).unlink()
    path.write_text(odd + "\n", encoding="utf-8")
    assert find_breaks(path) == []
    assert "line 1 can't be read" in str(find_breaks(path, parse=True)[0])
    with pytest.raises(EvidenceError, match=r"line 1 of history\.jsonl"):
        read_ledger(path)


def test_a_line_that_a_crash_tore_is_kept_aside(path: Path) -> None:
    """Readers leave it out; the next run keeps it and says so; nothing else is lost."""
    whole = path.read_bytes()
    torn = whole.splitlines()[0][:100]
    path.write_bytes(whole + torn)
    assert len(read_ledger(path)) == len(read_recent(path, 9)) == 5
    assert "in the middle of a line" in str(find_breaks(path)[0])
    aside = mend_torn_line(path, NOW)
    assert aside == path.with_name("history.torn-20261121T213554000Z")
    assert aside.read_bytes() == torn
    assert path.read_bytes() == whole
    append_entry(path, entry(5), RELEASE)
    assert find_breaks(path, RELEASE, parse=True) == []


def test_a_run_that_died_before_it_moved_the_head_is_no_break(path: Path) -> None:
    forge_run(path, 5)
    assert find_breaks(path, RELEASE) == []
    append_entry(path, entry(6), RELEASE)
    assert find_breaks(path, RELEASE, parse=True) == []
    assert len(read_ledger(path)) == 7


def test_the_very_first_run_may_die_before_there_is_a_head(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append_entry(path, entry(0))
    head_of(path).unlink()
    assert find_breaks(path) == []
    append_entry(path, entry(1))
    assert find_breaks(path) == []
    assert head_of(path).exists()


def test_a_head_that_can_not_be_signed_loses_no_run(path: Path) -> None:
    with pytest.raises(GatewrightError, match="the agent has gone"):
        append_entry(path, entry(5), BrokenSigner())
    assert len(read_ledger(path)) == 6
    assert find_breaks(path, RELEASE) == []


def test_a_broken_history_is_set_aside_and_nothing_is_lost(path: Path) -> None:
    before = path.read_bytes()
    kept = set_aside(path, NOW)
    assert [file.name for file in kept] == [
        "history.jsonl.aside-20261121T213554000Z",
        "history.head.json.aside-20261121T213554000Z",
        "history.head.dsse.json.aside-20261121T213554000Z",
    ]
    assert kept[0].read_bytes() == before
    append_entry(path, entry(0))
    assert find_breaks(path, parse=True) == []


def test_a_tail_that_does_not_follow_is_refused(path: Path) -> None:
    edit_lines(path, lambda it: it.pop(3))
    assert len(read_recent(path, 1)) == 1
    with pytest.raises(EvidenceError, match="line 1 from the end") as refused:
        read_recent(path, 2)
    assert refused.value.state is State.TAMPERED


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_lines_are_the_same_from_either_end(tmp_path: Path, size: int) -> None:
    """Wherever the pieces in which a file is read happen to end."""
    path = tmp_path / "lines"
    path.write_bytes(b"first\n" + b"x" * size + b"\nlast\nunfinished")
    lines = list(read_lines(path))
    assert lines == [b"first", b"x" * size, b"last"]
    for count in range(5):
        assert lines_at_the_end(path, count) == (lines[-count:] if count else [])
    assert lines_at_the_end(path, 9, end=6) == [b"first"]
    assert lines_at_the_end(path, 9, start=6) == lines[1:]
    assert lines_at_the_end(path, 9, end=6, start=6) == []


def test_the_end_of_a_file_without_lines_is_not_read_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"x" * (MAXIMUM_LINE_BYTES * 2))
    for read in (
        lambda: lines_at_the_end(path, 1),
        lambda: lines_at_the_end(path, 1_000),
        lambda: list(read_lines(path)),
    ):
        with pytest.raises(EvidenceError, match="a line of more than"):
            read()
