"""Editors are told what is accepted: the schema takes what the policy takes, and refuses what it refuses."""

import json
import tomllib
from datetime import date
from pathlib import Path

import jsonschema_rs
import pytest
from fakes.projects import CLEAN_POLICY
from pydantic import TypeAdapter

from gatewright.core.errors import ConfigurationError
from gatewright.gate.policy import parse_policy
from gatewright.gate.policy_schema import EXAMPLES, SCHEMA_ID, policy_models, policy_schema
from gatewright.gate.waivers import BrokenWaiver

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "schemas" / "policy.schema.json"
GOOD = """\
schema_version = 1
[gate]
keep = 5
[checks.unit]
steps = [["true"]]
results = ["junit.xml", { path = "a/b.json", format = "ctrf" }]
publish = { "step-1.log" = "docs/x.log" }
limits.p95 = { max = 1, max_increase = 0.5 }
flaky_budget = { rate = 0.5 }
[slo.shop]
target = "http://127.0.0.1:8000"
journeys.buy = { factory = "shop:Buy" }
objectives = [{ metric = "success_ratio", at_least = 0.99 }]
[[waivers]]
id = "known"
check = "unit"
reason = "r"
owner = "o"
expires = 2026-03-20
"""


def accepts(text: str) -> bool:
    """Whether the published schema takes a document, as an editor asks it."""
    document = json.loads(json.dumps(tomllib.loads(text), default=date.isoformat))
    validator = jsonschema_rs.validator_for(json.loads(PUBLISHED.read_bytes()), validate_formats=True)
    return validator.is_valid(document)


def takes(text: str) -> bool:
    """Whether the policy takes it, with all of its waivers."""
    try:
        policy = parse_policy(text.encode(), "gate.toml").policy
    except ConfigurationError:
        return False
    return not any(isinstance(waiver, BrokenWaiver) for waiver in policy.waivers)


def examples() -> list[str]:
    """The policies of this repository, in files and in the guides."""
    guides = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("guide-*.md"))]
    blocks = [block for text in guides for block in text.split("```toml\n")[1:]]
    whole = [each for block in blocks if "schema_version" in (each := block.partition("```")[0])]
    assert whole
    return [(ROOT / "gate.toml").read_text(encoding="utf-8"), CLEAN_POLICY, GOOD, *whole]


@pytest.mark.parametrize("text", examples())
def test_policies_that_are_used_are_good(text: str) -> None:
    assert accepts(text)
    assert takes(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("schema_version = 1", "schema_version = 2"),
        ("schema_version = 1", ""),
        ("schema_version = 1", "schema_version = true"),
        ("keep = 5", "keep = 0"),
        ("keep = 5", 'keep = "5"'),
        ("keep = 5", "keep = 5.5"),
        ("keep = 5", "jobs = 65"),
        ("keep = 5", "warn_blocks = 1"),
        ("keep = 5", "kep = 5"),
        ("keep = 5", 'faults = "module"'),
        ("[checks.unit]", "[checks.Unit]"),
        ("[checks.unit]", "[checks.unit]\nspeed = 9"),
        ('[["true"]]', '["true"]'),
        ('[["true"]]', "[[]]"),
        ('[["true"]]', "[]"),
        ('[["true"]]', '[["a\\u0000"]]'),
        ('"docs/x.log"', '"a\\n/../b"'),
        ('"docs/x.log"', '"a\\u0000"'),
        ('"junit.xml"', '"junit.txt"'),
        ('"junit.xml"', '"../junit.xml"'),
        ('"junit.xml"', '"/junit.xml"'),
        ('"a/b.json"', '"a/../../b.json"'),
        ('"ctrf"', '"cobol"'),
        ('"docs/x.log"', '"/etc/x.log"'),
        ('"docs/x.log"', '"a\\\\b"'),
        ('"step-1.log"', '"../step-1.log"'),
        ("max = 1,", 'max = "1",'),
        ("max = 1,", "max = true,"),
        ("max = 1, max_increase = 0.5", ""),
        ("max_increase = 0.5", "max_increase = -0.5"),
        ("max_increase = 0.5", "max_decrease = 1.5"),
        ("max_increase = 0.5", 'max_increase = 0.5, first_runs = "pass"'),
        ("rate = 0.5", "rate = 1.5"),
        ("rate = 0.5", "rate = 0.5, runs = 0"),
        ("[slo.shop]", "[slo.Shop]"),
        ('"shop:Buy"', '"shop.Buy"'),
        ("at_least = 0.99", 'at_least = "0.99"'),
        ("at_least = 0.99", "at_least = 0"),
        ('"success_ratio"', '"success"'),
        ('id = "known"', 'id = "a b"'),
        ('id = "known"', ""),
        ('owner = "o"', 'owner = ""'),
        ('owner = "o"', 'owner = " - "'),
        ('owner = "o"', 'owner = "o"\nrule = ""'),
        ('owner = "o"', 'owner = "o"\nrul = "x"'),
        ("expires = 2026-03-20", 'expires = "soon"'),
        ("expires = 2026-03-20", "expires = 20260320"),
        ("expires = 2026-03-20", 'expires = "2026-02-30"'),
        ("[[waivers]]", "[waivers]"),
        ("schema_version = 1", "schema_version = 1\nsigning.required = 1"),
        ("schema_version = 1", 'schema_version = 1\noutputs.formats = ["pdf"]'),
    ],
)
def test_what_the_policy_refuses_the_schema_refuses_too(old: str, new: str) -> None:
    assert GOOD.count(old) == 1
    assert not takes(GOOD.replace(old, new))
    assert not accepts(GOOD.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("keep = 5", "jobs = 64"),
        ("max = 1,", "max = 1.5,"),
        ("expires = 2026-03-20", 'expires = "2026-03-20"'),
        ('owner = "o"', 'owner = "o"\nscope = "junit.xml"'),
        ('owner = "o"', 'owner = "Žofie"'),
        ('reason = "r"', 'reason = "理由"'),
        ('reason = "r"', 'reason = "½"'),
        ('"docs/x.log"', '"docs/..x/y..log"'),
    ],
)
def test_what_the_policy_takes_the_schema_takes_too(old: str, new: str) -> None:
    assert takes(GOOD.replace(old, new))
    assert accepts(GOOD.replace(old, new))


def test_the_schema_is_one_and_has_a_name() -> None:
    schema = policy_schema()
    jsonschema_rs.meta.validate(schema)
    assert schema["$id"] == SCHEMA_ID
    assert schema == json.loads(PUBLISHED.read_bytes())


def test_every_setting_says_what_it_is_for() -> None:
    schema = policy_schema()
    for definition in [schema, *schema["$defs"].values()]:
        assert definition["title"]
        assert "Attributes:" not in definition["description"]
        for name, field in definition.get("properties", {}).items():
            assert field.get("description"), name
            assert {"type": "null"} not in field.get("anyOf", ()), name


def test_examples_are_policies_themselves() -> None:
    assert {model.__name__ for model in EXAMPLES} == {"Policy", "Check", "Limit", "Waiver"}
    for model, example in EXAMPLES.items():
        TypeAdapter(model).validate_python(example)
    schema = policy_schema()
    assert schema["examples"]
    assert schema["$defs"]["Waiver"]["examples"]


def test_models_are_listed_once_and_from_the_outside() -> None:
    names = [model.__name__ for model in policy_models()]
    assert names[0] == "Policy"
    assert len(names) == len(set(names))
    assert set(policy_schema()["$defs"]) - {"Format"} == set(names) - {"Policy"}
