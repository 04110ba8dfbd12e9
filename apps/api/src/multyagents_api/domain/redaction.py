"""Secrets don't stay: whatever looks like one is taken out of text before anybody keeps it.

Where text and secret can't be told apart, the text goes: a log that lost a word can be asked for again. Every
pattern takes linear time, also over hostile text: it begins at a fixed mark, never looks for its end through
text that another attempt looks through again, or is bounded.
"""

import re
from collections.abc import Callable

__all__ = ["REDACTED", "redact", "redact_value"]

REDACTED = "[redacted]"
"""What stands in a secret's place."""

_NAME = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?"
    r"|(?:api|access|private|secret|signing|encryption|account|auth)[ _-]?key)"
    r"(?:[_-][a-z0-9_-]{0,40}|[0-9]{1,4})?"
)
"""How a name ends that says of its value that it is secret; `tokens: 512` is none."""

_VALUE = r"""(?:"(?:[^"\\\n]|\\.)*+|'(?:[^'\\\n]|\\.)*+|\\+["'][^"'\\\n]*+|[^\s"'&]+)"""
"""What a name is set to: quoted, quoted inside of something quoted, or up to the next space."""

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,40}-----"
    r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,40}-----|\Z)",
    re.DOTALL,
)
_USER_IN_URL = re.compile(r"""(?<=://)[^\s/?#"'<>]+(?=@)""")
_IN_QUERY = re.compile(
    r"""([?&][\w-]{0,40}(?:key|sig|signature|auth|code|session|sid)=)[^&#\s"']+""", re.IGNORECASE
)
_HEADER = re.compile(
    r"""((?:authorization|cookie)\\{0,4}["']?[ \t]{0,8}[:=][ \t]{0,8}\\{0,4}["']?)"""
    r"""(?:digest[^\r\n]*|(?:[^\r\n"'\\]|\\(?!["']))+)""",
    re.IGNORECASE,
)
_SCHEME = re.compile(
    r"""\b(bearer[ \t]{1,8})[^\s"',;\\]+|\b(basic[ \t]{1,8})[a-z0-9+/]{4,}={1,2}""", re.IGNORECASE
)
_SETTING = re.compile(
    rf"""({_NAME}\\{{0,4}}["']?[ \t]{{0,8}}(?:=>|:=|[:=])[ \t]{{0,8}})({_VALUE})""", re.IGNORECASE
)
_OPTION = re.compile(rf"""((?<!-)--(?:[a-z0-9-]{{0,40}}?){_NAME}[ \t]{{1,8}})({_VALUE})""", re.IGNORECASE)
_SHAPE = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"mya_[0-9]{1,18}_[0-9a-f]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}"
    r"|sk-[\w-]{16,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{12,}|AIza[\w-]{30,}|ya29\.[\w-]{16,}"
    r"|xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"
    r"|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{16,}|hf_[A-Za-z0-9]{16,}"
    r")"
)
_WEB_TOKEN = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+)?")


def redact(text: str) -> str:
    """The text without what looks like a secret; redacting it again changes nothing."""
    for pattern, put in _STEPS:
        text = pattern.sub(put, text)
    return text


def redact_value(name: str, value: str) -> str:
    """What a name is set to, without what looks like a secret; all of it goes where the name says so."""
    return redact(value) if redact(f"{name}=x") == f"{name}=x" else REDACTED


def _after_name(match: re.Match[str]) -> str:
    """Keep the name, and the quotation mark that opens the value."""
    name, value = match.groups()
    opening = value[: len(value) - len(value.lstrip("\\\"'"))]
    return f"{name}{opening}{REDACTED}"


def _after_scheme(match: re.Match[str]) -> str:
    return f"{match[1] or match[2]}{REDACTED}"


_STEPS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (_PRIVATE_KEY, REDACTED),
    (_USER_IN_URL, REDACTED),
    (_HEADER, rf"\1{REDACTED}"),
    (_SCHEME, _after_scheme),
    (_SETTING, _after_name),
    (_OPTION, _after_name),
    (_IN_QUERY, rf"\1{REDACTED}"),
    (_SHAPE, REDACTED),
    (_WEB_TOKEN, REDACTED),
)
