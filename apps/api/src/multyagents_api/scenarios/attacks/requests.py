"""Requests that are not what they seem: unknown fields, odd bodies, other content types, borrowed methods."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gatewright.race import Response
from gatewright.suites.drill import Drill, Expectation, Logbook
from multyagents_api.http.limits import MOST_BODY_BYTES
from multyagents_api.scenarios.api_client import Unanswered
from multyagents_api.scenarios.attacks.answers import NO_SERVER_ERROR, refused, server_errors
from multyagents_api.scenarios.attacks.target import Target

__all__ = ["request_tricks"]

NO_STRAY_FIELDS = Expectation(
    "no-stray-fields", "a field that the contract does not know is refused, at every depth and of every body"
)
BOUNDED = Expectation(
    "bounded", "a body over the limit, nested beyond reason, or no JSON is refused, announced or not"
)
ONE_READING = Expectation("one-reading", "where a key is sent twice, what is checked is what is kept")
JSON_ALONE = Expectation("json-alone", "a body of any other content type changes nothing")
METHOD_STANDS = Expectation(
    "method-stands", "no header, query or field makes a request one of another method or path"
)
STRAY: Mapping[str, object] = {
    "id": "1",
    "status": "success",
    "attempt": 7,
    "version": 1,
    "run_id": "1",
    "approval_id": "1",
    "approved": True,
    "requested_by_subject": "x",
    "roles": ["operator"],
    "created_at": "2026-01-01T00:00:00Z",
    "subject": "reviewer",
    "lease_until": None,
    "__proto__": {},
    "rerun_count": 0,
    "sequence": 1,
}
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
ELSEWHERE = ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-Forwarded-Prefix")
INVALID = (422, "invalid_request")
TOO_LARGE = (413, "body_too_large")
PATIENCE_S = 3.0
"""How long a refusal may take that needs no byte of the body."""
DEPTH = 100_000
MANY_DIGITS = 5_000


def request_tricks(target: Target) -> Drill:
    """The drill against a running service."""
    return Drill(
        "request-tricks",
        "adds fields that are not for clients, sends bodies that are too large, too deep, twofold or of "
        "other types, and asks for other methods and paths by headers",
        (NO_STRAY_FIELDS, BOUNDED, ONE_READING, JSON_ALONE, METHOD_STANDS, NO_SERVER_ERROR),
        lambda log: Tricks(target, log).run(),
    )


class Tricks:
    """One course of the drill."""

    def __init__(self, target: Target, log: Logbook) -> None:
        self._target = target
        self._log = log
        self._run = target.make_run({"step_id": "gated", "requires_approval": True}, {"step_id": "free"})
        dispatched = target.dispatch(self._run["id"])
        self._role = target.make_role()
        self._task, self._attempt = dispatched["task_id"], dispatched["attempt"]

    def run(self) -> None:
        """One trick after the other."""
        self._log.note("fields that the contract does not know")
        self._stray_fields()
        self._log.note("bodies that are too much")
        self._too_much()
        self._log.note("other content types")
        self._content_types()
        self._log.note("other methods and paths by headers")
        self._methods()
        self._log.note("keys that are sent twice")
        self._twice()

    def _standing(self) -> Any:
        """The run with its tasks and events, and how many there are of everything."""
        read = self._target.operator.get
        lists = ("/projects", "/roles", "/skill-packs", "/workflow-templates", "/workflow-runs")
        events = read(f"/events?run_id={self._run['id']}&limit=500")["items"]
        counts = [len(list(self._target.operator.pages(path))) for path in lists]
        return read(f"/workflow-runs/{self._run['id']}"), events, counts

    def _ask(
        self,
        method: str,
        path: str,
        body: object,
        headers: Mapping[str, str] | None = None,
        who: str = "operator",
    ) -> Response:
        response = self._target.client(who).request(method, path, body, headers)
        self._log.expect("no-server-error", server_errors(f"{method} {path}", response))
        self._log.repeated()
        return response

    def _bodies(self) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        """Who sends what where: a body that is right, and will be made wrong, for routes that take one."""
        run, task = f"/workflow-runs/{self._run['id']}", self._task
        role, template = self._role, self._run["workflow_template_id"]
        approval = self._run["tasks"][0]["approval_id"]
        step = {"step_id": "a", "role_id": role, "title": "A"}
        project = {"name": "p", "root_path": str(self._target.folder / "p")}
        named: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("POST", "/projects", project),
            ("POST", "/skill-packs", {"name": "s"}),
            ("POST", "/roles", {"name": "r"}),
            ("PUT", f"/roles/{role}", {"name": "r"}),
            ("POST", "/workflow-templates", {"name": "t", "steps": [step]}),
            ("PUT", f"/workflow-templates/{template}", {"name": "t", "steps": [step]}),
            ("POST", "/tasks", step),
            ("POST", "/workflow-runs", {"workflow_template_id": template}),
            ("POST", f"{run}/control-loop", {}),
            ("POST", f"{run}/partial-rerun", {"step_ids": ["free"], "reason": "r"}),
            *(("POST", f"{run}/{verb}", {}) for verb in ("pause", "resume", "abort")),
            ("POST", f"/tasks/{task}/cancel", {}),
            ("POST", "/events", {"run_id": self._run["id"], "type": "custom.x"}),
        )
        yield from (("operator", *each) for each in named)
        yield "reviewer", "POST", f"/approvals/{approval}/approve", {}
        yield "reviewer", "POST", f"/approvals/{approval}/reject", {}
        attempt = {"attempt": self._attempt}
        yield "runner", "POST", f"/runner/tasks/{task}/status", {**attempt, "status": "running"}
        yield "runner", "POST", f"/runner/tasks/{task}/heartbeat", attempt
        content = {"task_id": task, "type": "text", "name": "n", "content": "x"}
        yield "runner", "POST", "/artifacts", content

    def _stray_fields(self) -> None:
        for who, method, path, body in self._bodies():
            for name, value in STRAY.items():
                if name in body or takes(path, name):
                    continue
                answer = self._ask(method, path, {**body, name: value}, who=who)
                self._log.expect("no-stray-fields", refused(f"{name} in {method} {path}", answer, INVALID))
                if not answer.ok and offences(answer) != [f"body/{name}"]:
                    self._log.doubt(f"{method} {path} is refused for something else than a stray field")
        document = self._target.operator.get("/openapi.json")
        self._log.expect("no-stray-fields", open_schemas(document))

    def _too_much(self) -> None:
        deep = b'{"name":' * DEPTH
        huge = b'{"name": "x", "retry_policy": {"max_retries": ' + b"9" * MANY_DIGITS + b"}}"
        for what, body in {
            "lists without end": b"[" * DEPTH,
            "lists with an end": b"[" * DEPTH + b"]" * DEPTH,
            "objects without end": deep,
            "a number without end": huge,
            "NaN": b'{"name": NaN}',
            "no JSON": b"name=x",
            "half a body": b'{"name": "x"',
            "bytes that are no text": b'{"name": "\xff\xfe"}',
            "a second value": b'{"name": "x"}{"name": "y"}',
            "nothing": b"",
        }.items():
            self._log.expect("bounded", refused(what, self._ask("POST", "/roles", body)))
        body = b'{"name": "x", "system_prompt": "' + b" " * MOST_BODY_BYTES + b'"}'
        self._over_limit("in parts", iter([body]), {})
        # Whoever is told the length refuses before a byte of it has come.
        self._over_limit("announced", b"", {"content-length": str(len(body))})

    def _over_limit(self, what: str, body: bytes | Iterator[bytes], headers: Mapping[str, str]) -> None:
        """A body over the limit; one that gets no answer was not let through, but nobody knows why."""
        with self._target.another_client("operator", timeout_s=PATIENCE_S) as client:
            try:
                response = client.request("POST", "/roles", body, headers)
            except Unanswered:
                self._log.doubt(f"a body over the limit, {what}, got no answer")
                return
        self._log.expect("bounded", refused(f"a body over the limit, {what}", response, TOO_LARGE))

    def _content_types(self) -> None:
        for kind, make in {
            "text/plain": as_json,
            "application/x-www-form-urlencoded": lambda name: f"name={name}".encode(),
            "multipart/form-data; boundary=x": multipart,
            "application/xml": lambda name: f"<name>{name}</name>".encode(),
            "application/octet-stream": as_json,
            "application/yaml": lambda name: f"name: {name}".encode(),
            "application/x-python-pickle": lambda _: b"cos\nsystem\n(S'true'\ntR.",
            "": as_json,
        }.items():
            body = make(self._target.name("typed"))
            answer = self._ask("POST", "/roles", body, {"content-type": kind})
            self._log.expect("json-alone", refused(f"content type {kind!r}", answer))
        packed = {"content-encoding": "gzip", "content-type": "application/json"}
        answer = self._ask("POST", "/roles", b"\x1f\x8b\x08\x00", packed)
        self._log.expect("json-alone", refused("a compressed body", answer))

    def _methods(self) -> None:
        role, before = self._role, self._standing()
        known = self._target.operator.get(f"/roles/{role}")
        for header in OVERRIDES:
            for method in ("DELETE", "PUT", "PATCH"):
                answer = self._ask("POST", f"/roles/{role}", {"name": "gone"}, {header: method})
                self._expect_method(f"POST with {header}: {method}", answer)
            self._log.expect("method-stands", self._still(role, known, header))
        for path in (f"/roles/{role}?_method=DELETE", f"/roles/{role}?method=DELETE"):
            self._expect_method(f"POST {path}", self._ask("POST", path, {"_method": "DELETE"}))
        for header in ELSEWHERE:
            answer = self._ask("GET", "/healthz", None, {header: f"/roles/{role}"}, who="observer")
            violations = ["was answered as another path"] if answer.json != {"status": "ok"} else []
            self._log.expect("method-stands", [f"GET /healthz with {header} {each}" for each in violations])
        self._log.expect("method-stands", self._still(role, known, "all of them"))
        changed = (
            ["a run, or what there is, stands otherwise than before"] if self._standing() != before else []
        )
        self._log.expect("method-stands", changed)

    def _expect_method(self, what: str, answer: Response) -> None:
        self._log.expect("method-stands", refused(what, answer, (405, "method_not_allowed")))

    def _still(self, role: str, known: object, what: str) -> Iterator[str]:
        if self._target.operator.request("GET", f"/roles/{role}").json != known:
            yield f"a role was changed or deleted by {what}"

    def _twice(self) -> None:
        """The second wins in this service; above all, the one that wins is the one that was checked."""
        lead = json.dumps({"run_id": self._run["id"]}).removesuffix("}").encode()
        forged = self._ask("POST", "/events", lead + b', "type": "custom.x", "type": "task.dispatched"}')
        self._log.expect("one-reading", refused("a forged type behind another", forged))
        plain = self._ask("POST", "/events", lead + b', "type": "task.dispatched", "type": "custom.x"}')
        kept: Any = plain.json
        if plain.ok and kept["type"] != "custom.x":
            self._log.expect("one-reading", [f"an event was kept as {kept['type']}"])
        up = b'{"name": "twice", "root_path": "relative", "root_path": "/srv", "allowed_paths": ["."], '
        answer = self._ask("POST", "/projects", up + b'"allowed_paths": ["../etc"]}')
        self._log.expect("one-reading", refused("a path that goes up behind another", answer))


def offences(answer: Response) -> list[str]:
    """The places of what a problem says is wrong."""
    body: Any = answer.json
    return [each["place"] for each in body.get("errors", ())]


def takes(path: str, name: str) -> bool:
    """Whether a route knows a field that others don't."""
    known = {
        "attempt": ("/artifacts", "/events", "/cancel", "/status", "/heartbeat"),
        "run_id": ("/events",),
        "status": ("/status",),
    }
    return any(path.endswith(end) for end in known.get(name, ()))


def open_schemas(document: Any) -> Iterator[str]:
    """Objects of request bodies that take fields which they do not describe."""
    schemas = document["components"]["schemas"]
    bodies = [
        operation["requestBody"]
        for operations in document["paths"].values()
        for operation in operations.values()
        if "requestBody" in operation
    ]
    waiting, seen = references(bodies), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        schema = schemas[name]
        waiting |= references(schema)
        if "properties" in schema and schema.get("additionalProperties") is not False:
            yield f"{name} takes fields that it does not describe"


def references(part: Any) -> set[str]:
    """The names of all schemas that a part of a document refers to."""
    if isinstance(part, dict):
        own = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set[str]()
        return own.union(*map(references, part.values()))
    return set[str]().union(*map(references, part)) if isinstance(part, list) else set()


def as_json(name: str) -> bytes:
    """What a role of this name is made from."""
    return json.dumps({"name": name}).encode()


def multipart(name: str) -> bytes:
    """The same as a form sends it."""
    return f'--x\r\ncontent-disposition: form-data; name="name"\r\n\r\n{name}\r\n--x--\r\n'.encode()
