"""Requests are encoded once, and no answer can write headers of ours."""

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.load import Origin, RequestTemplate

ORIGIN = Origin("127.0.0.1", 8000)


def test_a_template_is_a_whole_request():
    """Path, host, length and body stand where HTTP/1.1 wants them."""
    request = RequestTemplate("POST", "/runs/{}/go", ORIGIN, body={"attempt": 1}).fill("17")
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /runs/17/go HTTP/1.1\r\nhost: 127.0.0.1:8000\r\n")
    assert b"content-length: 13" in head
    assert body == b'{"attempt":1}'


def test_an_empty_post_says_so():
    """A POST without body has length 0; a GET has none."""
    assert b"content-length: 0" in RequestTemplate("POST", "/x", ORIGIN).fill()
    assert b"content-length" not in RequestTemplate("GET", "/x", ORIGIN).fill()


def test_an_id_is_escaped():
    """Line breaks and slashes of a hostile answer stay inside the path segment."""
    request = RequestTemplate("GET", "/runs/{}", ORIGIN).fill("1 HTTP/1.1\r\nx: y/../é")
    assert request.startswith(b"GET /runs/1%20HTTP%2F1.1%0D%0Ax%3A%20y%2F..%2F%C3%A9 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:1/", True),
        ("http://[::1]:9", True),
        ("http://10.0.0.1:80", False),
        ("http://127.0.0.1.example.org:80", False),
    ],
)
def test_loopback_is_told_by_address(url, loopback):
    """Only this machine's own addresses and the name localhost count."""
    assert Origin.parse(url).is_loopback is loopback


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:80",
        "https://localhost",
        "http://",
        "http://a:b",
        "http://a:99999",
        "http://a/x",
        "http://u@a",
        "http://a b",
    ],
)
def test_what_is_no_origin_is_refused(url):
    """One line shows what was given."""
    with pytest.raises(ConfigurationError):
        Origin.parse(url)


def test_an_ipv6_authority_is_bracketed():
    """As RFC 9110 wants it."""
    assert Origin.parse("http://[::1]:9").authority == "[::1]:9"
