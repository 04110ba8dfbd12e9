"""Pip's settings reach uv in its own words."""

from pathlib import Path

import pytest
from bootstrap.settings import cleaned, read_listing, redacted, uv_settings

LISTING = r"""
:env:.find-links='/wheels'
global.cert='/etc/ca.pem'
global.extra-index-url='\nhttps://one.example/simple\nhttps://two.example/simple'
global.find-links='/elsewhere'
global.timeout='15'
install.timeout='30'
global.no_index='false'
something else that pip may say
"""


def test_the_strongest_source_of_a_setting_wins():
    """Environment before `[install]` before `[global]`, in whatever order pip prints them."""
    settings = read_listing(LISTING)
    assert settings["find-links"] == "/wheels"
    assert settings["timeout"] == "30"


def test_values_over_several_lines_become_words():
    """Pip's files list several indexes on lines of their own; uv wants them with spaces between."""
    expected = "https://one.example/simple https://two.example/simple"
    assert read_listing(LISTING)["extra-index-url"] == expected


def test_names_with_underscores_are_the_same_settings():
    """`no_index` in a file is `--no-index`."""
    assert read_listing(LISTING)["no-index"] == "false"


@pytest.mark.parametrize(
    ("pip", "uv"),
    [
        ({}, {"UV_SYSTEM_CERTS": "1", "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}),
        ({"index-url": "https://i.example/simple"}, {"UV_DEFAULT_INDEX": "https://i.example/simple"}),
        ({"extra-index-url": "a b"}, {"UV_INDEX": "a b", "UV_INDEX_STRATEGY": "unsafe-best-match"}),
        ({"find-links": "/a /b"}, {"UV_FIND_LINKS": "/a,/b"}),
        ({"no-index": "true"}, {"UV_OFFLINE": "1"}),
        ({"trusted-host": "i.example"}, {"UV_INSECURE_HOST": "i.example"}),
        ({"proxy": "http://p.example:3128"}, {"ALL_PROXY": "http://p.example:3128"}),
        ({"default-timeout": "180"}, {"UV_HTTP_TIMEOUT": "180"}),
    ],
)
def test_each_setting_has_its_word_in_uv(pip, uv):
    """A setting that pip honours and uv would not know is said to uv as well."""
    assert uv_settings(pip, {}).items() >= uv.items()


def test_no_index_that_is_off_leaves_uv_online():
    """`no-index = false` is a way to say: use the index."""
    assert "UV_OFFLINE" not in uv_settings({"no-index": "false"}, {})


def test_what_the_user_told_uv_is_left_alone():
    """A variable of uv's own outranks a setting of pip's."""
    told = {
        "UV_DEFAULT_INDEX": "https://mine.example",
        "SSL_CERT_FILE": "/mine.pem",
        "UV_EXTRA_INDEX_URL": "x",
    }
    settings = {
        "index-url": "https://pip.example",
        "cert": __file__,
        "extra-index-url": "https://pip2.example",
    }
    assert not {"UV_DEFAULT_INDEX", "SSL_CERT_FILE", "UV_INDEX"} & uv_settings(settings, told).keys()


@pytest.mark.parametrize("source", ["cert", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_are_found_wherever_pip_finds_them(source):
    """Behind a proxy of their own, people name the authority once, for pip."""
    pip, environ = ({source: __file__}, {}) if source == "cert" else ({}, {source: __file__})
    assert uv_settings(pip, environ)["SSL_CERT_FILE"] == __file__


def test_a_certificate_that_is_not_there_is_not_passed_on(tmp_path: Path):
    """Uv would refuse to work at all."""
    assert "SSL_CERT_FILE" not in uv_settings({"cert": str(tmp_path / "gone.pem")}, {})


def test_variables_that_mislead_an_installation_are_taken_out():
    """With PIP_USER=1 or a foreign PYTHONPATH packages would land, or be found, elsewhere."""
    environ = {"PIP_USER": "1", "PYTHONPATH": "/x", "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/bin"}
    assert cleaned(environ) == {"PATH": "/bin"}


def test_passwords_in_urls_are_not_shown():
    """What the doctor prints is pasted into issues."""
    shown = redacted("https://user:secret@i.example/simple https://plain.example/simple")
    assert shown == "https://***@i.example/simple https://plain.example/simple"
