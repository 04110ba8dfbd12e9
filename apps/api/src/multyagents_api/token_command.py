"""`python -m multyagents_api token`: tokens are made, listed and revoked by whoever can open the database.

Also the first token of all, which a server that only its own machine reaches makes by itself.
"""

import argparse
import asyncio
import re
import shlex
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from multyagents_api.bootstrap import InvalidSettings, Settings, open_storage, parse_database
from multyagents_api.domain.access import AccessRole, Token, is_subject
from multyagents_api.domain.errors import NotFound
from multyagents_api.service.access import Tokens
from multyagents_api.service.ports import SystemClock

__all__ = ["Door", "add_token_command", "let_somebody_in"]

LOCAL = "local"
"""Whom the first token is for."""

PAGE = 500
LONGEST_S = 36_500 * 86_400
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

EPILOG = """\
A token is shown once; the database keeps a digest of it. Servers get to know a revocation within 5 s.

roles:
  operator  starts, dispatches, reruns, pauses and ends runs; describes projects, roles, templates
  reviewer  approves and rejects, but never what they asked for themselves
  observer  reads; operators and reviewers do so too
  runner    reports on tasks, and keeps what they produced

example:
  python -m multyagents_api token create --subject mia --role reviewer --expires-in 30d
"""

GREETING = """\
multyagents: the database has no tokens yet. Here is one of subject local with all roles, shown only now:
  {token}
use it:       curl -H 'Authorization: Bearer {token}' http://{address}/workflow-runs
make others:  {command}
Nobody decides an approval of their own request: for approvals, make a token of another subject.
"""


def add_token_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `token` and its verbs to the command line; what it leads to is called `run`."""
    token = commands.add_parser(
        "token",
        help="make, list and revoke tokens",
        description="Make, list and revoke the tokens by which others use the API.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = token.add_subparsers(dest="verb", required=True, metavar="VERB")
    create = verbs.add_parser("create", help="make a token, and print it")
    create.add_argument("--subject", type=subject, required=True, metavar="NAME", help="whose token it is")
    create.add_argument(
        "--role", choices=list(AccessRole), action="append", required=True, help="what they may; repeat it"
    )
    create.add_argument("--expires-in", type=lifetime, metavar="TIME", help="30d, 12h, 90m; never by default")
    create.set_defaults(run=lambda options: with_tokens(options, lambda tokens: create_one(tokens, options)))
    every = verbs.add_parser("list", help="list all tokens, without what would let anybody use them")
    every.set_defaults(run=lambda options: with_tokens(options, list_all))
    revoke = verbs.add_parser("revoke", help="end a token")
    revoke.add_argument(
        "id", type=token_id, metavar="ID", help="the number in mya_ID_..., as `list` shows it"
    )
    revoke.set_defaults(run=lambda options: with_tokens(options, lambda tokens: end_one(tokens, options)))
    for verb in (create, every, revoke):
        verb.add_argument("--database", metavar="FILE", help="the SQLite file, or a postgresql:// URL")


def with_tokens(options: argparse.Namespace, use: Callable[[Tokens], Awaitable[None]]) -> None:
    """Do something with the tokens of the database that the options or the environment name."""
    settings = Settings.from_environment()
    if options.database is not None:
        settings = replace(settings, database=parse_database(options.database))

    async def opened() -> None:
        storage = open_storage(settings)
        try:
            await use(Tokens(storage, SystemClock()))
        finally:
            await storage.aclose()

    asyncio.run(opened())


async def create_one(tokens: Tokens, options: argparse.Namespace) -> None:
    """Make a token, and print nothing but it."""
    issued = await tokens.create(options.subject, map(AccessRole, options.role), options.expires_in)
    sys.stdout.write(f"{issued.text}\n")


async def list_all(tokens: Tokens) -> None:
    """Print a line for each token."""
    now = SystemClock().now()
    lines = [("ID", "SUBJECT", "ROLES", "CREATED", "EXPIRES", "STATE")]
    after, more = 0, True
    while more:
        page = await tokens.page(after=after, limit=PAGE)
        lines += [described(token, now) for token in page.items]
        after, more = (page.items[-1].id if page.items else after), page.has_more
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write(f"{text.rstrip()}\n")


async def end_one(tokens: Tokens, options: argparse.Namespace) -> None:
    """End a token.

    Raises:
        InvalidSettings: there is none of that number.
    """
    try:
        await tokens.revoke(options.id)
    except NotFound as unknown:
        raise InvalidSettings(f"{unknown} `token list` shows those that there are.") from None


@dataclass(frozen=True, slots=True)
class Door:
    """Where a server can be reached, whether only from its own machine, and which database it serves."""

    host: str
    port: int
    database: Path | str
    only_this_machine: bool

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def create_command(self, role: str) -> str:
        """How to make a token for it; a URL may hold a password, and stays in the environment."""
        command = f"python -m multyagents_api token create --subject NAME --role {role}"
        if isinstance(self.database, Path):
            return f"{command} --database {shlex.quote(str(self.database))}"
        return command


async def let_somebody_in(tokens: Tokens, door: Door) -> None:
    """See to it that there is a token when a server starts; where only its machine reaches it, make one.

    Raises:
        InvalidSettings: there is none, and others reach the server.
    """
    if door.only_this_machine:
        issued = await tokens.create_first(LOCAL, AccessRole)
        if issued is not None:
            command = door.create_command("ROLE")
            sys.stderr.write(GREETING.format(token=issued.text, address=door, command=command))
            sys.stderr.flush()
    elif not await tokens.exist():
        raise InvalidSettings(
            "nobody could use the API: its database has no tokens; make one:"
            f" {door.create_command('operator')}"
        )


def described(token: Token, now: datetime) -> tuple[str, str, str, str, str, str]:
    """The cells of a token's line."""
    state = "valid" if token.stands(now) else "expired" if token.revoked_at is None else "revoked"
    expires = "never" if token.expires_at is None else f"{token.expires_at:%Y-%m-%d %H:%M}Z"
    roles = ",".join(role for role in AccessRole if role in token.roles)
    return str(token.id), token.subject, roles, f"{token.created_at:%Y-%m-%d %H:%M}Z", expires, state


def subject(text: str) -> str:
    """Whom a token is for."""
    if not is_subject(text):
        raise argparse.ArgumentTypeError("a subject is a line of 1 to 200 printable characters")
    return text


def lifetime(text: str) -> timedelta:
    """How long a token stands: a number of seconds, minutes, hours, days or weeks."""
    match = re.fullmatch(r"([1-9][0-9]{0,9})([smhdw])", text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError("a lifetime reads 30d, 12h or 90m, and is at most 36500d")
    return timedelta(seconds=seconds)


def token_id(text: str) -> int:
    """The number of a token."""
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text):
        raise argparse.ArgumentTypeError("an id is a number, as `token list` shows it")
    return int(text)
