"""What lines, reads and letters split is a secret all the same."""

import pytest

from gatewright.core.redacted_output import LONGEST_BLOCK, REACH, RedactedOutput
from gatewright.core.redaction import REDACTED, Redactor

PIECE = 64 * 1024
KEY = ["-----BEGIN RSA PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED", "", *["MIIEow" + "x7Z" * 19] * 20]


def read(text: str, **environment: str) -> str:
    output = RedactedOutput(Redactor(environment))
    pieces = [
        line[start : start + PIECE]
        for line in text.splitlines(keepends=True)
        for start in range(0, len(line), PIECE)
    ]
    return "".join(map(output.feed, pieces)) + output.end()


def test_ordinary_lines_come_through_as_they_are() -> None:
    text = "one\n\ntwo  \n" + "x" * 3 * PIECE + "\nlast, without an end"
    assert read(text) == text


@pytest.mark.parametrize("before", range(PIECE - 14, PIECE + 2))
def test_a_secret_across_the_end_of_a_read_is_cut_out(before: int) -> None:
    """Wherever the read of a long line ends, within the secret or beside it."""
    text = read("." * before + "correct-horse" + "." * 70_000 + "\nnext\n", DEPLOY_TOKEN="correct-horse")
    assert text == "." * before + REDACTED + "." * 70_000 + "\nnext\n"


@pytest.mark.parametrize("before", range(PIECE - 40, PIECE, 3))
def test_a_name_and_its_value_across_the_end_of_a_read_are_still_together(before: int) -> None:
    text = read(" " * before + "https://joe:hunter22@example.org/x --password=hunter22 " + " " * 70_000)
    assert "hunter22" not in text


def test_a_line_in_which_a_secret_does_not_end_is_cut() -> None:
    """All that follows a header belongs to it, however long it is."""
    text = read("Authorization: Digest " + "abc123" * 60_000 + "\nnext\n")
    assert "abc123" not in text
    assert text.endswith("\nnext\n")
    assert "the rest of this line was cut" in text


def test_a_key_is_cut_out_with_all_its_lines() -> None:
    text = read("\n".join(["before", *KEY, "-----END RSA PRIVATE KEY-----", "after"]))
    assert text.split() == ["before", REDACTED, "after"]


def test_what_follows_a_key_that_never_ends_is_heard_again() -> None:
    """A line that only looks like the beginning of a key must not silence a log for ever."""
    text = read("\n".join([KEY[0], *["line"] * (LONGEST_BLOCK + 10)]))
    assert 1 < text.count("line") < 20


def test_the_lines_of_a_secret_of_many_lines_are_secrets_each() -> None:
    secret = "first line of it\nsecond line of it\n"
    text = read("got first line of it\nand\nsecond line of it!\n", SIGNING_SECRET=secret)
    assert text == f"got {REDACTED}\nand\n{REDACTED}!\n"


def test_what_is_held_back_is_bounded() -> None:
    output = RedactedOutput(Redactor({}))
    for _ in range(50):
        output.feed("y" * PIECE)
    assert len(output.end()) <= 4 * REACH
