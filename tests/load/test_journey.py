"""An answer gives its JSON object, or fails its step in words that can be counted."""

import pytest

from gatewright.load import Answer, StepFailedError


def test_an_answer_as_expected_gives_its_object():
    """The journey goes on with it."""
    assert Answer(201, b'{"id": "a"}').json(201) == {"id": "a"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(302, b""), "answered 302"),
        (Answer(500, b"{}"), "answered 500"),
        (Answer(200, b"<html>"), "answered with broken JSON"),
        (Answer(200, b"[" * 100_000), "answered with broken JSON"),
        (Answer(200, b"\xff"), "answered with broken JSON"),
        (Answer(200, b"[1]"), "answered with no JSON object"),
    ],
)
def test_any_other_answer_fails_the_step(answer, reason):
    """Statuses and bodies that a journey can't go on with are named."""
    with pytest.raises(StepFailedError, match=reason):
        answer.json()
