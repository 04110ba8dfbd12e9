"""Links to the evidence that are right in both places where a page lies.

`docs/evidence/latest.html` is a byte copy of `docs/evidence/runs/ID/verdict.html`, so a link can be relative
to one of them only: as written it leads from `latest.html`. Each link also carries the way from the run
folder, which the page's script puts in its place where the page is called `verdict`; so a run folder may be
copied elsewhere whole. The path stands there as text too.
"""

import stat
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from gatewright.core.escape import clipped, html_text
from gatewright.report.page import isolated

__all__ = ["Links"]

LATEST, VERDICT = "latest.json", "verdict.json"
SHOWN_CHARACTERS = 200
POINTER_SAFE = "/~!$&'()*+,;=:@?-._"


class Links:
    """Makes links to the files of one run.

    Args:
        run_id: of the run.
        folder: of the run; what is not there is named and not linked.
    """

    def __init__(self, run_id: str, folder: Path) -> None:
        self._prefix = f"runs/{run_id}/"
        self._folder = folder

    def leads(self, artifact: str) -> bool:
        """Whether there is such a file in this run."""
        inner = self._inside(artifact)
        return bool(inner) and self._is_there(inner)

    def to(self, artifact: str, words: str = "", *, pointer: str = "") -> str:
        """A link; only its words where the artifact is no file of this run.

        Args:
            artifact: a path relative to the evidence folder.
            words: what is shown; the path from the run folder when empty.
            pointer: a JSON Pointer (RFC 6901) into the file.
        """
        inner = self._inside(artifact)
        shown = isolated(clipped(words or inner or artifact, SHOWN_CHARACTERS))
        if not self.leads(artifact):
            return shown
        place = f"#{quote(pointer, safe=POINTER_SAFE)}" if pointer else ""
        outer = quote(artifact) + place
        return f'<a href="{html_text(outer)}" data-inner="{html_text(quote(inner) + place)}">{shown}</a>'

    def _inside(self, artifact: str) -> str:
        """The path from the run folder; empty for what lies elsewhere."""
        if artifact == LATEST:
            return VERDICT
        inner = artifact.removeprefix(self._prefix)
        return inner if inner != artifact and stays_inside(inner) and inner.isprintable() else ""

    def _is_there(self, inner: str) -> bool:
        """Whether a link would lead to a file; the verdict itself is written after its page."""
        if inner == VERDICT:
            return True
        try:
            return stat.S_ISREG((self._folder / inner).lstat().st_mode)
        except (OSError, ValueError):
            return False


def stays_inside(path: str) -> bool:
    """Whether a path is relative and stays below its folder."""
    parts = PurePosixPath(path)
    return bool(path) and not parts.is_absolute() and ".." not in parts.parts and "\\" not in path
