"""Subjects, roles and the text of tokens."""

from datetime import UTC, datetime

import pytest

from multyagents_api.domain.access import (
    ANYBODY,
    AccessRole,
    Principal,
    Token,
    digest_of,
    is_subject,
    parse_token,
    token_text,
)
from multyagents_api.domain.errors import Forbidden, NotYourself
from multyagents_api.domain.redaction import REDACTED, redact

SECRET = "0123456789abcdef" * 4
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_token_is_read_back():
    """Its id, and the digest of its secret."""
    presented = parse_token(token_text(7, SECRET))
    assert (presented.id, presented.digest) == (7, digest_of(SECRET))
    token = Token(7, "mia", frozenset(), digest_of(SECRET), MOMENT, None, None)
    assert token.is_proven_by(presented, MOMENT)
    assert SECRET not in repr(presented)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mya",
        f"mya_7_{SECRET[1:]}",
        f"mya_7_{SECRET}0",
        f"mya_7_{SECRET}\n",
        f" mya_7_{SECRET}",
        f"mya_0_{SECRET}",
        f"mya_07_{SECRET}",
        f"mya_-7_{SECRET}",
        f"mya_\u0667_{SECRET}",
        f"mya_{'1' * 19}_{SECRET}",
        f"mya_7_{SECRET.upper()}",
        f"MYA_7_{SECRET}",
    ],
)
def test_what_is_no_token_is_none(text):
    """One spelling only."""
    assert parse_token(text) is None


def test_a_token_does_not_stay_in_text():
    """Whatever keeps text takes it for the secret that it is."""
    assert redact(f"used {token_text(7, SECRET)} today") == f"used {REDACTED} today"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("mia", True),
        ("CI of the shop", True),
        ("Mía 雅", True),
        ("x" * 200, True),
        ("x" * 201, False),
        ("", False),
        (" ", False),
        (" mia", False),
        ("mia\n", False),
        ("mi\x00a", False),
        ("mi\x1b[31ma", False),
        ("mi\u2028a", False),
        ("mi\udc80a", False),
    ],
)
def test_a_subject_is_a_line_that_can_be_shown(text, fits):
    """It stands in logs, events and terminals."""
    assert is_subject(text) is fits


def test_one_of_several_roles_is_enough():
    """Who has none that fits is told which do, in one order."""
    principal = Principal("mia", frozenset({AccessRole.OBSERVER, AccessRole.REVIEWER}))
    principal.check_may(frozenset({AccessRole.OPERATOR, AccessRole.REVIEWER}))
    with pytest.raises(Forbidden, match="these do: operator, runner"):
        principal.check_may(frozenset({AccessRole.RUNNER, AccessRole.OPERATOR}))


def test_the_subject_speaks_for_itself():
    """It need not be named; nobody else can be, also not nearly."""
    mia = Principal("mia", frozenset())
    assert mia.speaks_as("actor", None) == mia.speaks_as("actor", "mia") == "mia"
    for other in ("ben", "Mia", "mia ", ""):
        with pytest.raises(NotYourself):
            mia.speaks_as("actor", other)
    assert [ANYBODY.speaks_as("actor", name) for name in (None, "ben")] == [None, "ben"]
