"""A local runner that is handed directories outside of its roots, and a directory that is swapped in time."""

import base64
import http.client
import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from gatewright.execution.server import ServerProcess
from gatewright.suites.drill import Drill, Expectation, Logbook, NotHere
from multyagents_api.scenarios.attacks.paths import tree
from multyagents_api.scenarios.attacks.symlinks import exchanged
from multyagents_api.scenarios.attacks.target import Target
from multyagents_api.scenarios.topology import clean_environment

__all__ = ["runner_confinement"]

WORKS_INSIDE = Expectation(
    "works-inside",
    "a command works in a root of its runner or not at all, also where that was swapped in time",
)
ASKS_WHO = Expectation("asks-who-submits", "nobody without the runner's secret hands it anything")
CLEAN = Expectation("clean-environment", "a command is told neither the runner's token nor its secret")

PATIENCE_S = 30.0
POLL_S = 0.02
WAIT_FOR_GO = ["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done"]
WRITE = ["sh", "-c", "echo out > escaped; env"]


def runner_confinement(target: Target) -> Drill:
    """The drill against a local runner of its own, which calls the target back."""
    return Drill(
        "runner-confinement",
        "hands a local runner directories outside of its roots, by symlinks, '..' and absolute paths, and "
        "swaps one for a symlink after it was taken and before it is worked in; a command that is executed "
        "may then do what the user of the runner may do",
        (WORKS_INSIDE, ASKS_WHO, CLEAN),
        lambda log: run(target, log),
    )


def run(target: Target, log: Logbook) -> None:
    """Start a runner, and hand it what it must not take.

    Raises:
        NotHere: this system can't tell where an open directory lies.
    """
    if sys.platform != "linux":
        raise NotHere("the local runner confines commands on Linux alone")
    base = target.folder / target.name("confined")
    root, outside = base / "root", base / "outside"
    for folder in (root / "first", root / "second", outside / "deep"):
        folder.mkdir(parents=True)
    secret = f"api:{secrets.token_hex(16)}"
    with local_runner(target, root, secret) as url:
        confinement = Confinement(target, log, url, secret)
        before = tree(outside)
        confinement.refuse(root, outside)
        confinement.swap(root, outside)
        confinement.look(root / "first", secret)
        changed = sorted(before.items() ^ tree(outside).items())
        log.expect("works-inside", (f"outside of the root, {path} was changed" for path, _ in changed))


class Confinement:
    """One course of the drill, with a runner that executes one command at a time."""

    def __init__(self, target: Target, log: Logbook, url: str, secret: str) -> None:
        self._target = target
        self._log = log
        self._address = url.removeprefix("http://")
        self._secret = secret

    def refuse(self, root: Path, outside: Path) -> None:
        """Directories that lie elsewhere; and one inside, from somebody who does not know the secret."""
        (root / "link").symlink_to(outside)
        (root / "up").symlink_to("..")
        for place in (
            outside,
            root / "link",
            root / "link/deep",
            root / "up",
            f"{root}/../outside",
            "/",
            "first",
        ):
            status = self._submit(place, WRITE, self._dispatched())
            refused = [] if status == HTTPStatus.UNPROCESSABLE_ENTITY else [f"{place} was answered {status}"]
            self._log.expect("works-inside", refused)
        for wrong in ("", "api:wrong", f"{self._secret}x"):
            status = self._submit(root / "first", WRITE, self._dispatched(), secret=wrong)
            refused = [] if status == HTTPStatus.UNAUTHORIZED else [f"a wrong secret was answered {status}"]
            self._log.expect("asks-who-submits", refused)

    def swap(self, root: Path, outside: Path) -> None:
        """A directory is swapped while the attempt that was accepted with it waits for its turn."""
        first, second = self._dispatched(), self._dispatched()
        self._accepted(self._submit(root / "first", WAIT_FOR_GO, first))
        self._until(first, "running")
        self._accepted(self._submit(root / "second", WRITE, second))
        self._log.note("the directory of a waiting attempt is swapped")
        with exchanged(root / "second", outside):
            (root / "first" / "go").touch()
            self._until(first, "success")
            task = self._until(second, "failed", "success")
        executed = ["a command was executed in a swapped directory"] if task["status"] == "success" else []
        self._log.expect("works-inside", executed)

    def look(self, folder: Path, secret: str) -> None:
        """What a command finds in its environment."""
        attempt = self._dispatched()
        self._accepted(self._submit(folder, WRITE, attempt))
        self._until(attempt, "success")
        [output] = self._target.operator.get(f"/artifacts?task_id={attempt}")["items"]
        text = self._target.operator.get(f"/artifacts/{output['id']}")["content"]
        if f"MULTYAGENTS_TASK_ID={attempt}" not in text:
            self._log.doubt("the command did not tell its environment")
        hidden = {
            "token": self._target.tokens["runner"],
            "secret": secret.partition(":")[2],
            "name of the token": "MULTYAGENTS_TOKEN",
            "name of the secret": "MULTYAGENTS_RUNNER_SECRET",
        }
        found = [f"a command sees the {what} of its runner" for what, word in hidden.items() if word in text]
        self._log.expect("clean-environment", found)

    def _dispatched(self) -> str:
        """The id of a task in its first attempt."""
        run = self._target.make_run({"step_id": "a"})
        return str(self._target.dispatch(run["id"])["task_id"])

    def _submit(
        self, place: Path | str, command: Sequence[str], task: str, *, secret: str | None = None
    ) -> int:
        """How the runner answers a submission, as the API would make it."""
        body = {
            "run_id": "1",
            "task_id": task,
            "attempt": 1,
            "step_id": "a",
            "prompt": "",
            "command": command,
            "project_root": str(place),
            "timeout_s": int(PATIENCE_S),
        }
        proof = base64.b64encode((self._secret if secret is None else secret).encode()).decode()
        headers = {"authorization": f"Basic {proof}", "content-type": "application/json"}
        connection = http.client.HTTPConnection(self._address, timeout=PATIENCE_S)
        try:
            connection.request("POST", "/tasks/submit", json.dumps(body), headers)
            status = connection.getresponse().status
        finally:
            connection.close()
        self._log.repeated()
        return status

    def _accepted(self, status: int) -> None:
        """What lies inside is taken, or else a refusal proves nothing."""
        if status != HTTPStatus.ACCEPTED:
            self._log.doubt(f"a directory inside was answered {status}")

    def _until(self, task: str, *statuses: str) -> Any:
        """The task in one of these statuses, or as it is when patience is at its end."""
        found: dict[str, Any] = {}

        def met() -> bool:
            found.update(self._target.operator.get(f"/tasks/{task}"))
            return found["status"] in statuses

        if not within(PATIENCE_S, met):
            self._log.doubt(
                f"a task is {found['status']}, not {' or '.join(statuses)}, after {PATIENCE_S:g} s"
            )
        return found


@contextmanager
def local_runner(target: Target, root: Path, secret: str) -> Iterator[str]:
    """The URL of a runner with one slot, which works in one root."""
    port_file, log = root.parent / "runner.port", root.parent / "runner.log"
    flags = ("--api", target.base_url, "--root", str(root), "--slots", "1", "--port", "0")
    settings = {"MULTYAGENTS_TOKEN": target.tokens["runner"], "MULTYAGENTS_RUNNER_SECRET": secret}
    environment: Mapping[str, str] = {**clean_environment(), **settings}
    with ServerProcess(
        (*target.command, "runner", *flags, "--port-file", str(port_file)),
        port_file=port_file,
        env=environment,
        log=log,
    ) as server:
        yield server.base_url


def within(patience_s: float, met: Callable[[], bool]) -> bool:
    """Whether a condition is met before patience is at its end."""
    deadline = time.monotonic() + patience_s
    while not met():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
