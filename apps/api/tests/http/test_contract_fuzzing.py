"""No request gives a 5xx, and every answer is one that the OpenAPI document promises."""

import itertools
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
)

from multyagents_api.bootstrap import Settings, create_app, create_token
from multyagents_api.domain.access import AccessRole

EXAMPLES = 28
"""Of each of some fifty operations and for each way of making them: more than 2,000 in all."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    ignored_auth,
]


@pytest.fixture(scope="module")
def operations(tmp_path_factory):
    """All operations of the app, over a store that fills with what they create."""
    settings = Settings(tmp_path_factory.mktemp("fuzzed") / "fuzzed.db", rate_limit=0)
    token = create_token(settings, "fuzz", AccessRole)
    seconds = itertools.count()  # so that nobody who guesses a token has to wait
    app = create_app(settings, monotonic=lambda: float(next(seconds)))

    async def without_end(scope, receive, send):
        """The app as it serves: each request's client would start it and close its store."""
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
        else:
            await app(scope, receive, send)

    schema = schemathesis.openapi.from_asgi("/openapi.json", without_end)
    schema.config.update(headers={"Authorization": f"Bearer {token}"})
    return [each.ok() for each in schema.exclude(path="/events/stream").get_all_operations()]  # has no end


@pytest.mark.fuzz
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_breaks_the_contract(operations, mode):
    """Whatever is sent, the answer has a documented status, media type and shape, and is no failure."""
    asked: Counter[str] = Counter()
    answered: Counter[int] = Counter()
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            asked[case.operation.label] += 1
            if asked[case.operation.label] % 2:  # a random id names nothing; every second one does
                case.path_parameters = dict.fromkeys(case.path_parameters or {}, "1")
            answered[case.call_and_validate(checks=CHECKS).status_code] += 1

        if mode is GenerationMode.POSITIVE or can_be_wrong(operation):
            ask()
    assert set(asked) == {each.label for each in operations if mode.is_positive or can_be_wrong(each)}
    assert sorted(set(asked.values())) in ([1, EXAMPLES], [EXAMPLES])  # nothing varies in a health check
    assert set(answered) >= ({200, 201, 404, 409} if mode.is_positive else {404, 422}), answered


@pytest.mark.fuzz
def test_enough_is_asked(operations):
    """At least two thousand requests in both modes."""
    varying = [operation for operation in operations if operation.tags != ["health"]]
    assert EXAMPLES * (len(varying) + sum(map(can_be_wrong, varying))) >= 2_000


def can_be_wrong(operation) -> bool:
    """Whether a request may break the schema of a body or of a query; any text may be an id."""
    return bool(list(operation.body) or list(operation.query))
