"""A running service that asks for tokens, and what an attacker of it prepares."""

import asyncio
import itertools
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from gatewright.race import Response
from multyagents_api.bootstrap import Settings, open_storage
from multyagents_api.domain.access import AccessRole
from multyagents_api.scenarios.api_client import ApiClient
from multyagents_api.scenarios.attacks.runner import TalkativeRunner
from multyagents_api.scenarios.topology import PYTHON, Plan, Topology
from multyagents_api.service.access import Tokens
from multyagents_api.service.ports import SystemClock

__all__ = ["EXPIRED", "OWNER", "REVOKED", "SUBJECTS", "Target", "issue_tokens", "serve_target"]

OWNER = "owner"
"""An operator who is a reviewer as well."""
EXPIRED, REVOKED = "expired", "revoked"

SUBJECTS: Mapping[str, frozenset[AccessRole]] = {
    **{role.value: frozenset({role}) for role in AccessRole},
    OWNER: frozenset({AccessRole.OPERATOR, AccessRole.REVIEWER}),
    EXPIRED: frozenset(AccessRole),
    REVOKED: frozenset(AccessRole),
}
"""Who has a token, and for what; two of them stand no longer."""


LOG_EVERYTHING = ("--log-level", "debug", "--access-log")


@dataclass
class Target:
    """A running service, and who may use it.

    Attributes:
        base_url: where it is.
        folder: private; projects may lie in it, and the service must write nothing there.
        tokens: those of `SUBJECTS`.
        runner: who is handed attempts.
        log: the file that the service logs into.
        command: what starts another one, but for its sub-command.
    """

    base_url: str
    folder: Path
    tokens: Mapping[str, str]
    runner: TalkativeRunner
    log: Path
    command: Sequence[str] = PYTHON
    _clients: dict[str, ApiClient] = field(default_factory=dict, init=False)
    _numbers: Iterator[int] = field(default_factory=itertools.count, init=False)

    def client(self, who: str) -> ApiClient:
        """The client of a subject, the same one each time."""
        if who not in self._clients:
            self._clients[who] = ApiClient(self.base_url, token=self.tokens[who])
        return self._clients[who]

    @contextmanager
    def another_client(self, who: str, *, timeout_s: float) -> Iterator[ApiClient]:
        """A client of a subject for what may cost the connection."""
        client = ApiClient(self.base_url, token=self.tokens[who], timeout_s=timeout_s)
        try:
            yield client
        finally:
            client.close()

    @property
    def operator(self) -> ApiClient:
        """Whoever starts and dispatches."""
        return self.client(AccessRole.OPERATOR)

    @property
    def reviewer(self) -> ApiClient:
        """Whoever decides."""
        return self.client(AccessRole.REVIEWER)

    def name(self, what: str) -> str:
        """A name that nobody else has."""
        return f"{what} {next(self._numbers)} {secrets.token_hex(4)}"

    def make_role(self) -> str:
        """The id of a new role."""
        return str(self.operator.post("/roles", {"name": self.name("attacked")})["id"])

    def make_project(self, root: Path) -> str:
        """The id of a new project that allows all of its root."""
        body = {"name": self.name("attacked"), "root_path": str(root)}
        return str(self.operator.post("/projects", body)["id"])

    def make_run(self, *steps: Mapping[str, Any], who: str = AccessRole.OPERATOR) -> dict[str, Any]:
        """A run of a new template; a step needs only its `step_id`."""
        client = self.client(who)
        role_id = self.make_role()
        whole = [{"role_id": role_id, "title": "Attacked", **step} for step in steps]
        template = client.post("/workflow-templates", {"name": self.name("attacked"), "steps": whole})
        run: dict[str, Any] = client.post("/workflow-runs", {"workflow_template_id": template["id"]})
        return run

    def dispatch(self, run_id: str) -> dict[str, Any]:
        """Dispatch what may go first."""
        answer: dict[str, Any] = self.operator.post(f"/workflow-runs/{run_id}/dispatch-ready")
        return answer

    def report(self, task_id: str, attempt: int, status: str, **more: object) -> Response:
        """What the runner's report of a status is answered."""
        body = {"attempt": attempt, "status": status, **more}
        return self.client(AccessRole.RUNNER).request("POST", f"/runner/tasks/{task_id}/status", body)

    def close(self) -> None:
        """Let go of all connections."""
        for client in self._clients.values():
            client.close()


def issue_tokens(database: Path | str) -> dict[str, str]:
    """Make a token for each of `SUBJECTS`; those that must not stand do so no longer.

    Raises:
        StorageUnavailable: the database can't be opened.
    """

    async def issue() -> dict[str, str]:
        storage = open_storage(Settings(database))
        tokens = Tokens(storage, SystemClock())
        issued = {}
        try:
            for subject, roles in SUBJECTS.items():
                lifetime = timedelta(seconds=-1) if subject == EXPIRED else None
                issued[subject] = await tokens.create(subject, roles, lifetime)
            await tokens.revoke(issued[REVOKED].token.id)
        finally:
            await storage.aclose()
        return {subject: each.text for subject, each in issued.items()}

    return asyncio.run(issue())


@contextmanager
def serve_target(command: Sequence[str] = PYTHON) -> Iterator[Target]:
    """The service as one process over a SQLite file, which logs whatever it can.

    Raises:
        GatewrightError: it does not start.
    """
    with TalkativeRunner() as runner:
        settings = {**runner.settings, "MULTYAGENTS_RATE_LIMIT": "0"}
        plan = Plan(tokens=True, settings=settings, options=LOG_EVERYTHING, command=command)
        with Topology(plan) as topology:
            target = Target(
                topology.apis[0].base_url,
                topology.projects,
                issue_tokens(Path(topology.database)),
                runner,
                topology.folder / "api-0.log",
                command,
            )
            try:
                yield target
            finally:
                target.close()
