"""The path of a workflow run through the API, as its users and its runner walk it."""

import http.client
import json
import secrets
from collections.abc import Generator

from gatewright.core.errors import GatewrightError
from gatewright.load import Answer, Call, Mix, Origin, RequestTemplate, StepFailedError

__all__ = ["RunJourney", "SetUpError", "prepare_template", "run_mix"]

CREATED = 201
SET_UP_TIMEOUT_S = 10.0


class SetUpError(GatewrightError):
    """The service did not take what the journeys need before they can start."""


class RunJourney:
    """Create a run, dispatch its task, report the task's success as the runner does, read the run.

    A run counts only when every step is answered as expected and the run read at the end has succeeded.

    Args:
        origin: the service.
        template_id: a workflow template of one step.
        token: of an operator and runner; none is sent when empty.
    """

    steps = ("create run", "dispatch ready", "runner status", "run read")

    def __init__(self, origin: Origin, template_id: str, token: str = "") -> None:
        self._origin = origin
        self._headers = bearer(token)
        self._create = self._post("/workflow-runs", {"workflow_template_id": template_id}).fill()
        self._dispatch = self._post("/workflow-runs/{}/dispatch-ready")
        self._read = RequestTemplate("GET", "/workflow-runs/{}", origin, headers=self._headers)
        self._report = {1: self._success_of(attempt=1)}

    def run(self) -> Generator[Call, Answer, None]:
        """One run, from its creation to its success."""
        created = (yield Call(0, self._create)).json(CREATED)
        run_id = str(created["id"])
        dispatched = (yield Call(1, self._dispatch.fill(run_id))).json()
        if dispatched["dispatched"] is not True:
            raise StepFailedError("nothing was dispatched")
        attempt = dispatched["attempt"]
        if not isinstance(attempt, int):
            raise StepFailedError("dispatched without an attempt")
        report = self._report.get(attempt) or self._success_of(attempt)
        (yield Call(2, report.fill(str(dispatched["task_id"])))).json()
        read = (yield Call(3, self._read.fill(run_id))).json()
        if read["id"] != created["id"] or read["status"] != "success":
            raise StepFailedError("the run read at the end has not succeeded")

    def _success_of(self, attempt: int) -> RequestTemplate:
        return self._post("/runner/tasks/{}/status", {"attempt": attempt, "status": "success"})

    def _post(self, path: str, body: dict[str, object] | None = None) -> RequestTemplate:
        return RequestTemplate("POST", path, self._origin, body=body, headers=self._headers)


def bearer(token: str) -> dict[str, str]:
    """The headers that a token needs; none when it is empty."""
    return {"authorization": f"Bearer {token}"} if token else {}


def run_mix(origin: Origin, token: str = "") -> Mix:
    """What users and runners do: runs of a template that is made for them.

    Args:
        origin: the service.
        token: of an operator and runner; none is sent when empty.

    Raises:
        SetUpError: the service refused, or did not answer.
    """
    return Mix.of(RunJourney(origin, prepare_template(origin, token), token))


def prepare_template(origin: Origin, token: str = "") -> str:
    """Create a role and a workflow template of one step; returns the template's id.

    Raises:
        SetUpError: the service refused, or did not answer.
    """
    # Names are unique in the service, and a target may have been measured before.
    mark = secrets.token_hex(4)
    connection = http.client.HTTPConnection(origin.host, origin.port, timeout=SET_UP_TIMEOUT_S)
    try:
        role_id = post(connection, "/roles", {"name": f"Load runner {mark}"}, token)
        step = {"step_id": "work", "role_id": role_id, "title": "Work"}
        template: dict[str, object] = {"name": f"One step {mark}", "steps": [step]}
        return post(connection, "/workflow-templates", template, token)
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise SetUpError(f"the service can't be set up: {type(error).__name__}: {error}") from error
    finally:
        connection.close()


def post(connection: http.client.HTTPConnection, path: str, body: dict[str, object], token: str = "") -> str:
    """Create something; returns its id."""
    headers = {"content-type": "application/json", **bearer(token)}
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    document = answer.read()
    if answer.status != CREATED:
        raise SetUpError(f"the service can't be set up: POST {path} answered {answer.status}")
    return str(json.loads(document)["id"])
