"""Secrets are taken out of text, what is none stays, and hostile text costs no more than its length."""

import signal

import pytest

from multyagents_api.domain.redaction import REDACTED, redact

KEY_BLOCK = "-----BEGIN {0}PRIVATE KEY-----\nMIIEvQhunter2\nabc=\n-----END {0}PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clone https://mia:hunter2@git.example/r.git failed", "clone https://{}@git.example/r.git failed"),
        ("https://hunter2@git.example/r", "https://{}@git.example/r"),
        ("postgres://u:hunt@er2@db:5432/x", "postgres://{}@db:5432/x"),
        ("GET /x?user=mia&access_token=hunter2&page=2", "GET /x?user=mia&access_token={}&page=2"),
        ("GET /x?key=hunter2#top", "GET /x?key={}#top"),
        ("https://h/x?X-Amz-Signature=hunter2", "https://h/x?X-Amz-Signature={}"),
        ("Authorization: Bearer hunter2", "Authorization: {}"),
        ("authorization=Basic aHVudGVyMg==\nnext", "authorization={}\nnext"),
        ('Authorization: Digest username="mia", response="hunter2"', "Authorization: {}"),
        ("curl -H 'Authorization: token hunter2' https://h/", "curl -H 'Authorization: {}' https://h/"),
        ("Set-Cookie: sid=hunter2; Path=/", "Set-Cookie: {}"),
        ("sent bearer hunter2, got 401", "sent bearer {}, got 401"),
        ("Basic aHVudGVyMg== refused", "Basic {} refused"),
        ("password=hunter2 refused", "password={} refused"),
        ("DB_PASSWORD = hunter2", "DB_PASSWORD = {}"),
        ("PASSWORD: 'hunter2 and more', user: mia", "PASSWORD: '{}', user: mia"),
        (r'{"api_key": "hun\"ter2", "user": "mia"}', '{{"api_key": "{}", "user": "mia"}}'),
        (r"{\"token\": \"hunter2\", \"n\": 1}", r"{{\"token\": \"{}\", \"n\": 1}}"),
        ("apiKey=hunter2", "apiKey={}"),
        ("client-secret => hunter2", "client-secret => {}"),
        ("AWS_SECRET_ACCESS_KEY=hunter2/x+y", "AWS_SECRET_ACCESS_KEY={}"),
        ("SECRET_KEY_BASE=hunter2", "SECRET_KEY_BASE={}"),
        ("deploy --token hunter2 --force", "deploy --token {} --force"),
        ("mysql --user=mia --db-password 'hunter2'", "mysql --user=mia --db-password '{}'"),
        ("ghp_hunter2hunter2hunter2", "{}"),
        ("(github_pat_hunter2_hunter2_hunter2)", "({})"),
        ("sk-proj-hunter2hunter2hunter2", "{}"),
        ("used AKIAHUNTER2HUNTER22.", "used {}."),
        ("xoxb-1234-hunter2hunter2", "{}"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.hunter2-_", "{}"),
        (KEY_BLOCK.format("") + " end", "{} end"),
        (KEY_BLOCK.format("RSA "), "{}"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\\nhunter2", "{}"),
    ],
)
def test_a_secret_is_taken_out_and_the_rest_stays(text, expected):
    """The place of the secret can still be seen; redacting again changes nothing."""
    told = redact(text)
    assert told == expected.format(REDACTED)
    assert "hunter2" not in told.lower()
    assert redact(told) == told


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2 of 14 tests failed in 3.2 s: see https://ci.example/jobs/17?page=2#log",
        "used 512 tokens: 480 in, 32 out; max_tokens=4096",
        "mail mia@example.com, or ssh git@example.com:team/repo.git",
        "a basic test of the task-runner on disk-0123456789abcdef0",
        "commit 0b86d12f0b86d12f0b86d12f0b86d12f0b86d12f",
        "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----",
        "日本語 🎉 <b>{task_id}</b>",
    ],
)
def test_what_is_no_secret_stays(text):
    """Ordinary messages come through as they are."""
    assert redact(text) == text


@pytest.mark.thorough
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "-",
        " ",
        "\\",
        '"',
        "@",
        "://",
        "://a",
        "://:@",
        "eyJ",
        "eyJaaaaaaaa.",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY",
        "-----BEGIN " + "A" * 40,
        "token",
        "token_",
        "token-" * 8,
        "token=",
        "token ",
        'token="\\',
        "--a",
        "--" + "a-" * 25,
        "--token ",
        "?key",
        "&" + "a" * 41,
        "bearer ",
        "bearer",
        "basic aaaa",
        "authorization",
        "authorization: ",
        "cookie:\\",
        "secret_key" + " " * 8,
        "ghp_",
        "ghp_aaaa ",
        "xoxb-",
        "sk-",
        "AKIA",
    ],
)
def test_hostile_text_costs_no_more_than_its_length(piece):
    """A pattern that took the square of a length would take minutes here; the alarm ends it before."""

    def too_long(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(30)
    try:
        redact(piece * (300_000 // len(piece)))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
