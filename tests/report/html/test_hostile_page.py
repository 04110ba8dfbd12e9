"""Whatever the evidence holds, there is a page: harmless, of bounded size, and with the word on it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.gate_runs import FakeGate, Planted, failing_race, failing_slo, passing_slo
from fakes.gate_stories import STORIES, many
from fakes.pages import ParsedPage
from fakes.proofs import tried
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from report.html.paged import POLICY, again, document_of, parsed, text_of_one

from gatewright.core.verdict import Verdict
from gatewright.evidence.ledger import read_ledger
from gatewright.report.html import render_page


def test_whatever_a_name_says_it_stays_text(tmp_path: Path) -> None:
    gate = STORIES["hostile"](tmp_path)
    page = parsed(gate)
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    source = gate.latest.read_text(encoding="utf-8")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e\u2066\ufffe]", source)
    assert "<script>window.owned" in page.text


@pytest.mark.thorough
def test_a_page_of_very_much_evidence_stays_small(tmp_path: Path) -> None:
    """Ten thousand reasons, thousands of checks and megabytes of names; it says what is left out."""
    gate = many(tmp_path)
    document = document_of(gate)
    assert len(gate.latest.read_bytes()) < 1_000_000
    reason = document.reasons[0]
    reasons = tuple(reason.model_copy(update={"message": f"{n} " + "x" * 20_000}) for n in range(10_000))
    checks = tuple(
        check.model_copy(update={"metrics": {f"p95 {n}" + "y" * 500: 1.0 for n in range(60)}})
        for check in document.checks
    )
    huge = document.model_copy(update={"reasons": reasons, "checks": checks * 10})
    source = render_page(huge, gate.project.runs / document.run_id, read_ledger(gate.project.history))
    assert len(source) < 4_000_000
    text = ParsedPage(source).text
    assert "9,960 further reasons are left out here" in text
    assert "1,600 further checks, none of them worse than these" in text
    assert text.count("MISSING") >= 20


def test_a_report_that_is_too_large_is_left_out_with_a_note(tmp_path: Path) -> None:
    """The judge reads it, the page does not draw it."""
    report = passing_slo() | {"padding": "x" * 17_000_000}
    gate = FakeGate(tmp_path, POLICY)
    gate.run({"unit": Planted({"report.json": report})})
    assert document_of(gate).verdict is Verdict.PASS
    source = gate.latest.read_text(encoding="utf-8")
    assert "report.json is not drawn: report.json is larger than" in ParsedPage(source).text
    assert len(source) < 100_000


def mutilated(report: dict, path: str, value: object) -> dict:
    """A report in which one value is another one."""
    copy = json.loads(json.dumps(report))
    place = copy
    *parents, last = path.split("/")
    for part in parents:
        place = place[int(part) if part.isdigit() else part]
    place[last] = value
    return copy


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (mutilated(failing_race(), "scenarios/0/counterexample/steps", [{"actor": 1}]), "is not drawn"),
        (mutilated(failing_race(), "scenarios/0/counterexample/violations", "no"), "is not drawn"),
        (mutilated(failing_race(), "scenarios", None), "is not drawn"),
        (mutilated(failing_slo(), "scenarios/0/timeline", {"blocks": [{}]}), "is not drawn"),
        (mutilated(failing_slo(), "scenarios/0/histogram/buckets", [[10**18, 5]]), "Latency"),
        (mutilated(failing_slo(), "scenarios/0/histogram/buckets", [[5, 2**62], [4, 2**62]]), "Latency"),
        (mutilated(failing_slo(), "scenarios/0/timeline/block_s", 0), "Latency"),
        (mutilated(failing_slo(), "scenarios/0/timeline/block_s", -1e308), "Latency"),
        (mutilated(failing_slo(), "scenarios/0/objectives/0/threshold", 1e308), "Latency"),
        (mutilated(failing_slo(), "scenarios/0/measured_s", -1), "Latency"),
    ],
)
def test_what_can_not_be_drawn_never_keeps_a_run_from_its_verdict(
    tmp_path: Path, report: dict, told: str
) -> None:
    text = text_of_one(tmp_path, report, exit_code=1)
    assert "FAIL" in text
    assert told in text or "can't be shown" in text


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
PLACES = [
    "scenarios/0/counterexample/steps",
    "scenarios/0/counterexample/operations",
    "scenarios/0/counterexample/broken_at",
    "scenarios/0/counterexample/violations",
    "scenarios/0/iterations",
    "self_check",
    "skipped",
    "scenarios/0/timeline",
    "scenarios/0/histogram",
    "scenarios/0/objectives",
    "scenarios/0/remarks",
    "scenarios/0/measured_s",
]


@tried(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=JSON_VALUES)
def test_no_value_in_a_report_breaks_the_page(failed: FakeGate, place: str, value: object) -> None:
    document = document_of(failed)
    folder = failed.project.runs / document.run_id
    name = "race-stress" if PLACES.index(place) < 7 else "slo-smoke"
    path = folder / name / "report.json"
    before = path.read_bytes()
    try:
        path.write_text(json.dumps(mutilated(json.loads(before), place, value)), encoding="utf-8")
        page = ParsedPage(render_page(document, folder, ()))
    finally:
        path.write_bytes(before)
    assert "Of 3 required checks 2 failed." in page.text


def test_a_run_folder_that_is_gone_still_has_a_page(failed: FakeGate, tmp_path: Path) -> None:
    """With the word and the reasons, which stand in the verdict."""
    document = document_of(failed)
    page = ParsedPage(render_page(document, tmp_path / "gone", ()))
    assert document.reasons[0].message in page.text
    assert "there is no policy.toml" in page.text


def test_whatever_goes_wrong_there_is_a_page_with_the_word_and_the_reasons(
    failed: FakeGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gatewright.report.html.verdict.read_material", break_down)
    document = document_of(failed)
    text = again(failed, document).text
    assert document.reasons[0].message in text
    assert "FAIL" in text
    assert "the rest of this page can't be shown: ZeroDivisionError" in text


def test_the_page_is_made_without_the_engines_and_their_packages() -> None:
    """A gate need not have what its checks need."""
    code = (
        "import sys; import gatewright.report.html; "
        "print([name for name in sys.modules if name.startswith(('gatewright.race', 'gatewright.load', "
        "'gatewright.slo', 'scipy', 'numpy', 'greenlet'))])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "[]"
