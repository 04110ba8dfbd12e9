"""Who may ask for what: one row for each route.

A route without a row, and a row without a route, keep the app from being built. To add a route, add its row.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from fastapi import FastAPI
from starlette.routing import Route

from multyagents_api.domain.access import AccessRole

__all__ = ["PERMISSIONS", "PUBLIC", "Permission", "PermissionsMismatch", "guarded_routes", "operations"]

Permission: TypeAlias = frozenset[AccessRole] | None
"""The roles each of which permits a request; None where nobody is asked who they are."""

PUBLIC: Permission = None
OPERATORS: Permission = frozenset({AccessRole.OPERATOR})
REVIEWERS: Permission = frozenset({AccessRole.REVIEWER})
RUNNERS: Permission = frozenset({AccessRole.RUNNER})
TELLERS: Permission = frozenset({AccessRole.OPERATOR, AccessRole.RUNNER})
READERS: Permission = frozenset({AccessRole.OPERATOR, AccessRole.REVIEWER, AccessRole.OBSERVER})
READERS_AND_RUNNERS: Permission = frozenset(AccessRole)
"""What a runner needs to see of its work, all may see."""

PERMISSIONS: Mapping[tuple[str, str], Permission] = {
    # Whether it works, and how it is used, is no secret.
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("GET", "/docs/oauth2-redirect"): PUBLIC,
    ("GET", "/redoc"): PUBLIC,
    # What it did, in figures.
    ("GET", "/metrics"): READERS,
    # Runs.
    ("POST", "/workflow-runs"): OPERATORS,
    ("GET", "/workflow-runs"): READERS,
    ("GET", "/workflow-runs/{run_id}"): READERS,
    ("GET", "/workflow-runs/{run_id}/execution-summary"): READERS,
    ("POST", "/workflow-runs/{run_id}/dispatch-ready"): OPERATORS,
    ("POST", "/workflow-runs/{run_id}/control-loop"): OPERATORS,
    ("POST", "/workflow-runs/{run_id}/partial-rerun"): OPERATORS,
    ("POST", "/workflow-runs/{run_id}/pause"): OPERATORS,
    ("POST", "/workflow-runs/{run_id}/resume"): OPERATORS,
    ("POST", "/workflow-runs/{run_id}/abort"): OPERATORS,
    # Tasks.
    ("POST", "/tasks"): OPERATORS,
    ("GET", "/tasks/{task_id}"): READERS_AND_RUNNERS,
    ("GET", "/tasks/{task_id}/audit"): READERS,
    ("POST", "/tasks/{task_id}/dispatch"): OPERATORS,
    ("POST", "/tasks/{task_id}/cancel"): OPERATORS,
    # Approvals.
    ("GET", "/tasks/{task_id}/approval"): READERS,
    ("GET", "/approvals/{approval_id}"): READERS,
    ("POST", "/approvals/{approval_id}/approve"): REVIEWERS,
    ("POST", "/approvals/{approval_id}/reject"): REVIEWERS,
    # What runners tell, and what comes out of it.
    ("POST", "/runner/tasks/{task_id}/status"): RUNNERS,
    ("POST", "/runner/tasks/{task_id}/heartbeat"): RUNNERS,
    ("POST", "/artifacts"): RUNNERS,
    ("GET", "/artifacts"): READERS_AND_RUNNERS,
    ("GET", "/artifacts/{artifact_id}"): READERS_AND_RUNNERS,
    ("GET", "/handoffs"): READERS_AND_RUNNERS,
    ("GET", "/tasks/{task_id}/handoff"): READERS_AND_RUNNERS,
    ("POST", "/events"): TELLERS,
    ("GET", "/events"): READERS,
    ("GET", "/events/stream"): READERS,
    # The catalogue.
    ("POST", "/workflow-templates"): OPERATORS,
    ("GET", "/workflow-templates"): READERS,
    ("GET", "/workflow-templates/{template_id}"): READERS,
    ("PUT", "/workflow-templates/{template_id}"): OPERATORS,
    ("DELETE", "/workflow-templates/{template_id}"): OPERATORS,
    ("POST", "/roles"): OPERATORS,
    ("GET", "/roles"): READERS,
    ("GET", "/roles/{role_id}"): READERS,
    ("PUT", "/roles/{role_id}"): OPERATORS,
    ("DELETE", "/roles/{role_id}"): OPERATORS,
    ("POST", "/skill-packs"): OPERATORS,
    ("GET", "/skill-packs"): READERS,
    ("GET", "/skill-packs/{skill_pack_id}"): READERS,
    ("PUT", "/skill-packs/{skill_pack_id}"): OPERATORS,
    ("DELETE", "/skill-packs/{skill_pack_id}"): OPERATORS,
    ("POST", "/projects"): OPERATORS,
    ("GET", "/projects"): READERS,
    ("GET", "/projects/{project_id}"): READERS,
    ("PUT", "/projects/{project_id}"): OPERATORS,
    ("DELETE", "/projects/{project_id}"): OPERATORS,
}


class PermissionsMismatch(Exception):  # noqa: N818 - what is the case
    """The table of permissions and the routes of the app are not those of each other."""


def operations(route: Route) -> set[tuple[str, str]]:
    """What can be asked of a route; HEAD is a GET without its body."""
    return {(method, route.path) for method in (route.methods or set()) - {"HEAD"}}


def guarded_routes(
    app: FastAPI, permissions: Mapping[tuple[str, str], Permission] = PERMISSIONS
) -> Iterator[tuple[Route, frozenset[AccessRole]]]:
    """The routes of an app that are not public, with the roles that they are for.

    Raises:
        PermissionsMismatch: a route has no row, or several of different roles, or a row has no route.
    """
    strangers = [route for route in app.routes if not isinstance(route, Route)]
    routes = [route for route in app.routes if isinstance(route, Route)]
    there = {operation for route in routes for operation in operations(route)}
    if strangers or there != set(permissions):
        wrong = sorted(there ^ set(permissions))
        raise PermissionsMismatch(f"http/permissions.py and the routes differ in {wrong or strangers}")
    for route in routes:
        kinds = {permissions[operation] for operation in operations(route)}
        if len(kinds) != 1:
            raise PermissionsMismatch(f"one route can't be for different roles: {route.path}")
        [permitted] = kinds
        if permitted is not None:
            yield route, permitted
