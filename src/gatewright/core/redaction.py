"""Secrets leave no trace in evidence: they are cut out before anything is written."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence

from gatewright.core.secret_values import TELLING_NAME, secret_values

__all__ = ["REDACTED", "Redactor"]

REDACTED = "[redacted]"
Patterns = tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]

# Every repetition is bounded, or ends where the match began to be one: a hostile line must not cost more than
# its length.
TELLING_WORDS = (
    r"(?:pass(?:word|wd|phrase)|(?<![a-z])pass(?![a-z])|pwd|secret|token(?!iz)"
    r"|(?:api|access|private|signing|encryption|account)[-_ ]?key|credentials?)"
)
NAME = rf"\b[\w-]{{0,40}}{TELLING_WORDS}[\w-]{{0,40}}"
HEADERS = r"(?:authorization|cookies?2?|api[-_]?key|(?:auth|access|csrf|security)-token)"
FRESH = r"(?!\\{0,4}['\"]?\[redacted\])"
QUOTED = r"b?\\{0,4}(?P<quote>['\"])(?:\\.|(?!(?P=quote))[^\\\r\n])"

KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----"
    r"(?:[^-]|-(?!----)){0,20000}(?:-----END [A-Z0-9 ]{0,50}-----)?"
)
WHOLE_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----"
    r"(?:[^-'\"<>]|-(?!----)){0,20000}-----END [A-Z0-9 ]{0,50}-----"
)
# the user info of a URL: scheme://user:password@host
USER_INFO = re.compile(
    r"(?P<keep>://)(?:[^\s/'\"<>]{1,1000}|[^\s/:@'\"<>]{0,200}:(?!\d{1,5}/)[^\s'\"<>]{1,1000})(?=@)"
)
BEARER = re.compile(r"(?P<keep>\b(?:[Bb]earer|BEARER)\s{1,20})(?!\[redacted)[\w.~+/=-]{6,}")
# tokens that carry their kind in their prefix
KNOWN_TOKEN = re.compile(
    r"\b(?:gh[pousr]_|github_pat_|gl(?:pat|dt|rt|ptt|soat)-|pypi-|npm_|hf_|dckr_pat_|xox[abeprs]-|sk-|[rs]k_(?:live|test)_"
    r"|shpat_|AKIA|ASIA|AIza|ya29\.)[\w-]{16,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{2,}(?:\.[\w-]{0,8192})?"  # JSON Web Tokens (RFC 7519)
)
BASIC = re.compile(r"(?P<keep>\bbasic {1,20})(?P<letters>[A-Za-z0-9+/_-]{4,8192}={0,2})", re.IGNORECASE)

OF_HEADERS = (
    # 'Authorization': 'Basic ...', in JSON and in what Python shows
    re.compile(
        rf"(?P<keep>\b{HEADERS}\\{{0,4}}['\"]\s{{0,20}}[:=,]\s{{0,20}}){FRESH}{QUOTED}{{1,8192}}",
        re.IGNORECASE,
    ),
    # "Authorization: Basic ...", quoted as a whole
    re.compile(
        rf"(?P<keep>(?P<quote>['\"])[\w-]{{0,40}}{HEADERS}\s{{0,20}}[:=]\s{{0,20}}){FRESH}(?:(?!(?P=quote))[^\r\n])+",
        re.IGNORECASE,
    ),
    re.compile(rf"(?P<keep>\b{HEADERS}\s{{0,20}}[:=]\s{{0,20}}){FRESH}[^\r\n]+", re.IGNORECASE),
)
OF_NAMES = (
    # PASSWORD=..., as `env` and `export` print it: all the line
    re.compile(
        rf"^(?P<keep>(?:export |declare -x )?\w{{0,80}}{TELLING_WORDS}\w{{0,80}}=['\"]?){FRESH}[^\r\n]{{3,}}",
        re.IGNORECASE | re.MULTILINE,
    ),
    # "name": "value", name="value" and ('name', 'value')
    re.compile(
        rf"(?P<keep>{NAME}\\{{0,4}}['\"]?\s{{0,20}}(?:=>|[=:,])\s{{0,20}}){FRESH}{QUOTED}{{3,8192}}",
        re.IGNORECASE,
    ),
    # name=value and name: value, in query strings and flags
    re.compile(
        rf"(?P<keep>{NAME}\\{{0,4}}['\"]?\s{{0,20}}[=:]\s{{0,20}}['\"]?){FRESH}[^\s&'\";}}]{{3,}}",
        re.IGNORECASE,
    ),
    # --name value
    re.compile(
        rf"(?P<keep>(?:^|(?<=\s))--?{NAME[2:]}\s{{1,20}}){FRESH}(?!-)(?:{QUOTED}{{1,8192}}|[^\s'\"]{{3,}})",
        re.IGNORECASE,
    ),
)
USER_FLAG = re.compile(
    r"(?P<keep>(?:^|(?<=\s))(?:-u|--user|--proxy-user)[=\s]\s{0,20}['\"]?[^\s:'\"]{1,200}:)(?!\d+\b)[^\s'\"]{3,}"
)


HEADER_WORDS = ("authorization", "cookie", "key", "-token")
NAME_WORDS = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "key", "credential"),
    *(f"pass{letter}" for letter in "=:'\"_-\\ ,"),
)
TOKEN_WORDS = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "glptt-", "glsoat-"),
    *("pypi-", "npm_", "hf_", "dckr_pat_", "shpat_", "xox", "sk-", "k_live_", "k_test_", "ya29.", "eyj"),
    *("akia", "asia", "aiza"),
)

# What to look for, and the words (in small letters) without one of which a text need not be searched for it.
SAFE: Patterns = (
    (("private key",), WHOLE_KEY_BLOCK),
    (("://",), USER_INFO),
    (("bearer",), BEARER),
    (TOKEN_WORDS, KNOWN_TOKEN),
)
"""What is cut out of a document whole, without touching its quotes, brackets or tags."""

ANYWHERE: Patterns = (
    (("private key",), KEY_BLOCK),
    *SAFE[1:],
    (("-u", "-user"), USER_FLAG),
    *((HEADER_WORDS, pattern) for pattern in OF_HEADERS),
    *((NAME_WORDS, pattern) for pattern in OF_NAMES),
)


class Redactor:
    """Cuts secrets out of text: values of secret-looking variables, and what looks like one by its place.

    Args:
        environment: the variables that commands get; those named like a secret give their values, in all
            shapes that `secret_values` knows.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._values = secret_values(environment)
        # a number that a secret happens to be may be any number of a document
        self._words = tuple(value for value in self._values if value.strip("0123456789.eE+- "))

    def text(self, text: str) -> str:
        """The text without its secrets; what is left may lack quotes and brackets that stood beside one."""
        return cut(text, self._values, ANYWHERE)

    def document(self, text: str) -> str:
        """A document without its secrets, as much of a document as it was: JSON stays JSON, XML stays XML."""
        return cut(text, self._words, SAFE)

    def argv(self, argv: Sequence[str]) -> tuple[str, ...]:
        """An argument list without its secrets, also where the value follows its flag: `--token VALUE`."""
        return tuple(self._arguments(argv))

    def _arguments(self, argv: Iterable[str]) -> Iterable[str]:
        flag = ""
        for argument in argv:
            yield self._after(flag, argument)
            flag = argument if argument.startswith("-") and "=" not in argument else ""

    def _after(self, flag: str, argument: str) -> str:
        """An argument that stands behind a flag, or behind none."""
        if TELLING_NAME.search(flag.lstrip("-")):
            return REDACTED
        name, is_given, _ = argument.partition("=")
        if is_given and name.startswith("-") and TELLING_NAME.search(name.lstrip("-")):
            return f"{name}={REDACTED}"
        if flag in {"-u", "--user", "--proxy-user"}:
            return self.text(f"{flag} {argument}").removeprefix(f"{flag} ")
        return self.text(argument)


def cut(text: str, values: Iterable[str], patterns: Patterns) -> str:
    """The text without some values and without what some patterns find."""
    for value in values:
        text = text.replace(value, REDACTED)
    letters = text.lower()
    for words, pattern in patterns:
        if any(word in letters for word in words):
            text = pattern.sub(keep_name, text)
    return BASIC.sub(keep_prose, text) if "basic " in letters else text


def keep_name(match: re.Match[str]) -> str:
    """Keep what names the secret, so that a reader sees what was there."""
    return (match.groupdict().get("keep") or "") + REDACTED


def keep_prose(match: re.Match[str]) -> str:
    """Cut out what follows `Basic` where it is `user:password` in Base64 (RFC 7617), and no word of prose."""
    letters = match["letters"].rstrip("=")
    try:
        decoded = base64.urlsafe_b64decode(letters.translate(URL_SAFE) + "=" * (-len(letters) % 4))
    except (ValueError, binascii.Error):
        return match[0]
    return match["keep"] + REDACTED if b":" in decoded else match[0]


URL_SAFE = str.maketrans("+/", "-_")
