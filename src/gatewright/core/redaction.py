"""Secrets leave no trace in evidence: they are cut out before anything is written."""

import re
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["REDACTED", "Redactor"]

REDACTED = "[redacted]"
SHORTEST_SECRET = 6
"""Shorter values (`1`, `true`, `yes`) would blot out half a log and protect nobody."""

TELLING_WORDS = (
    r"(?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?)"
)
TELLING_NAME = re.compile(rf"(?:^|[-_.]){TELLING_WORDS}(?:$|[-_.])", re.IGNORECASE)
# Every repetition is bounded: a hostile line must not cost more than its length.
PATTERNS = (
    # the user info of a URL: scheme://user:password@host
    re.compile(r"(?P<keep>\b[a-z][a-z0-9+.-]{0,20}://)[^\s/@'\"]{1,1000}(?=@)", re.IGNORECASE),
    # headers
    re.compile(
        r"(?P<keep>\b(?:authorization|cookie|set-cookie|x-api-key)\s*[:=]\s*)[^\r\n'\"]+", re.IGNORECASE
    ),
    re.compile(r"(?P<keep>\bbearer\s+)[\w.~+/=-]{6,}", re.IGNORECASE),
    # name=value and "name": "value", in query strings, flags and JSON
    re.compile(
        rf"(?P<keep>\b[\w-]{{0,40}}{TELLING_WORDS}[\w-]{{0,40}}['\"]?\s*[=:]\s*['\"]?)(?!\[redacted\])[^\s&'\",;}}]{{3,}}",
        re.IGNORECASE,
    ),
    # tokens that carry their kind in their prefix
    re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|pypi-|xox[abprs]-|sk-|AKIA)[\w-]{16,}"),
)


class Redactor:
    """Cuts secrets out of text: values of secret-looking variables, and what looks like one by its place.

    Args:
        environment: the variables that commands get; those named like a secret give their values.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        values = {
            value
            for name, value in environment.items()
            if TELLING_NAME.search(name) and len(value) >= SHORTEST_SECRET
        }
        # longest first: a secret may contain another one
        self._values = sorted(values, key=lambda value: (-len(value), value))

    def text(self, text: str) -> str:
        """The text without its secrets."""
        for value in self._values:
            text = text.replace(value, REDACTED)
        for pattern in PATTERNS:
            text = pattern.sub(keep_name, text)
        return text

    def argv(self, argv: Sequence[str]) -> tuple[str, ...]:
        """An argument list without its secrets, also where the value follows its flag: `--token VALUE`."""
        return tuple(self._arguments(argv))

    def _arguments(self, argv: Iterable[str]) -> Iterable[str]:
        secret_follows = False
        for argument in argv:
            yield REDACTED if secret_follows else self.text(argument)
            name = argument.lstrip("-")
            secret_follows = argument.startswith("-") and "=" not in name and bool(TELLING_NAME.search(name))


def keep_name(match: re.Match[str]) -> str:
    """Keep what names the secret, so that a reader sees what was there."""
    return (match.groupdict().get("keep") or "") + REDACTED
