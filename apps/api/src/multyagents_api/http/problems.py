"""Refusals become problem details (RFC 9457), by one table."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from multyagents_api.domain import errors
from multyagents_api.domain.redaction import redact
from multyagents_api.observing.work import WORK

__all__ = [
    "MEDIA_TYPE",
    "PROBLEM",
    "Dependency",
    "Problem",
    "defect",
    "install",
    "problem_response",
    "refused",
]

MEDIA_TYPE = "application/problem+json"

PROBLEM = "multyagents.problem"
"""The key under which a request's scope tells the code of the problem that it was answered with."""

STATUS_AND_CODE: Mapping[type[errors.Refusal], tuple[HTTPStatus, str]] = {
    errors.NotAuthenticated: (HTTPStatus.UNAUTHORIZED, "not_authenticated"),
    errors.Forbidden: (HTTPStatus.FORBIDDEN, "forbidden"),
    errors.NotYourself: (HTTPStatus.FORBIDDEN, "not_yourself"),
    errors.OwnRequest: (HTTPStatus.FORBIDDEN, "own_request"),
    errors.RateLimited: (HTTPStatus.TOO_MANY_REQUESTS, "rate_limited"),
    errors.NotFound: (HTTPStatus.NOT_FOUND, "not_found"),
    errors.NameTaken: (HTTPStatus.CONFLICT, "name_taken"),
    errors.InUse: (HTTPStatus.CONFLICT, "in_use"),
    errors.InvalidPath: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_path"),
    errors.InvalidTemplate: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_template"),
    errors.InvalidArtifact: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_artifact"),
    errors.UnknownArtifact: (HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_artifact"),
    errors.HandoffTooEarly: (HTTPStatus.UNPROCESSABLE_ENTITY, "handoff_too_early"),
    errors.UnknownQualityGate: (HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_quality_gate"),
    errors.QualityGatesNotPassed: (HTTPStatus.UNPROCESSABLE_ENTITY, "quality_gates_not_passed"),
    errors.ReservedEventType: (HTTPStatus.UNPROCESSABLE_ENTITY, "reserved_event_type"),
    errors.InvalidTask: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_task"),
    errors.InvalidSelection: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_selection"),
    errors.UnknownSkillPack: (HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_skill_pack"),
    errors.TaskTaken: (HTTPStatus.CONFLICT, "task_taken"),
    errors.RunPaused: (HTTPStatus.CONFLICT, "run_paused"),
    errors.RunAborted: (HTTPStatus.CONFLICT, "run_aborted"),
    errors.IllegalTransition: (HTTPStatus.CONFLICT, "illegal_transition"),
    errors.NeverDispatched: (HTTPStatus.CONFLICT, "never_dispatched"),
    errors.NotInRun: (HTTPStatus.CONFLICT, "not_in_run"),
    errors.StaleAttempt: (HTTPStatus.CONFLICT, "stale_attempt"),
    errors.UnknownAttempt: (HTTPStatus.CONFLICT, "unknown_attempt"),
    errors.KeyReused: (HTTPStatus.CONFLICT, "key_reused"),
    errors.AlreadyDecided: (HTTPStatus.CONFLICT, "already_decided"),
    errors.DependenciesNotSatisfied: (HTTPStatus.CONFLICT, "dependencies_not_satisfied"),
    errors.RequiredArtifactsMissing: (HTTPStatus.CONFLICT, "required_handoff_artifacts_missing"),
    errors.ApprovalRequired: (HTTPStatus.CONFLICT, "approval_required"),
    errors.PathsLocked: (HTTPStatus.CONFLICT, "paths_locked"),
    errors.TasksActive: (HTTPStatus.CONFLICT, "tasks_active"),
    errors.AlreadyReset: (HTTPStatus.CONFLICT, "already_reset"),
    errors.NotRerunnable: (HTTPStatus.UNPROCESSABLE_ENTITY, "not_rerunnable"),
    errors.UnknownSelection: (HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_selection"),
    errors.UnknownStep: (HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_step"),
    errors.DependencyNotSelected: (HTTPStatus.UNPROCESSABLE_ENTITY, "dependency_not_selected"),
    errors.VersionConflict: (HTTPStatus.CONFLICT, "version_conflict"),
    errors.Conflict: (HTTPStatus.CONFLICT, "conflict"),
    errors.TooManyStreams: (HTTPStatus.SERVICE_UNAVAILABLE, "too_many_streams"),
    errors.StoreBusy: (HTTPStatus.SERVICE_UNAVAILABLE, "store_busy"),
    errors.StoreFull: (HTTPStatus.INSUFFICIENT_STORAGE, "store_full"),
    errors.StoreUnreachable: (HTTPStatus.SERVICE_UNAVAILABLE, "store_unreachable"),
}

_CODES_BY_STATUS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.NOT_FOUND: "unknown_route",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.SERVICE_UNAVAILABLE: "not_ready",
}


class Offence(BaseModel):
    """One thing that is wrong with the request, and where: `body/steps/0/title`, `query/limit`."""

    place: str
    detail: str


class Dependency(BaseModel):
    """How something is that the service depends on; `detail` tells what is wrong."""

    status: Literal["ok", "down"]
    detail: str | None = None


class Problem(BaseModel):
    """Problem details (RFC 9457); `code` is stable, `detail` is for people, `request_id` is in the log."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None = None
    errors: list[Offence] | None = None
    dependencies: dict[str, Dependency] | None = None


class ProblemResponse(JSONResponse):
    """A problem, which leaves its code in the request's scope for whoever counts."""

    media_type = MEDIA_TYPE

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None) -> None:
        super().__init__(problem.model_dump(exclude_none=True), problem.status, headers=headers)
        self._code = problem.code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        scope[PROBLEM] = self._code
        await super().__call__(scope, receive, send)


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    offences: Sequence[Offence] = (),
    dependencies: Mapping[str, Dependency] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """A problem as a response, without what looks like a secret in what it repeats of the request."""
    problem = Problem(
        type=f"urn:multyagents:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=printable(redact(detail)),
        code=code,
        request_id=WORK.get().request_id or None,
        errors=list(offences) or None,
        dependencies=None if dependencies is None else dict(dependencies),
    )
    return ProblemResponse(problem, headers)


def refused(error: HTTPException) -> JSONResponse:
    """What the framework refuses, as a response."""
    code = _CODES_BY_STATUS.get(error.status_code, "error")
    return problem_response(error.status_code, code, str(error.detail), headers=error.headers)


def printable(text: str) -> str:
    """Text that can be encoded, whatever a client sent: lone surrogates are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


async def _refusal(_request: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, errors.Refusal)
    status, code = STATUS_AND_CODE[type(refusal)]
    offences = []
    if isinstance(refusal, errors.Placed):
        offences.append(_offence(("body", *refusal.place), str(refusal)))
    return problem_response(status, code, str(refusal), offences=offences, headers=_headers(refusal))


def _headers(refusal: errors.Refusal) -> Mapping[str, str] | None:
    """How to do better, for programs (RFC 6750, section 3; RFC 9110, section 10.2.3)."""
    if isinstance(refusal, errors.NotAuthenticated):
        return {"www-authenticate": "Bearer"}
    if isinstance(refusal, errors.RateLimited):
        return {"retry-after": str(refusal.retry_after_s)}
    return None


async def _invalid_request(_request: Request, invalid: Exception) -> JSONResponse:
    assert isinstance(invalid, RequestValidationError)
    found: Sequence[Mapping[str, Any]] = invalid.errors()
    offences = [_offence(tuple(error["loc"]), error["msg"]) for error in found[:_MOST_OFFENCES]]
    if any(error["type"] == "json_invalid" for error in found):
        return problem_response(HTTPStatus.BAD_REQUEST, "invalid_json", "The body is not JSON.")
    detail = "; ".join(f"{offence.place}: {offence.detail}" for offence in offences[:3])
    return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail, offences=offences)


_MOST_OFFENCES = 20


def _offence(place: tuple[str | int, ...], detail: str) -> Offence:
    where = "/".join(redact(str(part))[:100] for part in place)
    return Offence(place=printable(where), detail=printable(redact(detail)))


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return refused(error)


def defect() -> ProblemResponse:
    """What is answered where the service failed."""
    return problem_response(
        HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "The service failed; the failure is in its log."
    )


async def _defect(_request: Request, _error: Exception) -> JSONResponse:
    return defect()


def install(app: FastAPI) -> None:
    """Let the app answer every refusal, and every other failure, with problem details."""
    app.add_exception_handler(errors.Refusal, _refusal)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _defect)
