"""The history in the terminal."""

from fakes.ledgers import entry, ledger_check

from gatewright.core.verdict import State
from gatewright.evidence.ledger import LedgerBreak
from gatewright.report.history import LEGEND, render_history, report_history, sparkline

ENTRIES = [
    entry(0, unit=ledger_check(p95_ms=10.0), race=ledger_check(State.FAIL)),
    entry(1, unit=ledger_check(State.TAMPERED)),
    entry(2, unit=ledger_check(State.FLAKY, p95_ms=20.0), race=ledger_check()),
]


def test_each_run_is_a_row_with_a_mark_for_each_check() -> None:
    text = render_history(report_history(ENTRIES, []), colour=False)
    rows = text.split("\n\n")[0].splitlines()
    assert rows[0].split()[-3:] == ["unit", "race", "run"]
    assert [row.split()[-3:] for row in rows[2:]] == [
        ["+", "x", "run-0"],
        ["!", ".", "run-1"],
        ["~", "+", "run-2"],
    ]
    assert LEGEND in text
    assert "0 of 3 runs passed" in text


def test_flake_rates_and_trends_stand_below() -> None:
    report = report_history(ENTRIES, [LedgerBreak("is no entry", 7)])
    _, _, flakes, trends = render_history(report, colour=False).split("\n\n")
    assert flakes.splitlines()[3].split() == ["race", "50.0%", "1", "of", "1", "0", "of", "2"]
    assert "p95_ms" in trends
    assert "10 to 20" in trends
    assert report.breaks == ("line 7 is no entry",)
    assert report.flake_rates[0].check == "unit"


def test_one_check_can_be_asked_about() -> None:
    report = report_history(ENTRIES, [], "race")
    assert {rate.check for rate in report.flake_rates} == {"race"}
    assert {found.check for found in report.trends} == {"race"}
    assert len(report.runs) == 3


def test_names_from_a_hostile_history_do_not_move_the_cursor() -> None:
    hostile = entry(0, unit=ledger_check(**{"p95\x1b[2J": 1.0})).model_copy(
        update={"commit": "\x1b[31mred", "profile": "quick\nPASS"}
    )
    text = render_history(report_history([hostile], []), colour=False)
    assert "\x1b" not in text
    assert "\nPASS" not in text


def test_bars_go_from_the_smallest_to_the_greatest() -> None:
    assert sparkline([1.0, 2.0, 8.0]) == "▁▂█"
    assert sparkline([1.0, 2.0, 8.0], blocks=False) == "_.#"
    assert sparkline([5.0, 5.0]) == "▁▁"
    assert sparkline([]) == ""
    assert sparkline([-1.7e308, 1.7e308]) == "▁█"
    assert sparkline([0.0, 5e-324]) in {"▁▁", "▁█"}
    assert len(sparkline([float(value) for value in range(1000)])) == 40
