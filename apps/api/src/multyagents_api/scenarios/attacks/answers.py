"""What every answer to an attack must be, whatever the attack was."""

from collections.abc import Iterator
from http import HTTPStatus

from gatewright.race import Response
from gatewright.suites.drill import Expectation

__all__ = ["NO_SERVER_ERROR", "allowed", "code_of", "refused", "server_errors"]

SHOWN = 120

NO_SERVER_ERROR = Expectation("no-server-error", "no request, whatever it holds, is answered with a 5xx")


def server_errors(what: str, response: Response) -> Iterator[str]:
    """A failure of the service, where there is one."""
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        yield f"{what[:SHOWN]} was answered {response.status}"


def refused(what: str, response: Response, *expected: tuple[int, str]) -> Iterator[str]:
    """Anything but a refusal with one of these statuses and codes; with any 4xx where none are given."""
    seen = (response.status, code_of(response))
    by_class = HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if not (seen in expected if expected else by_class):
        wanted = " or ".join(f"{status} {code}" for status, code in expected) or "a refusal"
        yield f"{what[:SHOWN]} was answered {seen[0]} {seen[1]}, not {wanted}".replace("  ", " ")


def allowed(what: str, response: Response) -> Iterator[str]:
    """A refusal of what is anybody's right: a drill whose every request is refused would prove nothing."""
    if not response.ok:
        yield f"{what[:SHOWN]} is fine, and was answered {response.status} {code_of(response)}"


def code_of(response: Response) -> str:
    """The stable code of a problem; empty where the answer is none."""
    body = response.json
    code = body.get("code", "") if isinstance(body, dict) else ""
    return str(code)
