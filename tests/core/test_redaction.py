"""Secrets leave no trace."""

import pytest

from gatewright.core.redaction import REDACTED, Redactor


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("fetching https://joe:hunter22@example.org/x", "hunter22"),
        ("fetching https://s3cr3tt0ken@example.org/x", "s3cr3tt0ken"),
        ("GET /runs?access_token=abc123&page=2", "abc123"),
        ("Authorization: Bearer eyJhbGciOi.x.y", "eyJhbGciOi"),
        ("authorization=Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("Cookie: session=0123456789", "0123456789"),
        ('{"api_key": "k-123456"}', "k-123456"),
        ("--db-password=hunter22", "hunter22"),
        ("pushed with ghp_0123456789abcdefghij", "ghp_0123456789abcdefghij"),
        ("AKIAIOSFODNN7EXAMPLEX", "AKIAIOSFODNN7EXAMPLEX"),
    ],
)
def test_what_looks_like_a_secret_by_its_place_is_cut_out(text: str, secret: str) -> None:
    redacted = Redactor({}).text(text)
    assert secret not in redacted
    assert REDACTED in redacted


@pytest.mark.parametrize(
    "text",
    [
        "tests/test_tokens.py::test_token_is_refused PASSED",
        "https://example.org/path?page=2",
        "12 passed, 1 skipped in 3.20s",
        "git@example.org:a/b.git",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert Redactor({}).text(text) == text


def test_values_of_secret_variables_are_cut_out_wherever_they_stand() -> None:
    redactor = Redactor({"DEPLOY_TOKEN": "correct-horse", "COLOUR": "plain-text", "API_KEY": "1"})
    assert redactor.text("x=correct-horse plain-text 1") == f"x={REDACTED} plain-text 1"


def test_a_secret_that_contains_another_is_cut_out_whole() -> None:
    redactor = Redactor({"A_TOKEN": "abcdef", "B_TOKEN": "abcdefghij"})
    assert redactor.text("abcdefghij") == REDACTED


def test_the_value_behind_a_secret_flag_is_cut_out() -> None:
    argv = ["tool", "--token", "hello", "--verbose", "--password=hunter22", "file"]
    assert Redactor({}).argv(argv) == (
        "tool",
        "--token",
        REDACTED,
        "--verbose",
        f"--password={REDACTED}",
        "file",
    )


@pytest.mark.parametrize("piece", ["a-", "a.", "token-", "://", "bearer ", "x=", "a://b", "password="])
def test_a_hostile_line_costs_no_more_than_its_length(piece: str) -> None:
    """Ends within the time of a test; an unbounded pattern would take minutes."""
    Redactor({}).text(piece * 20_000)
