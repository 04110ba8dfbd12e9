"""Secrets leave no trace."""

import base64
import json
import re
from html import escape
from urllib.parse import quote

import pytest

from gatewright.core.redaction import REDACTED, Redactor


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("fetching https://joe:hunter22@example.org/x", "hunter22"),
        ("fetching https://s3cr3tt0ken@example.org/x", "s3cr3tt0ken"),
        ("GET /runs?access_token=abc123&page=2", "abc123"),
        ("Authorization: Bearer eyJhbGciOi.x.y", "eyJhbGciOi"),
        ("authorization=Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("Cookie: session=0123456789", "0123456789"),
        ('{"api_key": "k-123456"}', "k-123456"),
        ("--db-password=hunter22", "hunter22"),
        ("pushed with ghp_0123456789abcdefghij", "ghp_0123456789abcdefghij"),
        ("AKIAIOSFODNN7EXAMPLEX", "AKIAIOSFODNN7EXAMPLEX"),
        ("postgresql://app:p@ss-w0rd@db:5432/x", "ss-w0rd"),
        ("amqp://app:pa/ss-w0rd@queue", "ss-w0rd"),
        ('{"Authorization": "Basic dXNlcjpwYXNz"}', "dXNlcjpwYXNz"),
        ("headers={'authorization': 'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
        ("[(b'authorization', b'Basic dXNlcjpwYXNz')]", "dXNlcjpwYXNz"),
        ('Authorization: Digest username="joe", response="6629fae49393"', "6629fae49393"),
        ("sent Basic dXNlcjpwYXNz to it", "dXNlcjpwYXNz"),
        ("curl -H 'X-Auth-Token: abc123' http://x", "abc123"),
        ("Set-Cookie: sid=0123456789; Path=/; csrf=abcdef", "abcdef"),
        ('"set-cookie": "sid=0123456789; Path=/"', "0123456789"),
        ('{"password": "ab\\"cdef123"}', "cdef123"),
        ('{\\"password\\": \\"hunter22\\"}', "hunter22"),
        ("('password', 'hunter22')", "hunter22"),
        ("export DB_PASSWORD=two words, and 'more22'", "more22"),
        ("DB_PASSWORD=ab,cd;ef22", "ef22"),
        ("tool --token hunter22 --verbose", "hunter22"),
        ("curl -u joe:hunter22 http://x", "hunter22"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
        ("-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADAN\\n-----END PRIVATE KEY-----", "MIIEvQIBADAN"),
    ],
)
def test_what_looks_like_a_secret_by_its_place_is_cut_out(text: str, secret: str) -> None:
    redacted = Redactor({}).text(text)
    assert secret not in redacted
    assert REDACTED in redacted


@pytest.mark.parametrize(
    "text",
    [
        "tests/test_tokens.py::test_token_is_refused PASSED",
        "https://example.org/path?page=2",
        "12 passed, 1 skipped in 3.20s",
        "git@example.org:a/b.git",
        "http://localhost:8000/@vite/client",
        "https://example.org/@joe/page",
        "basic configuration and Basic authentication of users",
        "docker run -u 1000:1000 image",
        "the tokenizer is ready",
        "passed: 1234, bypassed=none, compass: north",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert Redactor({}).text(text) == text


def test_values_of_secret_variables_are_cut_out_wherever_they_stand() -> None:
    redactor = Redactor({"DEPLOY_TOKEN": "correct-horse", "COLOUR": "plain-text", "API_KEY": "1"})
    assert redactor.text("x=correct-horse plain-text 1") == f"x={REDACTED} plain-text 1"


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("PGPASSWORD", True),
        ("MYSQL_PWD", True),
        ("GH_PAT", True),
        ("AUTHTOKEN", True),
        ("DJANGO_SECRET_KEY", True),
        ("AWS_ACCESS_KEY_ID", True),
        ("npm_config__auth", True),
        ("PWD", False),
        ("OLDPWD", False),
        ("COMPASS", False),
        ("SSH_AUTH_SOCK", False),
        ("TOKENIZERS_PARALLELISM", False),
        ("PATH", False),
    ],
)
def test_a_variable_tells_by_its_name_that_it_holds_a_secret(name: str, *, is_secret: bool) -> None:
    assert (Redactor({name: "/some/value"}).text("at /some/value") == f"at {REDACTED}") is is_secret


SECRET = 'p@ss/w0rd+"quoted"&more'


@pytest.mark.parametrize(
    "shape",
    [
        json.dumps({"x": SECRET}),
        f"<x>{escape(SECRET)}</x>",
        quote(SECRET),
        quote(SECRET, safe=""),
        SECRET.encode().hex(),
        *(base64.b64encode(f"{user}:{SECRET}".encode()).decode() for user in ("a", "ab", "abc")),
        *(base64.urlsafe_b64encode(f"{user}:{SECRET}:x".encode()).decode() for user in ("a", "ab", "abc")),
    ],
)
def test_the_value_of_a_variable_is_cut_out_in_every_shape(shape: str) -> None:
    """Escaped for JSON, HTML or a URL, as hexadecimal digits, and wherever it stands within Base64."""
    assert REDACTED in Redactor({"DB_PASSWORD": SECRET}).text(f"it says {shape} here")


def test_the_password_of_a_url_in_a_variable_is_cut_out_also_where_it_stands_alone() -> None:
    redactor = Redactor({"DATABASE_URL": "postgresql://app:hunter%2022@db/x"})
    assert redactor.text("password hunter 22, hunter%2022") == f"password {REDACTED}, {REDACTED}"


@pytest.mark.parametrize(
    "document",
    [
        '{"tokens": 1234, "memory": 16800128000, "url": "http://a:b12345@c/", "auth": "Bearer abcdef123"}',
        '{"key": "-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n", "n": 1}',
        '{"key": "-----BEGIN PRIVATE KEY-----", "n": 1}',
        '{"text": "password=hunter22", "password": null, "secret": {"a": 1}}',
    ],
)
def test_a_document_stays_a_document(document: str) -> None:
    """Numbers, brackets and quotes stay where they are, also beside a secret and for one that is a number."""
    redacted = Redactor({"MAX_TOKENS": "128000"}).document(document)
    assert json.loads(redacted).keys() == json.loads(document).keys()
    assert not {"b12345", "abcdef123", "MIIE"} & set(re.findall(r"\w+", redacted))


def test_a_secret_that_contains_another_is_cut_out_whole() -> None:
    redactor = Redactor({"A_TOKEN": "abcdef", "B_TOKEN": "abcdefghij"})
    assert redactor.text("abcdefghij") == REDACTED


def test_the_value_behind_a_secret_flag_is_cut_out() -> None:
    argv = ["tool", "--token", "hello", "--verbose", "--password=hunter22, and", "-u", "joe:pass22", "file"]
    assert Redactor({}).argv(argv) == (
        "tool",
        "--token",
        REDACTED,
        "--verbose",
        f"--password={REDACTED}",
        "-u",
        f"joe:{REDACTED}",
        "file",
    )


@pytest.mark.thorough
@pytest.mark.parametrize(
    "piece",
    [
        *("a-", "a.", "token-", "token'", "PASSWORD=\n", "password=", "x=", "'password', '", "--token "),
        *("://", "a://b", "://a:", "://@", "a@", "-u a:", "bearer ", "basic ", "authorization: '", '\\\\"'),
        *("-----BEGIN PRIVATE KEY-----", "-----", "eyJaaaaaaaa."),
    ],
)
def test_a_hostile_line_costs_no_more_than_its_length(piece: str) -> None:
    """Ends within the time of a test; an unbounded pattern would take minutes."""
    Redactor({"A_TOKEN": "abcdef" * 10}).text(piece * 20_000)
    Redactor({}).document(piece * 20_000)
