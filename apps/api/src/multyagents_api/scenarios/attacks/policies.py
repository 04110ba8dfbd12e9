"""Ways around approvals and the service's own word: every route that could dispatch, decide or tell."""

from collections.abc import Iterator
from typing import Any

from gatewright.race import Response
from gatewright.suites.drill import Drill, Expectation, Logbook
from multyagents_api.domain.events import EventType
from multyagents_api.scenarios.attacks.answers import NO_SERVER_ERROR, allowed, refused, server_errors
from multyagents_api.scenarios.attacks.corpus import DISGUISED_TYPES
from multyagents_api.scenarios.attacks.target import OWNER, Target
from multyagents_api.scenarios.oracles import runs as oracles

__all__ = ["policy_bypass"]

APPROVAL_FIRST = Expectation(
    "approval-first", "no route dispatches a task that needs an approval before that one is approved"
)
DISPATCH_FIRST = Expectation(
    "dispatch-first", "a callback, heartbeat or artifact for an attempt that nobody dispatched is refused"
)
DECIDED_ONCE = Expectation("decided-once", "an approval that was decided stays as it was decided")
NOT_BY_THE_ASKER = Expectation(
    "not-by-the-asker", "nobody decides what they asked for, or in somebody else's name"
)
OWN_WORDS = Expectation(
    "told-by-the-service", "clients tell events of the namespace `custom.` alone, in whatever spelling"
)
GATED = {"step_id": "gated", "requires_approval": True}
REQUIRED = (409, "approval_required")
NEVER = (409, "never_dispatched")
RESERVED = (422, "reserved_event_type")
DECIDED = (409, "already_decided")

RERUN = {"step_ids": ["gated"], "reason": "again", "auto_dispatch": True, "max_dispatch": 10}


def policy_bypass(target: Target) -> Drill:
    """The drill against a running service."""
    return Drill(
        "policy-bypass",
        "dispatches without an approval by every route, reports on what was never dispatched, decides twice, "
        "late, for itself and for others, and forges lifecycle events",
        (APPROVAL_FIRST, DISPATCH_FIRST, DECIDED_ONCE, NOT_BY_THE_ASKER, OWN_WORDS, NO_SERVER_ERROR),
        lambda log: Bypass(target, log).run(),
    )


class Bypass:
    """One course of the drill."""

    def __init__(self, target: Target, log: Logbook) -> None:
        self._target = target
        self._log = log

    def run(self) -> None:
        """One way after the other."""
        self._log.note("dispatches without an approval")
        self._without_approval()
        self._log.note("a rerun of an approved attempt")
        self._rerun()
        self._log.note("what makes an approval unnecessary")
        self._unneeded()
        self._log.note("decisions")
        self._decide_again()
        self._decide_for_oneself()
        self._log.note("forged events")
        self._forge()

    def _ask(self, path: str, body: object = None, *, who: str = "operator") -> Response:
        response = self._target.client(who).request("POST", path, body)
        self._log.expect("no-server-error", server_errors(f"POST {path}", response))
        self._log.repeated()
        return response

    def _without_approval(self) -> None:
        run = self._target.make_run(GATED)
        [task] = run["task_ids"]
        self._try_to_dispatch(run["id"], task)
        self._report_undispatched(task)
        # The approval of another run is none of this one.
        other = self._target.make_run(GATED)
        self._log.expect("decided-once", allowed("an approval", self._decide(other["tasks"][0], "approve")))
        self._try_to_dispatch(run["id"], task)
        # A rejection is a decision, and no approval.
        self._decide(run["tasks"][0], "reject")
        self._try_to_dispatch(run["id"], task, standing=(409, "illegal_transition"))
        self._judge(run["id"])

    def _try_to_dispatch(self, run_id: str, task: str, standing: tuple[int, str] = REQUIRED) -> None:
        """By every route that could."""
        direct = self._ask(f"/tasks/{task}/dispatch")
        ready = self._ask(f"/workflow-runs/{run_id}/dispatch-ready")
        turn = self._ask(f"/workflow-runs/{run_id}/control-loop", {"max_dispatch": 100})
        self._log.expect(
            "approval-first",
            [
                *refused("POST /tasks/{id}/dispatch", direct, standing),
                *dispatches("dispatch-ready", ready),
                *dispatches("control-loop", turn),
                *self._attempts(task),
            ],
        )

    def _attempts(self, task: str, expected: int = 0) -> Iterator[str]:
        """An attempt that was opened all the same."""
        attempt = self._target.operator.get(f"/tasks/{task}")["attempt"]
        if attempt != expected:
            yield f"task {task} is at attempt {attempt}, not {expected}"

    def _report_undispatched(self, task: str) -> None:
        for status in ("queued", "running", "success", "failed", "canceled"):
            answer = self._target.report(task, 1, status)
            self._log.expect("dispatch-first", refused(f"a callback of {status}", answer, NEVER))
        content = {"task_id": task, "type": "text", "name": "n", "content": "x"}
        for path, body in ((f"/runner/tasks/{task}/heartbeat", {"attempt": 1}), ("/artifacts", content)):
            answer = self._ask(path, body, who="runner")
            self._log.expect("dispatch-first", refused(f"POST {path}", answer, NEVER))
        self._log.expect("dispatch-first", self._attempts(task))

    def _rerun(self) -> None:
        """The approval of one attempt does not cover the next, however that is asked for."""
        run = self._target.make_run(GATED)
        [task] = run["task_ids"]
        first = self._target.operator.get(f"/tasks/{task}")["approval_id"]
        self._log.expect("decided-once", allowed("an approval", self._decide(run["tasks"][0], "approve")))
        self._target.dispatch(run["id"])
        self._target.report(task, 1, "failed")
        answer = self._ask(f"/workflow-runs/{run['id']}/partial-rerun", RERUN)
        self._log.expect("approval-first", [*allowed("a rerun", answer), *dispatches("the rerun", answer)])
        again = self._ask(f"/approvals/{first}/approve", {}, who="reviewer")
        self._log.expect("decided-once", allowed("the same decision again", again))
        self._try_to_dispatch_rerun(run["id"], task)
        self._judge(run["id"])

    def _try_to_dispatch_rerun(self, run_id: str, task: str) -> None:
        direct = self._ask(f"/tasks/{task}/dispatch")
        turn = self._ask(f"/workflow-runs/{run_id}/control-loop")
        stale = self._target.report(task, 1, "success")
        early = self._target.report(task, 2, "success")
        self._log.expect(
            "approval-first",
            [
                *refused("POST /tasks/{id}/dispatch", direct, REQUIRED),
                *dispatches("control-loop", turn),
                *self._attempts(task, 1),
            ],
        )
        for what, answer in (("the old attempt", stale), ("an attempt to come", early)):
            self._log.expect("dispatch-first", refused(f"a callback for {what}", answer))

    def _unneeded(self) -> None:
        """Nothing that is sent afterwards takes an approval away that a step asks for."""
        run = self._target.make_run(GATED)
        template = run["workflow_template_id"]
        body = {"workflow_template_id": template, "overrides": {"gated": {"requires_approval": False}}}
        overridden = self._ask("/workflow-runs", body)
        step = {"step_id": "gated", "title": "x", "role_id": self._target.make_role()}
        freed = {"name": self._target.name("freed"), "steps": [step]}
        answer = self._target.operator.request("PUT", f"/workflow-templates/{template}", freed)
        self._log.expect(
            "approval-first",
            [
                *refused("an override", overridden, (422, "invalid_request")),
                *allowed("a new template", answer),
            ],
        )
        self._try_to_dispatch(run["id"], run["task_ids"][0])

    def _decide(
        self, task: Any, verdict: str, *, who: str = "reviewer", actor: str | None = None
    ) -> Response:
        body = {} if actor is None else {"actor": actor}
        return self._ask(f"/approvals/{task['approval_id']}/{verdict}", body, who=who)

    def _decide_again(self) -> None:
        for first, second in (("approve", "reject"), ("reject", "approve")):
            run = self._target.make_run(GATED)
            [task] = run["tasks"]
            done = self._decide(task, first)
            answers = [self._decide(task, second), self._decide(task, first, who=OWNER)]
            kept = self._target.operator.get(f"/approvals/{task['approval_id']}")
            violations = [
                each for answer in answers for each in refused(f"{second} after {first}", answer, DECIDED)
            ]
            if kept != done.json:
                violations.append(f"what was decided by {first} is now {kept['status']} by {kept['actor']}")
            self._log.expect("decided-once", [*allowed(first, done), *violations])
            self._judge(run["id"])

    def _decide_for_oneself(self) -> None:
        run = self._target.make_run(GATED, who=OWNER)
        [task] = run["tasks"]
        own = (self._decide(task, verdict, who=OWNER) for verdict in ("approve", "reject"))
        borrowed = (
            self._decide(task, "approve", who=who, actor=actor)
            for who, actor in ((OWNER, "reviewer"), ("reviewer", "operator"), ("reviewer", OWNER))
        )
        unable = (self._decide(task, "approve", who=who) for who in ("operator", "runner", "observer"))
        self._log.expect(
            "not-by-the-asker",
            [
                *(
                    each
                    for answer in own
                    for each in refused("one's own request", answer, (403, "own_request"))
                ),
                *(
                    each
                    for answer in borrowed
                    for each in refused("in another name", answer, (403, "not_yourself"))
                ),
                *(
                    each
                    for answer in unable
                    for each in refused("without the role", answer, (403, "forbidden"))
                ),
                *self._attempts(task["id"]),
            ],
        )
        self._try_to_dispatch(run["id"], task["id"])

    def _forge(self) -> None:
        run = self._target.make_run({"step_id": "free"})
        [task] = run["task_ids"]
        before = self._target.operator.get(f"/events?run_id={run['id']}&limit=500")["items"]
        for kind in (*EventType, *DISGUISED_TYPES):
            body = {"run_id": run["id"], "task_id": task, "type": kind, "payload": {"status": "success"}}
            for who in ("operator", "runner"):
                answer = self._ask("/events", body, who=who)
                wanted = (RESERVED, (422, "invalid_request"))
                self._log.expect("told-by-the-service", refused(f"the type {kind!r}", answer, *wanted))
        after = self._target.operator.get(f"/events?run_id={run['id']}&limit=500")["items"]
        self._log.expect(
            "told-by-the-service", [f"{each['type']!r} was told" for each in after[len(before) :]]
        )

    def _judge(self, run_id: str) -> None:
        """What the events tell of a run, by the rules for every run."""
        state = self._target.operator.observe(run_id)
        self._log.expect(
            "approval-first",
            [
                *oracles.dispatched_by_the_rules(state),
                *oracles.single_dispatches(state),
                *oracles.attempts_are_exclusive(state),
            ],
        )


def dispatches(what: str, response: Response) -> Iterator[str]:
    """What an answer says was dispatched; a refusal dispatches nothing."""
    body: Any = response.json if response.ok else {}
    found = body.get("dispatched") or body.get("spawn")
    if found:
        yield f"{what} dispatched {found if isinstance(found, list) else body.get('task_id')}"
