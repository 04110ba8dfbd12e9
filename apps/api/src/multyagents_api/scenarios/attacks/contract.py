"""Generated requests, right ones and wrong ones, whose answers must be those that the contract promises."""

from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from gatewright.suites.drill import Drill, Expectation, Logbook
from multyagents_api.scenarios.attacks.answers import NO_SERVER_ERROR
from multyagents_api.scenarios.attacks.target import OWNER, Target

__all__ = ["contract"]

DOCUMENTED = Expectation(
    "documented", "every answer has a status, a media type and a shape that the OpenAPI document promises"
)
SHOWN = 300
ENDLESS = "/events/stream"
TOKENS = (OWNER, "runner")


def contract(target: Target, seed: int, examples: int) -> Drill:
    """The drill against a running service: so many examples of each operation, right ones and wrong ones."""
    return Drill(
        "contract",
        "asks every operation of the OpenAPI document but the endless stream with generated requests, those "
        "that fit it and those that do not, as an operator who reviews, or as a runner",
        (NO_SERVER_ERROR, DOCUMENTED),
        lambda log: Fuzzing(target, log, seed).run(examples),
    )


class Fuzzing:
    """One course of the drill; schemathesis takes a second to import, which only this drill pays."""

    def __init__(self, target: Target, log: Logbook, seed: int) -> None:
        self._target = target
        self._log = log
        self._seed = seed
        self._asked: Counter[str] = Counter()
        self._answered: Counter[int] = Counter()

    def run(self, examples: int) -> None:
        """Ask each operation so often, in both ways."""
        import schemathesis  # noqa: PLC0415

        url = f"{self._target.base_url}/openapi.json"
        schema = schemathesis.openapi.from_url(url).exclude(path=ENDLESS)
        schema.config.generation.update(with_security_parameters=False)  # we send a token ourselves
        operations = [each.ok() for each in schema.get_all_operations()]
        for mode in schemathesis.GenerationMode:
            self._log.note(f"{mode.value} requests to {len(operations)} operations, {examples} each")
            for operation in operations:
                if mode.is_positive or can_be_wrong(operation):
                    self._asking(operation, mode, examples)()
        for status, times in sorted(self._answered.items()):
            self._log.measure(f"answered_{status}", times)
        if not any(status < HTTPStatus.BAD_REQUEST for status in self._answered):
            self._log.doubt("no request was carried out: they reached nothing that could break")

    def _asking(self, operation: Any, mode: Any, examples: int) -> Callable[[], None]:
        import hypothesis  # noqa: PLC0415

        roles = operation.definition.raw.get("x-roles", ())
        token = self._target.tokens["runner" if list(roles) == ["runner"] else OWNER]

        def ask(case: Any) -> None:
            self._asked[case.operation.label] += 1
            if self._asked[case.operation.label] % 2:  # a random id names nothing; every second one does
                case.path_parameters = dict.fromkeys(case.path_parameters or {}, "1")
            self._judge(case, case.call(headers={"authorization": f"Bearer {token}"}))

        bounded = hypothesis.settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        given = hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        seeded: Callable[[], None] = hypothesis.seed(self._seed)(bounded(given(ask)))
        return seeded

    def _judge(self, case: Any, response: Any) -> None:
        """Hold an answer to the document; failures are gathered, so that all operations get their turn."""
        from schemathesis.checks import not_a_server_error  # noqa: PLC0415
        from schemathesis.specs.openapi import checks  # noqa: PLC0415

        self._answered[response.status_code] += 1
        self._log.repeated()
        for name, looked_at in (
            ("no-server-error", (not_a_server_error,)),
            (
                "documented",
                (
                    checks.status_code_conformance,
                    checks.content_type_conformance,
                    checks.response_schema_conformance,
                ),
            ),
        ):
            self._log.expect(name, failures(case, response, looked_at))


def failures(case: Any, response: Any, looked_at: Any) -> list[str]:
    """What of an answer does not hold; a check of schemathesis raises a group of what failed."""
    try:
        case.validate_response(response, checks=looked_at)
    except BaseExceptionGroup as group:
        label = case.operation.label
        return [f"{label}: {response.status_code}: {str(error)[:SHOWN]}" for error in group.exceptions]
    return []


def can_be_wrong(operation: Any) -> bool:
    """Whether a request may break the schema of a body or of a query; any text may be an id."""
    return bool(list(operation.body) or list(operation.query))
