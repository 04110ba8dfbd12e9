"""Locating: paths as clients write them become absolute paths without symlinks, inside of what is allowed."""

import posixpath
from dataclasses import replace

from multyagents_api.domain.errors import InvalidPath, Place
from multyagents_api.domain.projects import (
    NewProject,
    Project,
    check_root,
    check_wording,
    is_within,
    lies_in_any,
)
from multyagents_api.domain.templates import Step
from multyagents_api.service.ports import Paths

__all__ = ["check_locks_allowed", "locate_locks", "locate_project"]


def locate_project(paths: Paths, new: NewProject) -> NewProject:
    """A project as it is stored: its root resolved, and its allowed paths resolved under the root.

    Raises:
        InvalidPath: with the place of the first offence.
    """
    check_root(new.root_path, ("root_path",))
    root = _locate(paths, new.root_path, ("root_path",))
    allowed = []
    for position, path in enumerate(new.allowed_paths):
        place = ("allowed_paths", position)
        located = _locate(paths, path, place, base=root)
        if not is_within(located, root):
            raise InvalidPath(f"the path {path!r} leads out of the project's root", place)
        allowed.append(located)
    return replace(new, root_path=root, allowed_paths=tuple(dict.fromkeys(allowed)) or (root,))


def locate_locks(paths: Paths, step: Step, project: Project | None, place: Place = ()) -> Step:
    """A step as it is stored: its lock paths resolved, each named once.

    Args:
        paths: where paths really lead.
        step: a checked step.
        project: the step's project; paths that are not absolute are relative to its root.
        place: where the step stands in the request.

    Raises:
        InvalidPath: with the place of the first offence.
    """
    if project is None or not step.workspace.lock_paths:
        return step
    locks = []
    for position, path in enumerate(step.workspace.lock_paths):
        here = (*place, "lock_paths", position)
        located = _locate(paths, path, here, base=project.root_path)
        if not lies_in_any(located, project.allowed_paths):
            raise InvalidPath(f"the path {path!r} leads out of the project's allowed paths", here)
        locks.append(located)
    return replace(step, workspace=replace(step.workspace, lock_paths=tuple(dict.fromkeys(locks))))


def check_locks_allowed(step_id: str, locks: tuple[str, ...], project: Project, place: Place) -> None:
    """Refuse to start work on paths that a project allowed before, and allows no longer.

    Raises:
        InvalidPath: at the given place.
    """
    for path in locks:
        if not lies_in_any(path, project.allowed_paths):
            problem = f"step {step_id!r} locks {path!r}, which project {project.id} no longer allows"
            raise InvalidPath(problem, place)


def _locate(paths: Paths, path: str, place: Place, *, base: str = "/") -> str:
    check_wording(path, place)
    try:
        return paths.resolve(posixpath.join(base, path))
    except OSError as error:
        raise InvalidPath(f"the path {path!r} leads nowhere: {error.strerror}", place) from error
    except ValueError as error:
        raise InvalidPath(f"the path {path!r} leads to where no text can name it", place) from error
