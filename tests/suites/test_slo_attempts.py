"""Attempts at the same promises on the same tree are counted, and may share one error."""

import json
import math
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.slo import (
    DriftLimit,
    ErrorBudget,
    LatencyObjective,
    RatioTimeslicesObjective,
    SlicePromise,
    SuccessObjective,
    ThroughputObjective,
)
from gatewright.suites.slo import Plan
from gatewright.suites.slo.assembly import Heading
from gatewright.suites.slo.attempts import (
    ATTEMPTS,
    KEPT,
    Attempts,
    count_attempt,
    question_of,
    share_of_alpha,
)
from gatewright.suites.slo.markdown import render
from gatewright.suites.slo.running import Suite, run_and_publish, run_suite

KEY = "sha256:" + 64 * "a"
PROMISES = (LatencyObjective(0.95, 0.3), SuccessObjective(0.99), ThroughputObjective(20))
HEADING = Heading(
    suite="slo",
    profile="quick",
    target="",
    server_started=True,
    alpha=0.05,
    started_at=datetime(2026, 1, 2, tzinfo=UTC),
    command="again",
)


@contextmanager
def no_service():
    raise GatewrightError("no server")
    yield


def suite(root, *, share_alpha=False):
    plan = Plan("load", PROMISES, rate=40, budget_s=30)
    return Suite(HEADING, [plan], no_service, root=root, share_alpha=share_alpha)


def test_each_attempt_has_the_next_number(tmp_path):
    """Another question begins with 1, and does not disturb the first."""
    other = "sha256:" + 64 * "b"
    assert [count_attempt(tmp_path, key) for key in (KEY, KEY, other, KEY)] == [1, 2, 1, 3]


def test_the_question_is_the_tree_the_target_and_the_promises(tmp_path):
    """Any change of these is another question; rate and duration are not."""
    (tmp_path / "app.py").write_text("x = 1")

    def asked(*objectives, target="", root=tmp_path):
        plan = Plan("load", objectives or PROMISES, rate=40, budget_s=30)
        return question_of(root, tmp_path / "out", target, [plan])

    first = asked()
    soak = Plan("soak", PROMISES, rate=90, budget_s=5)
    assert question_of(tmp_path, tmp_path / "out", "", [soak]) == first
    others = {
        asked(target="http://127.0.0.1:1"),
        asked(*PROMISES[:2]),
        asked(LatencyObjective(0.95, 0.31), *PROMISES[1:]),
        asked(root=None),
    }
    slices = tuple(SlicePromise(RatioTimeslicesObjective(target, 5.0)) for target in (0.8, 0.9))
    for promise in slices:
        sliced = Plan("load", PROMISES, rate=40, budget_s=30, slices=(promise,))
        others.add(question_of(tmp_path, tmp_path / "out", "", [sliced]))
    for more in ({"budget": ErrorBudget(0.99)}, {"drift_limits": (DriftLimit("rss", 2048),)}):
        others.add(question_of(tmp_path, tmp_path / "out", "", [replace(soak, **more)]))
    (tmp_path / "app.py").write_text("x = 2")
    assert len(others | {first, asked()}) == 10


@pytest.mark.parametrize("folder", ["docs/evidence/task", "elsewhere"])
def test_evidence_does_not_change_the_question(tmp_path, folder):
    """What a run writes must not make the next one look like the first, wherever it is written."""
    evidence = tmp_path / folder
    evidence.mkdir(parents=True)
    plans = [Plan("load", PROMISES, rate=40, budget_s=30)]
    asked = question_of(tmp_path, evidence, "", plans)
    (evidence / "latest.json").write_text("{}")
    assert question_of(tmp_path, evidence, "", plans) == asked


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no json",
        "[]",
        "\ufeff{}",
        '{"counts": {"nonsense": 1}}',
        f'{{"counts": {{"{KEY}": 0}}}}',
        f'{{"counts": {{"{KEY}": -3}}}}',
        f'{{"counts": {{"{KEY}": 1.5}}}}',
        f'{{"counts": {{"{KEY}": NaN}}}}',
        f'{{"counts": {{"{KEY}": 1, "{KEY}": 2}}}}',
        f'{{"counts": {{"{KEY}": 1}}, "more": 1}}',
        '{"schema_version": "gatewright.slo-attempts/9", "counts": {}}',
        json.dumps({"counts": {f"sha256:{number:064x}": 1 for number in range(KEPT + 1)}}),
    ],
)
def test_a_file_of_another_making_is_refused(tmp_path, content):
    """In one line, with the remedy; it is left as it is."""
    (tmp_path / ATTEMPTS).write_text(content)
    with pytest.raises(ConfigurationError, match="the attempts can't be counted") as caught:
        count_attempt(tmp_path, KEY)
    assert "\n" not in str(caught.value)
    assert "remove attempts.json" in str(caught.value)
    assert (tmp_path / ATTEMPTS).read_text() == content


def test_a_link_is_refused(tmp_path):
    """Nothing outside the folder is read or written."""
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / ATTEMPTS).symlink_to(outside)
    with pytest.raises(ConfigurationError, match="a link"):
        count_attempt(folder, KEY)


def test_the_oldest_questions_are_forgotten():
    """The file stays small, and the one just asked is always in it."""
    attempts = Attempts()
    for number in range(KEPT + 5):
        attempts = attempts.with_another(f"sha256:{number:064x}")
    assert len(attempts.counts) == KEPT
    assert list(attempts.counts)[-1].endswith(f"{KEPT + 4:x}")
    assert f"sha256:{0:064x}" not in attempts.counts


def test_the_shares_of_all_attempts_are_one_alpha():
    """1/2 + 1/6 + 1/12 + ... comes to 1."""
    assert share_of_alpha(0.05, 1) == 0.025
    total = math.fsum(share_of_alpha(0.05, attempt) for attempt in range(1, 10_001))
    assert 0.0499 < total < 0.05


def test_a_run_that_measures_nothing_is_an_attempt_too(tmp_path):
    """The number stands in the report, its metrics and its Markdown; alpha is the full one unless shared."""
    folder = tmp_path / "evidence"
    reports = [run_and_publish(suite(tmp_path), folder, None) for _ in range(3)]
    assert [report.attempt for report in reports] == [1, 2, 3]
    assert reports[2].metrics["attempt"] == 3
    assert {report.alpha for report in reports} == {0.05}
    assert "attempt 3 at these limits on this tree" in render(reports[2])
    assert "attempt" not in render(reports[0])


def test_attempts_may_share_one_alpha(tmp_path):
    """The second has a sixth of it, in the plan as in the report."""
    shared = suite(tmp_path, share_alpha=True)
    assert shared.counted(tmp_path / "evidence").heading.alpha == 0.025
    second = shared.counted(tmp_path / "evidence")
    assert second.heading.alpha == pytest.approx(0.05 / 6)
    assert second.plans[0].requirements.alpha == pytest.approx(0.05 / 6)


def test_a_share_is_refused_where_attempts_are_not_counted(tmp_path):
    """A library call without evidence would take all of the error each time."""
    with pytest.raises(ConfigurationError, match="where they are counted"):
        run_suite(suite(tmp_path, share_alpha=True))


def test_a_file_of_another_making_leaves_no_older_verdict(tmp_path):
    """The refusal comes after `latest.json` says that the run has begun."""
    (tmp_path / ATTEMPTS).write_text("no json")
    (tmp_path / "latest.json").write_text('{"verdict": "PASS"}')
    with pytest.raises(ConfigurationError):
        run_and_publish(suite(tmp_path), tmp_path, None)
    assert json.loads((tmp_path / "latest.json").read_text())["verdict"] == "INCONCLUSIVE"
