"""Paths and ids that try to get out: up, by absolute paths, in disguise, or through what can't be a path."""

import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import quote

from gatewright.race import Response
from gatewright.suites.drill import Drill, Expectation, Logbook
from multyagents_api.scenarios.attacks.answers import NO_SERVER_ERROR, allowed, refused, server_errors
from multyagents_api.scenarios.attacks.corpus import IDS, PLAIN_PATHS, hostile_paths
from multyagents_api.scenarios.attacks.target import Target

__all__ = ["leads_out", "path_traversal", "tree"]

STAYS_INSIDE = Expectation(
    "stays-inside", "a path that is accepted lies, resolved, inside of its project's root"
)
CREATES_NOTHING = Expectation(
    "creates-nothing", "the folders that paths name are the same before and after, file for file"
)
NAMES_NOTHING_ELSE = Expectation(
    "names-nothing-else", "an id in a path, a query or a body names what it says, or nothing"
)
SHA = "0" * 64

KINDS = (
    *("projects", "roles", "skill-packs", "workflow-templates"),
    *("workflow-runs", "tasks", "approvals", "artifacts"),
)
FILTERS = ("/events?run_id=", "/artifacts?run_id=", "/artifacts?task_id=", "/handoffs?run_id=")


def path_traversal(target: Target) -> Drill:
    """The drill against a running service."""
    return Drill(
        "path-traversal",
        "names roots, allowed paths, lock paths, artifacts and ids by '..', absolute paths, encodings, NUL, "
        "lone surrogates, look-alikes, Windows forms and at length; the root of a project itself may be "
        "any absolute path, for the runner has the last word on where it works",
        (STAYS_INSIDE, NO_SERVER_ERROR, CREATES_NOTHING, NAMES_NOTHING_ELSE),
        lambda log: Traversal(target, log).run(),
    )


class Traversal:
    """One course of the drill."""

    def __init__(self, target: Target, log: Logbook) -> None:
        self._target = target
        self._log = log
        self._root = target.folder / target.name("shop")
        self._outside = target.folder / f"{self._root.name}-beside"
        (self._root / "src").mkdir(parents=True)
        self._outside.mkdir()

    def run(self) -> None:
        """Try every path in every place, then every id."""
        before = tree(self._target.folder)
        self._log.note("roots, allowed paths and lock paths")
        self._try_roots()
        role, project = self._target.make_role(), self._target.make_project(self._root)
        for path in (*PLAIN_PATHS, *hostile_paths(self._root, self._outside)):
            self._try_paths(path, role, project)
        self._log.note("locations of artifacts")
        self._try_artifacts()
        self._log.note("ids")
        self._try_ids()
        changed = sorted(before.items() ^ tree(self._target.folder).items())
        self._log.expect("creates-nothing", (f"{path} was created or changed" for path, _ in changed))

    def _ask(self, what: str, method: str, path: str, body: object = None) -> Response:
        response = self._target.operator.request(method, path, body)
        self._log.expect("no-server-error", server_errors(f"{method} {path} with {what}", response))
        self._log.repeated()
        return response

    def _try_roots(self) -> None:
        for path in (*PLAIN_PATHS, *hostile_paths(self._root, self._outside)):
            body = {"name": self._target.name("root"), "root_path": path}
            response = self._ask(f"root_path {path!r}", "POST", "/projects", body)
            if response.ok:
                self._log.expect("stays-inside", not_as_it_is_written(path, response))

    def _try_paths(self, path: str, role: str, project: str) -> None:
        """One path in each place that takes paths of a project."""
        step = {
            "step_id": "a",
            "role_id": role,
            "title": "A",
            "execution_mode": "shared-workspace",
            "lock_paths": [path],
        }
        described, again = (
            {"name": self._target.name("shop"), "root_path": str(self._root)} for _ in range(2)
        )
        for what, method, place, body in (
            ("allowed_paths", "POST", "/projects", {**described, "allowed_paths": [path]}),
            ("allowed_paths", "PUT", f"/projects/{project}", {**again, "allowed_paths": [".", path]}),
            ("lock_paths", "POST", "/tasks", {**step, "project_id": project}),
            (
                *("lock_paths", "POST", "/workflow-templates"),
                {"name": self._target.name("locks"), "project_id": project, "steps": [step]},
            ),
        ):
            response = self._ask(f"{what} {path!r}", method, place, body)
            outside = (leads_out(found, self._root) for found in paths_in(response.json))
            violations = [f"{what} {path!r}: {found}" for found in outside if found and response.ok]
            if path in PLAIN_PATHS:
                violations += allowed(f"{what} {path!r}", response)
            self._log.expect("stays-inside", violations)

    def _try_artifacts(self) -> None:
        run = self._target.make_run({"step_id": "a"})
        dispatched = self._target.dispatch(run["id"])
        for path in ("a/b", *hostile_paths(self._root, self._outside)):
            body = {"task_id": dispatched["task_id"], "type": "file", "name": "n", "location": path}
            response = self._target.client("runner").request(
                "POST", "/artifacts", {**body, "sha256": SHA, "size": 1}
            )
            self._log.expect("no-server-error", server_errors(f"artifact {path!r}", response))
            self._log.repeated()
            if response.ok:
                self._log.expect("stays-inside", no_plain_location(response.json))

    def _try_ids(self) -> None:
        """Other spellings of an id that exists: as they are, percent-encoded, and so twice."""
        known = {kind: self._target.operator.request("GET", f"/{kind}/1").json for kind in KINDS}
        kinds, filters = itertools.cycle(KINDS), itertools.cycle(FILTERS)
        for spelling in IDS:
            once, twice = quote(spelling, safe=""), quote(quote(spelling, safe=""), safe="")
            for form in dict.fromkeys((quote(spelling, safe="%/"), once, twice)):
                for kind in itertools.islice(kinds, 3):  # one reader of ids serves all of them
                    self._try_id(spelling, f"/{kind}/{form}", known[kind])
                self._try_id(spelling, f"{next(filters)}{form}", None)

    def _try_id(self, spelling: str, path: str, known: Any) -> None:
        response = self._ask("another id", "GET", path)
        shown = f"GET {path[:80]} for {spelling[:20]!r}"
        if response.ok and response.json == known:
            self._log.expect("names-nothing-else", [f"{shown} was answered with what 1 names"])
        else:
            self._log.expect("names-nothing-else", refused(shown, response))


def paths_in(body: Any) -> Iterator[str]:
    """The paths that an answer says were accepted."""
    if isinstance(body, dict):
        for name in ("allowed_paths", "lock_paths"):
            yield from body.get(name, ())
        for step in body.get("steps", ()):
            yield from paths_in(step)


def leads_out(path: str, root: Path) -> str:
    """How an accepted path leaves its root; empty where it does not."""
    resolved, inside = os.path.realpath(path), os.path.realpath(root)
    if not path.startswith("/"):
        return f"{path!r} was accepted, and depends on where it is read"
    if os.path.commonpath([resolved, inside]) != inside:
        return f"{path!r} was accepted, and lies outside"
    if resolved != path:
        return f"{path!r} was accepted, and is another name of {resolved!r}"
    return ""


def not_as_it_is_written(path: str, response: Response) -> Iterator[str]:
    """A root that was accepted and is not the absolute, resolved path that was named."""
    assert isinstance(response.json, dict)
    root = response.json["root_path"]
    if not path.startswith("/") or ".." in path.split("/"):
        yield f"root_path {path!r} was accepted"
    if root != os.path.realpath(path):
        yield f"root_path {path!r} became {root!r}"


def no_plain_location(artifact: Any) -> Iterator[str]:
    """An accepted location that leads out on some system."""
    location = str(artifact["location"])
    posix, windows = PurePosixPath(location), PureWindowsPath(location)
    if posix.is_absolute() or windows.drive or windows.root or ".." in {*posix.parts, *windows.parts}:
        yield f"an artifact was accepted at {location!r}"


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    """All that lies below a folder, unfollowed: mode, size and time of change in nanoseconds by path."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            status = os.lstat(os.path.join(place, name))  # noqa: PTH118 - names may be anything
            is_folder = stat.S_ISDIR(status.st_mode)
            found[os.path.relpath(os.path.join(place, name), folder)] = (  # noqa: PTH118 - likewise
                status.st_mode,
                0 if is_folder else status.st_size,
                status.st_mtime_ns,
            )
    return found
