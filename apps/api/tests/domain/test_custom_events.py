"""Clients tell events of a namespace of their own; the service keeps no secrets of theirs."""

import pytest

from multyagents_api.domain.errors import ReservedEventType
from multyagents_api.domain.events import EventType, custom_event_type, custom_payload
from multyagents_api.domain.redaction import REDACTED, redact_value


@pytest.mark.parametrize("name", ["custom.deploy", "custom.a.b_2.c", "custom.0", "custom.__"])
def test_the_namespace_of_clients_is_theirs(name):
    """Any lower-case words after it."""
    assert custom_event_type(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *EventType,
        "",
        "custom",
        "custom.",
        "custom..a",
        "custom.a.",
        "custom.A",
        "Custom.a",
        "custom.a b",
        "custom.é",
        "custom.a\n",
        " custom.a",
        "customs.a",
        "task.custom.a",
    ],
)
def test_everything_else_is_reserved(name):
    """No lifecycle event can be forged, nor anything that looks like one."""
    with pytest.raises(ReservedEventType):
        custom_event_type(name)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("url", "https://mia:hunter2@h/", f"https://{REDACTED}@h/"),
        ("password", "hunter2", REDACTED),
        ("DB_PASSWORD", "hunter2", REDACTED),
        ("apiKey", "hunter2", REDACTED),
        ("Authorization", "hunter2", REDACTED),
        ("tokens", "512", "512"),
        ("stage", "green", "green"),
        ("", "", ""),
        ("password", REDACTED, REDACTED),
    ],
)
def test_a_value_is_secret_by_its_shape_or_by_its_name(name, value, kept):
    """What is called a secret goes whole."""
    assert redact_value(name, value) == kept


def test_a_payload_is_kept_without_its_secrets():
    """In strings, in lists of them, and in the keys themselves; numbers stay."""
    sent = {
        "log": "TOKEN=hunter2",
        "lines": ["ok", "password: hunter2"],
        "tokens": ["a"],
        "secrets_token": ["hunter2", "hunter2"],
        "n": 2**53,
        "done": True,
        "none": None,
        "key ghp_hunter2hunter2hunter2": "x",
    }
    kept = custom_payload(sent)
    assert "hunter2" not in str(kept)
    assert kept["lines"] == ["ok", f"password: {REDACTED}"]
    assert kept["secrets_token"] == [REDACTED, REDACTED]
    assert (kept["tokens"], kept["n"], kept["done"], kept["none"]) == (["a"], 2**53, True, None)
    assert custom_payload(kept) == kept
