"""What attackers write where a path, an id or a type is asked for; none of it is clever, all of it is known.

See CWE-22 (path traversal), CWE-41 (equivalent paths), CWE-180 (checked before it is made canonical), and
Unicode Technical Report 36 (look-alikes).
"""

# ruff: noqa: RUF001 - look-alikes on purpose

from collections.abc import Iterator
from pathlib import Path

__all__ = ["DISGUISED_TYPES", "IDS", "PLAIN_PATHS", "hostile_paths"]

PLAIN_PATHS = ("src", "src/new", "./src", "%2e%2e", "․․/x", "．．／x", "..．/x")
"""Paths inside of wherever they are taken, however they look: nobody decodes or folds them."""

ENCODED = ("%2e%2e/x", "%2e%2e%2fx", "%252e%252e%252fx", "..%2fx", "..%00/x", "..%c0%af..%c0%afetc", "..;/x")
WINDOWS = (
    "..\\x",
    "src\\..\\..\\x",
    "C:\\x",
    "C:/x",
    "c:",
    "\\\\host\\x",
    "//host/x",
    "\\\\?\\C:\\x",
    "con",
    "nul",
)
DOTTED = ("..", "../", "../..", "src/..", "src/../src", "....//....//x", ".../...//x", "..../x")
ABSOLUTE = (
    "/",
    "//",
    "/etc",
    "/etc/passwd",
    "/root/.ssh",
    "/proc/self/root/etc",
    "/proc/self/cwd",
    "/dev/fd/0",
)
SHELL = ("~", "~root", "$HOME/x", "${HOME}", "%HOME%", "`id`", "$(id)", "file:///etc/passwd", "src:stream")
NO_TEXT = (
    "..\x00/x",
    "src\x00",
    "\x00",
    "..\n/x",
    "\r\n../x",
    "\x1b[2J",
    "\ud800",
    "../\udc00",
    "src/\udfff",
)
LOOK_ALIKE = ("․․/x", "．．／x", "..／x", "..∕x", "‥/x", "．./x", "\u202e/../x", "\ufeff../x", "\u2028")
LONG = ("", " ", "\t", "a" * 5_000, "a" * 300, "a/" * 120, "/".join(["b" * 255] * 15), "é" * 256)

IDS = (
    *("..", "../1", "1/../2", "./1", "/1", "1/", "%2e%2e", "%252e%252e", "..%2f1", "..%5c1", "1%00", "1%0a"),
    *("01", "+1", "-1", "1.0", "1e0", "0x1", " 1", "1 ", "1;2", "1,2", "1'--", "1 OR 1=1", "*", "null"),
    *("١", "１", "²", "true", "9" * 19, "9" * 5_000, "C:1", "\\1", "~", "1#", "1?x=2", "{project_id}"),
)
"""Other spellings of the id 1, and what is none."""

DISGUISED_TYPES = (
    *("custom", "custom.", "CUSTOM.x", "custom.X", "Custom.deploy", "custom..x", "custom.x.", ".custom.x"),
    *("custom.x\n", "custom.x\ntask.dispatched", "custom.\x00task.dispatched", "custom.x task.dispatched"),
    *("custom.x\r\ndata: {}", "task.dispatched\x00custom.x", " task.dispatched", "task.dispatched "),
    *("TASK.DISPATCHED", "task.dispatched.custom.", "custom/../task.dispatched", "custom．x", "ｃustom.x"),
    *("cuſtom.x", "custom.é", "custom.\ud800", "*", "%", "task.%", "", " ", "custom." + "x" * 60),
)
"""Types of events that would pass for others if anybody cleaned, folded or cut them."""


def hostile_paths(root: Path, outside: Path) -> Iterator[str]:
    """Paths that would lead out of a root, and to a folder beside it, if anybody were careless."""
    beside = outside.name
    yield from (f"../{beside}", f"src/../../{beside}", f"src/../../{beside}/new", f"./../{beside}")
    yield from (f"src//..//..//{beside}", "../" * 40 + "etc/passwd", str(outside), f"{outside}/new/deep")
    yield from (f"{root}/../{beside}", f"{root}{beside[-7:]}", f"{root}x", f"/{outside}", f"//{beside}")
    for group in (DOTTED, ABSOLUTE, ENCODED, WINDOWS, SHELL, NO_TEXT, LOOK_ALIKE, LONG):
        yield from group
