"""Requests are encoded once, and no answer can write headers of ours."""

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.load import Origin, RequestTemplate

ORIGIN = Origin("127.0.0.1", 8000)


def test_a_template_is_a_whole_request():
    """Path, host, length and body stand where HTTP/1.1 wants them."""
    request = RequestTemplate("POST", "/runs/{}/go", ORIGIN, body={"attempt": 1}).fill("17").encoded
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /runs/17/go HTTP/1.1\r\nhost: 127.0.0.1:8000\r\n")
    assert b"content-length: 13" in head
    assert body == b'{"attempt":1}'


def test_an_empty_post_says_so():
    """A POST without body has length 0; a GET has none."""
    assert b"content-length: 0" in RequestTemplate("POST", "/x", ORIGIN).fill().encoded
    assert b"content-length" not in RequestTemplate("GET", "/x", ORIGIN).fill().encoded


def test_an_id_is_escaped():
    """Line breaks and slashes of a hostile answer stay inside the path segment."""
    request = RequestTemplate("GET", "/runs/{}", ORIGIN).fill("1 HTTP/1.1\r\nx: y/../é").encoded
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
        "ftp://localhost",
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


def test_an_origin_behind_tls_has_its_own_port():
    """443 unless it is named."""
    origin = Origin.parse("https://localhost")
    assert origin == Origin("localhost", 443, secure=True)
    assert origin.url == "https://localhost:443"


def test_headers_are_sent_in_lower_case():
    """A token goes along with every request of the template."""
    request = RequestTemplate("GET", "/x?y=1", ORIGIN, headers={"Authorization": "Bearer a"}).fill()
    assert b"\r\nauthorization: Bearer a\r\n" in request.encoded
    assert request.target == "/x?y=1"
    assert ("authorization", "Bearer a") in request.headers


@pytest.mark.parametrize("headers", [{"a b": "c"}, {"": "c"}, {"a": "b\r\nc: d"}, {"a": "\u20ac"}])
def test_a_header_that_would_break_the_message_is_refused(headers):
    """Neither its name nor its value may end the line."""
    with pytest.raises(ConfigurationError, match="can't be sent"):
        RequestTemplate("GET", "/", ORIGIN, headers=headers)


@pytest.mark.parametrize("path", ["", "x", "/a b", "/\r\n", "/\u00fc"])
def test_a_path_that_would_break_the_message_is_refused(path):
    """Paths are escaped by whoever writes them."""
    with pytest.raises(ConfigurationError, match="no path"):
        RequestTemplate("GET", path, ORIGIN)
