"""Who gets in: every route of the app, asked by every role and with everything that is no valid token."""

import json
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from multyagents_api.bootstrap import Settings, create_app
from multyagents_api.domain.access import AccessRole
from multyagents_api.http.permissions import (
    PERMISSIONS,
    PUBLIC,
    PermissionsMismatch,
    guarded_routes,
)

pytestmark = pytest.mark.anyio

ROLES = list(AccessRole)
GUARDED = sorted(operation for operation, permitted in PERMISSIONS.items() if permitted is not PUBLIC)
OPEN = sorted(operation for operation, permitted in PERMISSIONS.items() if permitted is PUBLIC)
ALL = "operator reviewer observer runner"
HUMANS = "operator reviewer observer"

EXPECTED = {
    "GET /workflow-runs": HUMANS,
    "GET /workflow-runs/{run_id}": HUMANS,
    "GET /workflow-runs/{run_id}/execution-summary": HUMANS,
    "GET /events": HUMANS,
    "GET /events/stream": HUMANS,
    "GET /metrics": HUMANS,
    "GET /tasks/{task_id}": ALL,
    "GET /tasks/{task_id}/audit": HUMANS,
    "GET /tasks/{task_id}/approval": HUMANS,
    "GET /tasks/{task_id}/handoff": ALL,
    "GET /approvals/{approval_id}": HUMANS,
    "GET /artifacts": ALL,
    "GET /artifacts/{artifact_id}": ALL,
    "GET /handoffs": ALL,
    "POST /workflow-runs": "operator",
    "POST /workflow-runs/{run_id}/dispatch-ready": "operator",
    "POST /workflow-runs/{run_id}/control-loop": "operator",
    "POST /workflow-runs/{run_id}/partial-rerun": "operator",
    "POST /workflow-runs/{run_id}/pause": "operator",
    "POST /workflow-runs/{run_id}/resume": "operator",
    "POST /workflow-runs/{run_id}/abort": "operator",
    "POST /tasks": "operator",
    "POST /tasks/{task_id}/dispatch": "operator",
    "POST /tasks/{task_id}/cancel": "operator",
    "POST /approvals/{approval_id}/approve": "reviewer",
    "POST /approvals/{approval_id}/reject": "reviewer",
    "POST /runner/tasks/{task_id}/status": "runner",
    "POST /runner/tasks/{task_id}/heartbeat": "runner",
    "POST /artifacts": "runner",
    "POST /events": "operator runner",
}
"""Said a second time, so that nobody lets somebody in by a slip; the catalogue follows from its methods."""


class Time:
    """Both clocks, as a test sets them; seconds pass at every look at the monotonic one."""

    def __init__(self) -> None:
        self.present = datetime(2026, 1, 1, tzinfo=UTC)
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.present

    def monotonic(self) -> float:
        self.seconds += 1
        return self.seconds


@pytest.fixture
async def asked(sqlite_file):
    """Asks a route with a header, and makes tokens."""
    time = Time()
    app = create_app(
        Settings(sqlite_file, streams=0),  # one that is opened never ends
        clock=time,
        monotonic=time.monotonic,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:

        async def ask(operation, *authorization):
            method, path = operation
            headers = [("authorization", value) for value in authorization]
            return await client.request(method, re.sub(r"\{\w+\}", "1", path), headers=headers)

        ask.tokens, ask.time, ask.app = app.state.services.tokens, time, app
        yield ask
    await app.state.services.storage.aclose()


def expected(operation):
    """Who may, as this file says it."""
    method, path = operation
    if re.match(r"/(projects|roles|skill-packs|workflow-templates)\b", path):
        return set(HUMANS.split()) if method == "GET" else {"operator"}
    return set(EXPECTED[f"{method} {path}"].split())


async def test_roles_get_where_they_may_and_nowhere_else(asked):
    """403 names the roles that may; anything but 401, 403 and 429 means that somebody got in."""
    texts = {role: (await asked.tokens.create(role.value, [role])).text for role in ROLES}
    for operation in GUARDED:
        for role, text in texts.items():
            response = await asked(operation, f"Bearer {text}")
            if role in expected(operation):
                assert response.status_code not in {401, 403, 429, 500}, (operation, role, response.text)
            else:
                assert response.status_code == 403, (operation, role, response.text)
                assert response.json()["code"] == "forbidden"
                told = set(re.findall(r"\w+", response.json()["detail"].partition("these do: ")[2]))
                assert told == expected(operation)


async def test_all_that_is_no_valid_token_gets_one_answer(asked):
    """No token, a malformed, an unknown, an expired and a revoked one: 401, the same but for the request's id."""
    valid = await asked.tokens.create("mia", ROLES)
    expired = await asked.tokens.create("mia", ROLES, timedelta(days=1))
    revoked = await asked.tokens.create("mia", ROLES)
    await asked.tokens.revoke(revoked.token.id)
    asked.time.present += timedelta(days=1)
    secret = valid.text.rpartition("_")[2]
    wrong = [
        [],
        [""],
        ["Bearer"],
        ["Bearer "],
        [f"Basic {valid.text}"],
        [valid.text],
        [f"Bearer {valid.text}", f"Bearer {valid.text}"],
        [f"Bearer {valid.text}x"],
        [f"Bearer {valid.text[:-1]}"],
        [f"Bearer {valid.text} {valid.text}"],
        [f"Bearer {valid.text.upper()}"],
        [f"Bearer mya_{valid.token.id}_{'0' * 64}"],
        [f"Bearer mya_{expired.token.id}_{secret}"],
        [f"Bearer mya_999999_{secret}"],
        [f"Bearer mya_{'9' * 18}_{secret}"],
        [f"Bearer mya_{'9' * 19}_{secret}"],
        [f"Bearer mya_0{valid.token.id}_{secret}"],
        [f"Bearer {expired.text}"],
        [f"Bearer {revoked.text}"],
        [b"Bearer \xff\xfe"],
    ]
    answers = set()
    for operation in GUARDED:
        for authorization in wrong:
            response = await asked(operation, *authorization)
            assert response.status_code == 401, (operation, authorization)
            assert response.headers["www-authenticate"] == "Bearer"
            assert secret not in response.text
            answers.add(json.dumps({**response.json(), "request_id": ""}, sort_keys=True))
    assert len(answers) == 1
    assert (await asked(("GET", "/roles"), f"bearer  {valid.text}")).status_code == 200


async def test_public_routes_ask_nobody(asked):
    """Whether it works and how it is used may be known by all; a wrong token does not hurt there."""
    assert {path for _, path in OPEN} == {
        "/healthz", "/readyz", "/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc",
    }  # fmt: skip
    for operation in OPEN:
        assert (await asked(operation)).status_code == 200
        assert (await asked(operation, "Bearer wrong")).status_code == 200


async def test_who_may_not_learns_nothing_of_the_request(asked):
    """Whether a thing exists and whether a body is valid is told to those only who may ask."""
    observer = (await asked.tokens.create("mia", [AccessRole.OBSERVER])).text
    for path in ("/workflow-runs/999/abort", "/approvals/x/approve", "/tasks"):
        assert (await asked(("POST", path))).status_code == 401
        assert (await asked(("POST", path), f"Bearer {observer}")).status_code == 403


async def test_the_table_names_every_route(asked):
    """A route without a row keeps the app from being built, and so does a row without a route."""
    with pytest.raises(PermissionsMismatch, match=r"/roles/\{role_id\}"):
        list(
            guarded_routes(
                asked.app, {key: PERMISSIONS[key] for key in PERMISSIONS if "role_id" not in key[1]}
            )
        )
    with pytest.raises(PermissionsMismatch, match="/nowhere"):
        list(guarded_routes(asked.app, {**PERMISSIONS, ("GET", "/nowhere"): PUBLIC}))
    asked.app.mount("/files", lambda: None)
    with pytest.raises(PermissionsMismatch):
        list(guarded_routes(asked.app))


async def test_the_document_tells_who_may(asked):
    """Each operation that is not public names the scheme, its roles, and 401, 403 and 429."""
    document = (await asked(("GET", "/openapi.json"))).json()
    assert document["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            permitted = PERMISSIONS[method.upper(), path]
            assert ("security" in operation) is (permitted is not PUBLIC)
            if permitted is not PUBLIC:
                assert set(operation["x-roles"]) == set(permitted)
                assert {"401", "403", "429"} <= set(operation["responses"])
