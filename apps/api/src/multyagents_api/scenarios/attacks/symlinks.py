"""Symlinks inside a project that lead out of it: files, folders, chains, circles, and swapped ones."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from gatewright.race import Response
from gatewright.suites.drill import Drill, Expectation, Logbook
from multyagents_api.scenarios.attacks.answers import NO_SERVER_ERROR, allowed, refused, server_errors
from multyagents_api.scenarios.attacks.paths import leads_out, paths_in, tree
from multyagents_api.scenarios.attacks.target import Target

__all__ = ["symlink_escape"]

REFUSED_OUTSIDE = Expectation(
    "refused-outside", "a path that leads out of the root through a symlink is refused with 422 invalid_path"
)
REFUSED_CIRCLES = Expectation("refused-circles", "a path through a circle of symlinks is refused likewise")
KEPT_INSIDE = Expectation(
    "kept-inside", "a symlink that stays inside is accepted, and kept as where it really leads"
)
LOOKED_AT_ANEW = Expectation(
    "looked-at-anew",
    "a folder that was exchanged for a symlink to the outside is refused from then on, and one that is "
    "exchanged all the time is never accepted as outside",
)
FOLLOWS_NOTHING = Expectation("follows-nothing", "nothing outside of the project is created or changed")
INVALID = (422, "invalid_path")
HELD_S = 0.0005
"""How long a path stays what it was swapped for: about as long as a request that names it."""


def symlink_escape(target: Target, swaps: int) -> Drill:
    """The drill against a running service; so many requests name a path that is exchanged meanwhile."""
    return Drill(
        "symlink-escape",
        "puts symlinks into a project and names them as allowed paths and lock paths; then exchanges a "
        "folder for a symlink before, and while, it is named",
        (REFUSED_OUTSIDE, REFUSED_CIRCLES, KEPT_INSIDE, LOOKED_AT_ANEW, FOLLOWS_NOTHING, NO_SERVER_ERROR),
        lambda log: Escape(target, log).run(swaps),
    )


class Escape:
    """One course of the drill."""

    def __init__(self, target: Target, log: Logbook) -> None:
        self._target = target
        self._log = log
        self._root = target.folder / target.name("linked")
        self._outside = target.folder / f"{self._root.name} outside"
        for folder in (self._root / "src", self._root / "swapped", self._outside / "deep"):
            folder.mkdir(parents=True)
        (self._outside / "secret.txt").write_text("not yours\n")
        self._role = target.make_role()
        self._project = target.make_project(self._root)

    def run(self, swaps: int) -> None:
        """Name every symlink in every place, then exchange one."""
        for link, goal in escapes(self._root, self._outside).items():
            (self._root / link).symlink_to(goal)
        (self._root / "home").symlink_to("src")
        before = tree(self._outside)
        self._log.note("symlinks to the outside, and circles")
        for link in escapes(self._root, self._outside):
            self._try(link, "refused-circles" if link.startswith("circle") else "refused-outside")
        for path in ("file/x", "folder/deep", "folder/new/deeper", "chain/deep", "home/../folder"):
            self._try(path, "refused-outside")
        self._keep_inside()
        self._log.note("a folder is exchanged for a symlink")
        self._exchange()
        self._log.note(f"a folder is exchanged all the time, {swaps} requests name it")
        self._race(swaps)
        changed = sorted(before.items() ^ tree(self._outside).items())
        self._log.expect("follows-nothing", (f"{path} was created or changed" for path, _ in changed))

    def _name(self, path: str) -> Iterator[tuple[str, Response]]:
        """What naming a path is answered in each place that takes one."""
        step = {
            "step_id": "a",
            "role_id": self._role,
            "title": "A",
            "lock_paths": [path],
            "execution_mode": "shared-workspace",
        }
        for place, body in (
            (
                "/projects",
                {"name": self._target.name("l"), "root_path": str(self._root), "allowed_paths": [path]},
            ),
            ("/tasks", {**step, "project_id": self._project}),
            (
                "/workflow-templates",
                {"name": self._target.name("l"), "project_id": self._project, "steps": [step]},
            ),
        ):
            response = self._target.operator.request("POST", place, body)
            self._log.expect("no-server-error", server_errors(f"POST {place} with {path!r}", response))
            self._log.repeated()
            yield f"{path!r} in POST {place}", response

    def _try(self, path: str, expectation: str) -> None:
        for what, response in self._name(path):
            self._log.expect(expectation, refused(what, response, INVALID))

    def _keep_inside(self) -> None:
        for path in ("home", "home/new", str(self._root / "home")):
            for what, response in self._name(path):
                strays = (leads_out(found, self._root) for found in paths_in(response.json))
                self._log.expect("kept-inside", [*allowed(what, response), *filter(None, strays)])

    def _exchange(self) -> None:
        """Name a folder while it is one, exchange it, and name it again; also as the root of a project."""
        violations = [each for what, answer in self._name("swapped/x") for each in allowed(what, answer)]
        with exchanged(self._root / "swapped", self._outside):
            for what, response in self._name("swapped/x"):
                violations += refused(f"the exchanged {what}", response, INVALID)
        self._log.expect("looked-at-anew", violations)

    def _race(self, swaps: int) -> None:
        """Name a path while somebody exchanges it: whatever is accepted, is accepted as inside."""
        inside, answered = f"{self._root}/", Counter[bool]()
        with exchanging(self._root / "swapped", self._outside):
            for _ in range(swaps):
                for what, response in self._name("swapped/deep"):
                    answered[response.ok] += 1
                    if response.ok:
                        strays = [each for each in paths_in(response.json) if not each.startswith(inside)]
                        violations = [f"{what} was accepted as {stray!r}" for stray in strays]
                    else:
                        violations = list(refused(what, response, INVALID))
                    self._log.expect("looked-at-anew", violations)
        self._log.measure("accepted_while_swapped", answered[True])
        self._log.measure("refused_while_swapped", answered[False])
        if not (answered[True] and answered[False]):
            self._log.doubt("all requests met the path in one state: nothing was swapped under them")


def escapes(root: Path, outside: Path) -> Mapping[str, str]:
    """Symlinks by name, and where each leads."""
    return {
        "file": str(outside / "secret.txt"),
        "folder": str(outside),
        "relative": f"../{outside.name}",
        "up": "..",
        "everything": "/",
        "chain": "link-2",
        "link-2": "link-3",
        "link-3": str(outside),
        "twin": f"{root}/../{outside.name}",
        "nowhere": str(outside / "not" / "there"),
        "process": "/proc/self/cwd",
        "circle": "circle-2",
        "circle-2": "circle",
        "circle-of-one": "circle-of-one",
    }


@contextmanager
def exchanged(folder: Path, goal: Path) -> Iterator[None]:
    """Put a symlink in a folder's place for a while."""
    aside = folder.with_name(f"{folder.name} aside")
    folder.rename(aside)
    folder.symlink_to(goal)
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


@contextmanager
def exchanging(folder: Path, goal: Path) -> Iterator[None]:
    """Put a symlink in a folder's place and take it away again, many times in each request's time."""
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            with suppress(OSError), exchanged(folder, goal):
                time.sleep(HELD_S)
            time.sleep(HELD_S)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        yield
    finally:
        over.set()
        swapping.join()
