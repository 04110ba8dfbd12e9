"""Policies: whatever is valid comes back as it was, and whatever is not costs one line."""

import tomllib
from random import Random
from typing import Any

import pytest
from fakes.mutations import ODD_VALUES, mutate_bytes
from fakes.projects import CLEAN_POLICY
from fakes.proofs import tried
from hypothesis import given
from hypothesis import strategies as st

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import State
from gatewright.evidence.report import Counts
from gatewright.gate.finding import Place
from gatewright.gate.measure import find_shortfalls
from gatewright.gate.policy import Check, Policy, parse_policy

PROVEN = tried(150)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FILES = st.from_regex(r"[a-z]{1,8}\.(json|xml)", fullmatch=True)
NUMBERS = st.integers(0, 10**6)
BOUNDS = st.floats(allow_nan=False, allow_infinity=False, width=32)
LIMITS = st.one_of(
    st.builds(lambda bound: {"max": bound}, BOUNDS),
    st.builds(lambda one, other: {"min": min(one, other), "max": max(one, other)}, BOUNDS, BOUNDS),
)
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
COMMANDS = st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=2)
CHECKS = st.fixed_dictionaries(
    {"steps": COMMANDS, "results": st.lists(FILES, min_size=1, max_size=2, unique=True)},
    optional={
        "required": st.booleans(),
        "full_steps": COMMANDS,
        "min_collected": NUMBERS,
        "min_samples": NUMBERS,
        "min_schedules": NUMBERS,
        "max_skipped": NUMBERS,
        "max_flaky": NUMBERS,
        "max_age_s": st.integers(1, 10**6),
        "timeout_s": st.integers(1, 10**6),
        "exclusive": st.booleans(),
        "limits": st.dictionaries(NAMES, LIMITS, max_size=2),
    },
)
POLICIES = st.fixed_dictionaries(
    {"schema_version": st.just(1), "checks": st.dictionaries(NAMES, CHECKS, min_size=1, max_size=3)},
    optional={
        "gate": st.fixed_dictionaries(
            {}, optional={"keep": st.integers(1, 99), "require_commit": st.booleans()}
        )
    },
).filter(lambda document: any(check.get("required", True) for check in document["checks"].values()))


def to_toml(document: dict[str, Any], path: str = "") -> str:
    """A document as TOML; every value that is no table on one line."""
    plain = {key: value for key, value in document.items() if not isinstance(value, dict)}
    text = f"[{path}]\n" if path else ""
    text += "".join(f"{quoted(key)} = {value_text(value)}\n" for key, value in plain.items())
    for key, value in document.items():
        if isinstance(value, dict):
            text += to_toml(value, f"{path}.{quoted(key)}" if path else quoted(key))
    return text


def value_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {value_text(inner)}" for key, inner in value.items()) + "}"
    return "0" if value is None else repr(value)


def quoted(text: str) -> str:
    """A basic string (TOML 1.0): escapes stand for all that it can't hold as it is."""
    letters = (
        f"\\U{ord(letter):08x}" if letter in '"\\' or not letter.isprintable() else letter for letter in text
    )
    return f'"{"".join(letters)}"'


def load(document: dict[str, Any]) -> Policy:
    return parse_policy(to_toml(document).encode(), "gate.toml").policy


@PROVEN
@given(POLICIES)
def test_a_valid_policy_comes_back_as_it_was(document: dict[str, Any]) -> None:
    """What is set is what was said, and what the policy says of itself loads as the very same."""
    policy = load(document)
    written = policy.model_dump(mode="json", exclude_unset=True)
    for check in written["checks"].values():
        check["results"] = [result["path"] for result in check["results"]]
    assert written == tomllib.loads(to_toml(document))
    assert Policy.model_validate_json(policy.model_dump_json(exclude_unset=True)) == policy
    assert list(policy.checks) == list(document["checks"])


@PROVEN
@given(POLICIES)
def test_a_policy_about_one_check_is_that_check_and_requires_it(document: dict[str, Any]) -> None:
    policy = load(document)
    for name, check in policy.checks.items():
        narrowed = policy.narrowed(name)
        assert narrowed.checks == {name: check.model_copy(update={"required": True})}
        assert (narrowed.gate, narrowed.slo) == (policy.gate, policy.slo)
        assert narrowed.narrowed(name) == narrowed


@PROVEN
@given(POLICIES, st.data())
def test_an_odd_value_anywhere_loads_or_costs_one_line(document: dict[str, Any], data: st.DataObject) -> None:
    """A setting with a value of any kind: accepted, or refused with the place."""
    check = data.draw(st.sampled_from(list(document["checks"].values())))
    key = data.draw(st.sampled_from([*Check.model_fields, "zzz", "a\nb"]))
    usable = [value for value in ODD_VALUES if not (isinstance(value, str) and "\ud800" in value)]
    check[key] = data.draw(st.sampled_from(usable))
    refusal_of(to_toml(document).encode())


def refusal_of(data: bytes) -> str | None:
    """What a policy is refused for; None for one that is taken."""
    try:
        parse_policy(data, "gate.toml")
    except ConfigurationError as error:
        refusal = str(error)
    else:
        return None
    assert refusal.isprintable()
    assert len(refusal) < 2500
    return refusal


@PROVEN
@given(st.binary(max_size=200))
def test_bytes_that_are_no_policy_cost_one_line(data: bytes) -> None:
    assert refusal_of(data)


@pytest.mark.parametrize("seed", range(300))
def test_a_policy_with_a_mutation_loads_or_costs_one_line(seed: int) -> None:
    random = Random(seed)
    refusal_of(mutate_bytes(CLEAN_POLICY.encode(), random))


@PROVEN
@given(
    st.builds(Counts, collected=NUMBERS, samples=NUMBERS, schedules=NUMBERS, skipped=NUMBERS, flaky=NUMBERS),
    st.dictionaries(
        st.sampled_from(["min_collected", "min_samples", "min_schedules", "max_skipped", "max_flaky"]),
        NUMBERS,
    ),
)
def test_bounds_are_kept_exactly(counts: Counts, bounds: dict[str, int]) -> None:
    """One finding for each bound that is broken; a bound that is just met is met."""
    check = Check(steps=(("x",),), results=("a.json",), **bounds)
    broken = {
        f"{kind}-{name}"
        for kind, name in (
            key.split("_")
            for key in ("min_collected", "min_samples", "min_schedules", "max_skipped", "max_flaky")
        )
        if (getattr(counts, name) < getattr(check, f"{kind}_{name}")) == (kind == "min")
        and getattr(counts, name) != getattr(check, f"{kind}_{name}")
    }
    found = list(find_shortfalls(Place("run", "unit"), check, counts))
    assert {finding.reason.rule for finding in found} == broken
    assert all(not finding.state.settles for finding in found)
    nothing = [finding.reason.rule for finding in found if finding.state is State.EMPTY]
    assert nothing == [
        rule
        for rule in sorted(broken, key=ORDER.index)
        if rule.startswith("min") and not getattr(counts, rule[4:])
    ]


ORDER = ("min-collected", "min-schedules", "min-samples", "max-skipped", "max-flaky")
