"""The guide tells of every route whom it is for, as the table of permissions has it."""

import re
from pathlib import Path

from multyagents_api.domain.access import AccessRole
from multyagents_api.http.permissions import PERMISSIONS, PUBLIC
from multyagents_api.service.access import KNOWN_FOR_S

GUIDE = Path(__file__).parents[4] / "docs" / "guide-auth.md"
TABLE = re.compile(r"<!-- permissions -->\n(.*?)<!-- end of permissions -->", re.DOTALL)


def table() -> str:
    """The table as it must stand in the guide, in the order of http/permissions.py."""
    lines = [f"| route | {' | '.join(AccessRole)} |", "|---" * (1 + len(AccessRole)) + "|"]
    for (method, path), permitted in PERMISSIONS.items():
        if permitted is not PUBLIC:
            cells = ("yes" if role in permitted else "" for role in AccessRole)
            lines.append(f"| `{method} {path}` | {' | '.join(cells)} |".replace("|  ", "| "))
    return "\n".join(lines) + "\n"


def test_the_guide_has_the_table():
    """Word by word; a failure shows what must stand there."""
    found = TABLE.search(GUIDE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[1] == table()


def test_the_guide_tells_what_is_public():
    """All of it, but for a page that only the documentation itself leads to."""
    sentence = re.search(r"Without a token: (.*?)\. ", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert sentence is not None
    public = {path for (_, path), permitted in PERMISSIONS.items() if permitted is PUBLIC}
    assert set(re.findall(r"`(/[\w.]+)`", sentence[1])) == public - {"/docs/oauth2-redirect"}


def test_the_guide_tells_how_long_a_revocation_takes():
    """In seconds."""
    assert f"takes effect within {KNOWN_FOR_S:g} s" in GUIDE.read_text(encoding="utf-8")
