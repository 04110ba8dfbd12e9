"""The verdict page: everything that the verdict rests on, bounded and harmless whatever the evidence holds."""

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from fakes.clock import FakeClock
from fakes.gate_runs import COMMIT, FakeGate, Planted, failing_race, junit, passing_slo
from fakes.gate_stories import STORIES
from fakes.pages import ParsedPage
from report.html.paged import POLICY, again, document_of, parsed

from gatewright.core.verdict import State
from gatewright.evidence.report import Reason
from gatewright.execution.judge import verify_run


def test_the_word_and_every_reason_come_before_all_else(failed: FakeGate) -> None:
    """Each with its rule, its place in the evidence, what was expected and seen, and what to do."""
    text = parsed(failed).text
    assert text.index("FAIL") < text.index("Of 3 required checks 2 failed.") < text.index("race/one-rerun")
    for reason in document_of(failed).reasons:
        for told in (reason.rule, reason.message, reason.expected, reason.observed, f"#{reason.pointer}"):
            assert told in text
        assert reason.see in text
        assert reason.command in text
    assert text.index("race/one-rerun") < text.index("2841/2844 passed")


def test_a_pass_says_so_and_gives_no_reasons(passed: FakeGate) -> None:
    text = parsed(passed).text
    assert "All 3 required checks passed." in text
    assert "Why" not in text.splitlines()


def test_a_waived_check_is_told_in_the_word_and_who_answers_for_it(tmp_path: Path) -> None:
    """The state stays what it is; a waiver that did nothing says why."""
    text = parsed(STORIES["waived"](tmp_path)).text
    assert "PASS\n, 1 waived" in text
    assert "2 of 3 required checks passed, 1 is waived for now." in text
    for told in (
        "waived:",
        "team-orders",
        "until 2026-11-28 (7 days left)",
        "it ended on 2026-10-01",
        "expired",
    ):
        assert told in text
    assert "✗\nFAIL" in text


def test_a_run_that_goes_on_says_that_nothing_is_known_yet(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, POLICY)
    gate.open("one", FakeClock()).announce()
    text = parsed(gate).text
    assert "INCONCLUSIVE" in text
    assert "still going on, or was killed" in text
    assert "No check has been judged." in text


def test_each_check_has_a_row_with_its_state_amount_history_and_details(failed: FakeGate) -> None:
    source = failed.latest.read_text(encoding="utf-8")
    rows = re.findall(r'<tbody [^>]*data-state="(\w+)"', source)
    assert rows == ["PASS", "FAIL", "FAIL"]
    text = parsed(failed).text
    for told in ("2841/2844 passed, 3 skipped", "Of 12 runs 11 passed, 1 failed.", "python -m pytest -q"):
        assert told in text
    assert "exit code 1" in text


def test_links_lead_to_files_from_both_places(failed: FakeGate) -> None:
    """From `latest.html` as they are written; from the run folder as the page's script writes them."""
    links = parsed(failed).links
    document = document_of(failed)
    assert len(links) > 10
    for outer, inner in links:
        assert (failed.project.evidence / unquote(outer.partition("#")[0])).is_file()
        assert (failed.page_of(document).parent / unquote(inner.partition("#")[0])).is_file()
    assert ("#/scenarios/0/objectives/0") in "".join(outer for outer, _ in links)


def test_what_is_no_file_of_the_run_is_named_and_not_linked(failed: FakeGate) -> None:
    document = document_of(failed)
    places = (
        "javascript:alert(1)",
        "https://example.org/x",
        "../../x",
        "/etc/passwd",
        "runs/other/x",
        "C:\\x",
    )
    inside = (f"runs/{document.run_id}/../x", f"runs/{document.run_id}/absent.json")
    reasons = [Reason(rule="r", message="m", artifact=place) for place in (*places, *inside)]
    page = again(failed, document.model_copy(update={"reasons": tuple(reasons), "checks": ()}))
    assert page.links == []
    assert all(place in page.text for place in places)


def test_the_copy_is_the_page_of_the_run_byte_for_byte(passed: FakeGate) -> None:
    assert passed.latest.read_bytes() == passed.page_of(document_of(passed)).read_bytes()
    assert verify_run(passed.project, None).is_intact


def test_the_interleaving_of_a_failing_race_is_drawn(failed: FakeGate) -> None:
    """With its actors, the statement at which one was stopped, and the invariants that broke."""
    page = parsed(failed)
    for told in (
        "alice",
        "bob",
        "is stopped here",
        "waits for a lock",
        "COMMIT",
        "one-rerun is broken at the end",
    ):
        assert told in page.text
    assert ("class", "lanes") in page.attributes
    assert "Replayed 20 times, it failed alike 20 times." in page.text


def test_service_levels_are_drawn_with_their_limits(failed: FakeGate) -> None:
    source = failed.latest.read_text(encoding="utf-8")
    assert source.count('class="plot timeline"') == source.count('class="plot percentiles"') == 2
    text = parsed(failed).text
    for told in ("12.07 ms", "≤ 4 ms", "p95 ≤ 4 ms: broken.", "Limit: p95 ≤ 4 ms."):
        assert told in text


def test_evidence_that_is_not_believed_is_not_drawn(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, POLICY)
    gate.run(
        {"unit": Planted({"report.json": failing_race()}, exit_code=1)},
        before_close=lambda run: (run.folder / "unit" / "extra").write_text("x"),
    )
    page = parsed(gate)
    assert document_of(gate).checks[0].state is State.TAMPERED
    assert ("class", "lanes") not in page.attributes
    assert "1 left evidence that can't be believed" in page.text


def test_trends_compare_with_earlier_runs_of_the_same_profile(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, POLICY)
    planted = {"unit": Planted({"report.json": passing_slo()}, duration_s=10)}
    gate.run(planted, number=0)
    assert "There is no earlier run of this profile to compare with." in parsed(gate).text
    gate.run({"unit": Planted({"report.json": passing_slo()}, duration_s=99)}, number=1, profile="full")
    gate.run({"unit": Planted({"report.json": passing_slo()}, duration_s=12)}, number=2)
    text = parsed(gate).text
    assert "2 runs of the quick profile" in text
    assert "median before 10.0 s (+20%)" in text
    assert "load: latency p95" in text


def test_a_limit_of_the_policy_stands_in_the_trend(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, POLICY + '[checks.unit.limits."load.latency_p95_ms"]\nmax = 20\n')
    for number in range(2):
        gate.run({"unit": Planted({"report.json": passing_slo()})}, number=number)
    assert "the newest has 12.07 ms; the limit is 20 ms." in parsed(gate).text


def test_what_was_not_checked_is_told(tmp_path: Path) -> None:
    """Shortened, skipped, shared, advisory, uncommitted, and what suites say themselves."""
    policy = """\
schema_version = 1
[checks.unit]
steps = [["x"]]
full_steps = [["y"]]
results = ["junit.xml"]
max_skipped = 9
[checks.side]
required = false
steps = [["x"]]
results = ["report.json"]
[checks.gone]
steps = [["x"]]
results = ["junit.xml"]
"""
    race = failing_race() | {"skipped": [{"mode": "stress", "database": "PostgreSQL", "reason": "no server"}]}
    gate = FakeGate(tmp_path, policy)
    gate.run(
        {
            "unit": Planted({"junit.xml": junit(5, skipped=4)}, isolated=False),
            "side": Planted({"report.json": race}, exit_code=1),
        },
        dirty=True,
    )
    text = parsed(gate).text
    for told in (
        "The work tree had changes that no commit holds",
        "Run in the quick profile, not at full length: unit, side.",
        "gatewright gate --full",
        "side is advisory: it is FAIL and has no say.",
        "unit skipped 4 of 9.",
        "in an environment that was there: unit.",
        "Races, stress on PostgreSQL: no server.",
        "Whether this page is what the run wrote (not signed by the gate: digests only).",
        "Beside them 1 advisory check did not pass.",
    ):
        assert told in text


def test_a_note_of_the_run_stands_among_what_was_not_checked_and_is_no_reason(passed: FakeGate) -> None:
    document = document_of(passed)
    note = Reason(rule="note-history", message="the history begins anew", command="gatewright history")
    text = again(passed, document.model_copy(update={"reasons": (note,)})).text
    assert "the history begins anew." in text
    assert "Why" not in text.splitlines()


def test_secrets_of_the_evidence_do_not_get_into_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither from requests and answers of a race, nor from arguments of commands."""
    monkeypatch.setenv("SHOP_API_KEY", "hunter2-of-the-shop")
    race = failing_race()
    example = race["scenarios"][0]["counterexample"]
    example["operations"][0]["body"] = {"key": "hunter2-of-the-shop"}
    example["violations"]["one-rerun"] = ["Authorization: Bearer abcdefghijklmnop"]
    gate = FakeGate(tmp_path, POLICY)
    argv = ("race", "--token", "s3cr3t-words", "--url=https://me:pw-of-mine@example.org")
    gate.run({"unit": Planted({"report.json": race}, argv=argv, exit_code=1)})
    source = gate.latest.read_text(encoding="utf-8")
    for secret in ("hunter2-of-the-shop", "abcdefghijklmnop", "s3cr3t-words", "pw-of-mine"):
        assert secret not in source
    assert source.count("[redacted]") >= 4


def test_environment_and_commands_to_repeat_are_there(passed: FakeGate) -> None:
    text = parsed(passed).text
    for told in ("3.12.11 (CPython)", "AMD EPYC 9354P, 8 cores", "pydantic", f"git checkout {COMMIT}"):
        assert told in text
    assert {"gatewright gate", "gatewright verify", "gatewright explain"} <= set(text.splitlines())


def test_commands_are_those_of_the_program_that_is_typed_here(
    failed: FakeGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWRIGHT_PROGRAM", "./scripts/multyagents")
    text = again(failed, document_of(failed)).text
    assert "./scripts/multyagents verify" in text
    assert "\ngatewright verify" not in text


def test_nothing_loads_and_nothing_runs_but_what_the_page_itself_holds(failed: FakeGate) -> None:
    """Its policy knows the one style and the one script by their digests."""
    source = failed.latest.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', source)[1].replace("&#x27;", "'")
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        [element] = re.findall(rf"<{kind}>(.*?)</{kind}>", source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(element.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    page = ParsedPage(source)
    assert not {"img", "iframe", "object", "base"} & set(page.tags)
    assert not any(name.startswith("on") or name == "style" for name, _ in page.attributes)
    addresses = [value for name, value in page.attributes if name in {"href", "src"}]
    assert all(re.match(r"#|runs/|latest\.json|data:image/svg", str(address)) for address in addresses)
