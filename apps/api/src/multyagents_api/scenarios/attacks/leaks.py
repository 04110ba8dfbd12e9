"""Secrets that are sent wherever text is taken, and looked for wherever text is given out."""

import json
import random
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gatewright.race import Response
from gatewright.suites.drill import Drill, Expectation, Logbook
from multyagents_api.bootstrap import InvalidSettings, RunnerKind, Settings, create_app, parse_database
from multyagents_api.scenarios.attacks.secrets import Planted, Planter, leaks
from multyagents_api.scenarios.attacks.stream import read_stream
from multyagents_api.scenarios.attacks.target import Target
from multyagents_api.scenarios.topology import clean_environment

__all__ = ["secret_leakage"]

ANSWERS = Expectation("answers-hold-no-secret", "no GET route gives a planted secret out, streams included")
PROBLEMS = Expectation("problems-repeat-no-secret", "a refusal does not repeat a secret that was sent")
LOG = Expectation(
    "log-holds-no-secret", "the log, at its most talkative, has no token, no password and no planted secret"
)
SETTINGS = Expectation(
    "settings-stay-private", "a server that can't start, and its settings, tell no password of theirs"
)
START_S = 30.0


def secret_leakage(target: Target, seed: int) -> Drill:
    """The drill against a running service, with secrets drawn from a seed."""
    return Drill(
        "secret-leakage",
        "plants secrets in callbacks, hand-offs, artifacts, custom events, answers of the runner, refused "
        "requests and settings, then reads every GET route, the stream and the log. Prompts, names, titles, "
        "commands, comments and reasons are kept as they are sent, by design: they are what an agent needs, "
        "or what somebody said, so nothing is planted there",
        (ANSWERS, PROBLEMS, LOG, SETTINGS),
        lambda log: Leakage(target, log, random.Random(seed)).run(),  # noqa: S311 - must be drawn again
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Ids under which what was sent can be read again."""

    run_id: str
    task_id: str
    artifact_ids: Sequence[str] = ()


class Leakage:
    """One course of the drill."""

    def __init__(self, target: Target, log: Logbook, chance: random.Random) -> None:
        self._target = target
        self._log = log
        self._planter = Planter(chance)
        self._own = [Planted("a bearer's token", "a header", text) for text in target.tokens.values()]
        self._own.append(Planted("the runner's password", "a setting", target.runner.password))

    def run(self) -> None:
        """Plant, then look everywhere."""
        self._log.note("secrets in what runners and clients tell")
        places = [self._tell(), self._fail(), *self._let_the_runner_refuse()]
        self._log.note("secrets in requests that are refused")
        self._problems(places[0])
        self._log.note("every GET route, and the stream")
        self._read(places)
        self._log.note("the log")
        self._read_log()
        self._log.note("servers that can't start")
        self._settings()

    def _tell(self) -> Place:
        """A task that succeeds, with secrets in all that it leaves."""
        run_id, task_id = self._dispatched()
        plant = self._planter
        artifacts = []
        for kind in ("text", "diff", "report", "commit"):
            content = plant.all_in_one(f"the content of an artifact of type {kind}")
            body = {"task_id": task_id, "type": kind, "name": kind, "content": content}
            place = {"location": "a" * 40} if kind == "commit" else {}
            created = self._target.client("runner").post("/artifacts", body | place)
            artifacts.append(created["id"])
        self._tell_events(run_id, task_id)
        running = self._target.report(
            task_id, 1, "running", message=plant.all_in_one("the message of a callback")
        )
        handoff = {
            "summary": plant.all_in_one("the summary of a hand-off")[:2_000],
            "details": plant.all_in_one("the details of a hand-off"),
            "next_actions": plant.each("a next action", one_line=True),
            "open_questions": plant.each("an open question", one_line=True),
            "artifact_ids": artifacts,
        }
        self._told(running, self._target.report(task_id, 1, "success", handoff=handoff))
        return Place(run_id, task_id, artifacts)

    def _tell_events(self, run_id: str, task_id: str) -> None:
        plant = self._planter
        text = plant.each("the value of an event", one_line=True)
        payload: dict[str, object] = {f"text {index}": value for index, value in enumerate(text)}
        payload["list"] = plant.each("a list of an event")
        payload["password"] = plant.named("the value under `password` of an event")
        payload["token"] = [plant.named("a list under `token` of an event")]
        payload |= dict.fromkeys(plant.each("a key of an event", one_line=True), 1)
        body = {"run_id": run_id, "task_id": task_id, "type": "custom.told", "payload": payload}
        self._target.client("runner").post("/events", body)

    def _fail(self) -> Place:
        """A task that fails, with secrets in the reasons."""
        run_id, task_id = self._dispatched()
        plant = self._planter
        category = plant.plant("a GitHub token", "the category of a failure")
        self._told(
            self._target.report(
                *(task_id, 1, "failed"),
                message=plant.all_in_one("the message of a failure"),
                failure_category=category,
                idempotency_key=plant.plant("a web token", "an idempotency key"),
            )
        )
        return Place(run_id, task_id)

    def _let_the_runner_refuse(self) -> Iterator[Place]:
        """Attempts that the runner refuses in words with a secret; one also repeats what it was sent."""
        for text in self._planter.each("the refusal of a runner", one_line=True):
            self._target.runner.refusal = text
            try:
                run = self._target.make_run({"step_id": "a"})
                answer = self._target.dispatch(run["id"])
            finally:
                self._target.runner.refusal = ""
            if answer["reason"] != "submit failed":
                self._log.doubt("the runner's refusal did not arrive")
            yield Place(run["id"], run["task_ids"][0])

    def _dispatched(self) -> tuple[str, str]:
        run = self._target.make_run({"step_id": "a"})
        return run["id"], self._target.dispatch(run["id"])["task_id"]

    def _told(self, *answers: Response) -> None:
        """A secret that was refused was not planted."""
        self._log.repeated(len(answers))
        for answer in answers:
            if not answer.ok:
                self._log.doubt(f"what was told was answered {answer.status}")

    def _problems(self, place: Place) -> None:
        """Requests that are refused, and what the refusals say."""
        for text in self._planter.each("what is wrong with a request", one_line=True):
            for what, who, method, path, body in wrong_requests(text, place):
                # As a caller's name for its request it would be logged, and answered.
                response = self._target.client(who).request(method, path, body, {"x-request-id": safe(text)})
                self._log.repeated()
                found = leaks(self._planter, as_text(response), f"the refusal of {what}")
                self._log.expect("problems-repeat-no-secret", () if response.ok else found)

    def _read(self, places: Sequence[Place]) -> None:
        """Every GET route of the contract, with every id that leads to what was planted."""
        document = self._target.operator.get("/openapi.json")
        seen = []
        for path, operations in document["paths"].items():
            if "get" not in operations:
                continue
            is_stream = streams(operations["get"])
            for address in dict.fromkeys(addresses(path, places[:2] if is_stream else places)):
                text = self._text_of(address, operations["get"])
                if is_stream and "event: " not in text:
                    self._log.doubt(f"GET {path} told no event")
                seen.append(text)
                found = leaks(self._planter, text, f"GET {path}", self._own)
                self._log.expect("answers-hold-no-secret", found)
                self._log.repeated()
        # Only who finds what is no secret can say that no secret is there.
        for word in ("it began", "custom.told", "[redacted]"):
            if not any(word in text for text in seen):
                self._log.doubt(f"{word!r}, which is no secret, was found nowhere either")

    def _text_of(self, address: str, operation: Mapping[str, Any]) -> str:
        """All that a route gives out, page by page."""
        if streams(operation):
            return read_stream(self._target.base_url, address, self._target.tokens["operator"])
        names = {each["name"] for each in operation.get("parameters", ())}
        cursor = next((name for name in ("cursor", "after") if name in names), None)
        if cursor is None or "limit" not in names:
            return as_text(self._target.operator.request("GET", address))
        texts, after = list[str](), "0"
        while after:
            joint = "&" if "?" in address else "?"
            response = self._target.operator.request("GET", f"{address}{joint}limit=500&{cursor}={after}")
            texts.append(as_text(response))
            after = following(response.json, after)
        return "\n".join(texts)

    def _read_log(self) -> None:
        text = self._target.log.read_text(errors="replace")
        self._log.expect("log-holds-no-secret", leaks(self._planter, text, "the log", self._own))
        if not text:
            self._log.doubt("the service logged nothing")

    def _settings(self) -> None:
        password = self._planter.named("a password of the settings")
        unreachable = f"postgresql://app:{password}@127.0.0.1:1/shop"
        odd, runner = f"ftp://app:{password}@db/shop", f"http://app:{password}@runner:99999/x"
        settings = Settings(unreachable, runner_url=runner)
        said = {
            "a server that can't start": self._failing_start(unreachable),
            "the refusal of a database": refusal(lambda: parse_database(odd)),
            "the refusal of a runner": refusal(
                lambda: create_app(Settings(runner=RunnerKind.HTTP, runner_url=runner))
            ),
            "what settings look like": f"{settings!r} {settings}",
        }
        for what, text in said.items():
            self._log.expect("settings-stay-private", leaks(self._planter, text, what))
            self._log.repeated()
            if not text:
                self._log.doubt(f"{what} said nothing")

    def _failing_start(self, url: str) -> str:
        """What a server says whose database can't be reached, with the URL in its environment."""
        environment = {**clean_environment(), "MULTYAGENTS_DATABASE_URL": url}
        command = [*self._target.command, "serve", "--port", "0", "--log-level", "debug"]
        done = subprocess.run(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=START_S,
            check=False,
        )
        return done.stdout.decode(errors="replace")


def safe(text: str) -> str:
    """A text without what a URL or a header can't hold."""
    return quote(text, safe="")


def wrong_requests(text: str, place: Place) -> Iterator[tuple[str, str, str, str, object]]:
    """Requests that a text makes wrong: what it stands for, who asks, and how."""
    step = {"role_id": "1", "title": "A"}
    project = {"name": "p", "root_path": "/srv"}
    yield "an id", "operator", "GET", f"/roles/{safe(text)}", None
    yield "a route", "operator", "GET", f"/{safe(text)}", None
    yield "a query", "operator", "GET", f"/workflow-runs?status={safe(text)}", None
    yield "an id in a query", "operator", "GET", f"/artifacts?run_id={safe(text)[:40]}", None
    yield "a field", "operator", "POST", "/roles", {"name": "r", text: 1}
    yield "a root", "operator", "POST", "/projects", {**project, "root_path": f"../{text}"}
    yield "a path", "operator", "POST", "/projects", {**project, "allowed_paths": [f"/{text}"]}
    yield "a type", "operator", "POST", "/events", {"run_id": place.run_id, "type": text}
    steps: list[dict[str, object]] = [{"step_id": "a", "depends_on": [text], **step}]
    yield "a dependency", "operator", "POST", "/workflow-templates", {"name": "t", "steps": steps}
    steps = [{"step_id": text, **step}] * 2
    yield "a step", "operator", "POST", "/workflow-templates", {"name": "t", "steps": steps}
    yield "an id in a body", "operator", "POST", "/tasks", {"step_id": "a", **step, "role_id": text[:40]}
    yield "an actor", "reviewer", "POST", "/approvals/1/approve", {"actor": text}
    report = {"attempt": 1, "status": "success", "quality_gates": {text: "passed"}}
    yield "a quality gate", "runner", "POST", f"/runner/tasks/{place.task_id}/status", report


def refusal(attempt: Callable[[], object]) -> str:
    """What is said where a setting can't be used; nothing where it can."""
    try:
        attempt()
    except InvalidSettings as error:
        return str(error)
    return ""


def addresses(path: str, places: Sequence[Place]) -> Iterator[str]:
    """A route with each id that can stand in it; a list as it is, and of each run."""
    if "{" not in path and not path.endswith("/stream"):
        yield path
    for place in places:
        for artifact_id in place.artifact_ids or ("1",):
            ids = {"run_id": place.run_id, "task_id": place.task_id, "artifact_id": artifact_id}
            if "{" in path:
                yield filled(path, ids)
        if path in {"/events", "/events/stream", "/artifacts", "/handoffs"}:
            yield f"{path}?run_id={place.run_id}"


def streams(operation: Mapping[str, Any]) -> bool:
    """Whether an operation answers with server-sent events."""
    return "text/event-stream" in operation["responses"]["200"].get("content", {})


def filled(path: str, ids: Mapping[str, str]) -> str:
    """A route with ids in it; of those that nobody gave, 1."""
    return re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], "1"), path)


def following(page: Any, after: str) -> str:
    """Where the next page begins; empty where there is none."""
    if not isinstance(page, dict) or not page.get("items"):
        return ""
    cursor = page.get("next_cursor", page.get("next_after"))
    return "" if cursor == after else str(cursor or "")


def as_text(response: Response) -> str:
    """An answer as text in which what was sent can be found."""
    return json.dumps(response.json, ensure_ascii=False)
