"""What pip was told about indexes, certificates and wheels, said again in uv's words."""

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["base_python", "cleaned", "pip_settings", "redacted", "uv_settings"]

_LINE = re.compile(r"(?P<section>:env:|global|install)\.(?P<name>[\w.-]+)=(?P<value>.*)")
_RANK = {"global": 0, "install": 1, ":env:": 2}
_TRUE = {"1", "true", "yes", "on"}

# These would send packages or modules elsewhere than into the environment that is being set up.
_MISLEADING = (
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "VIRTUAL_ENV",
    # uv does not compile; without bytecode every process pays seconds for its imports, again and again.
    "PYTHONDONTWRITEBYTECODE",
)


def base_python() -> str:
    """The interpreter below the current virtual environment: the one that pip was configured for."""
    return getattr(sys, "_base_executable", None) or sys.executable


def cleaned(environ: Mapping[str, str]) -> dict[str, str]:
    """A copy of an environment without the variables that lead installations astray."""
    return {name: value for name, value in environ.items() if name not in _MISLEADING}


def pip_settings(python: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The settings as pip itself sees them: environment before `[install]` before `[global]`.

    Returns:
        Values by pip's long option names (`index-url`, `find-links`, ...); where there is no pip to ask,
        those of the environment alone.
    """
    command = [python, "-m", "pip", "config", "list"]
    # Of all settings only pip's own must be heard here; PIP_REQUIRE_VIRTUALENV and its like stay out.
    listing = subprocess.run(command, env=cleaned(environ), text=True, capture_output=True, check=False)
    if listing.returncode:
        return {
            name[4:].lower().replace("_", "-"): value for name, value in environ.items() if name[:4] == "PIP_"
        }
    return read_listing(listing.stdout)


def read_listing(listing: str) -> dict[str, str]:
    """Read what `pip config list` prints; the strongest source of a setting wins."""
    found: dict[str, tuple[int, str]] = {}
    for match in map(_LINE.match, listing.splitlines()):
        if match is None:
            continue
        name, rank = match["name"].removeprefix(".").replace("_", "-"), _RANK[match["section"]]
        if rank >= found.get(name, (-1, ""))[0]:
            found[name] = (rank, " ".join(_unquoted(match["value"]).split()))
    return {name: value for name, (_, value) in found.items()}


def _unquoted(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (SyntaxError, ValueError):
        return value.strip("'\"")


def uv_settings(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Say pip's settings in variables of uv; what the user set for uv directly is left alone."""
    wanted = {
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_SYSTEM_CERTS": "1",
        "UV_HTTP_TIMEOUT": pip.get("timeout") or pip.get("default-timeout") or "60",
    }
    authority = pip.get("cert") or environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    if authority and Path(authority).exists():
        wanted["SSL_CERT_FILE"] = authority
    if "client-cert" in pip:
        wanted["SSL_CLIENT_CERT"] = pip["client-cert"]
    if "proxy" in pip:
        wanted["ALL_PROXY"] = pip["proxy"]
    if "index-url" in pip and "UV_INDEX_URL" not in environ:
        wanted["UV_DEFAULT_INDEX"] = pip["index-url"]
    if "extra-index-url" in pip and "UV_EXTRA_INDEX_URL" not in environ:
        wanted["UV_INDEX"] = pip["extra-index-url"]
        wanted["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip too takes the best of all indexes
    if "find-links" in pip:
        wanted["UV_FIND_LINKS"] = ",".join(pip["find-links"].split())
    if pip.get("no-index", "").lower() in _TRUE:
        wanted["UV_OFFLINE"] = "1"
    if "trusted-host" in pip:
        wanted["UV_INSECURE_HOST"] = pip["trusted-host"]
    return {name: value for name, value in wanted.items() if name not in environ}


def redacted(value: str) -> str:
    """A setting as it may be shown: without the user and password that a URL may carry."""
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", value)
