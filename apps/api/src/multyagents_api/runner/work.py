"""Doing one attempt: tell that it runs, execute it, keep its output, tell how it ended."""

import asyncio
import logging
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals
from typing import Any

from multyagents_api.runner.attempts import Attempts, Held, Why
from multyagents_api.runner.confinement import OutsideRoots, base_environment, open_directory
from multyagents_api.runner.execution import Command, Ending, How, execute
from multyagents_api.runner.local_settings import LocalSettings
from multyagents_api.runner.reporting import Answer, ApiClient
from multyagents_api.runner.results import InvalidResult, read_result
from multyagents_api.runner.submitted import Submitted

__all__ = ["Report", "Worker"]

MOST_MESSAGE_CHARACTERS = 2_000
CONFLICT, NOT_FOUND = 409, 404
_SECRET_NAME = re.compile("key|token|secret|pass|pwd|credential|auth", re.IGNORECASE)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """How an attempt ended, as a callback tells it; `more` is what the command itself said of it."""

    status: str
    message: str | None = None
    category: str | None = None
    output: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """The fields of the callback but for attempt and key."""
        told = {"message": self.message, "failure_category": self.category, **self.more}
        return {"status": self.status, **{name: value for name, value in told.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class Worker:
    """Does attempts, one at a time; `own` is the environment of the runner."""

    settings: LocalSettings
    api: ApiClient
    attempts: Attempts
    own: Mapping[str, str]

    async def go_on(self) -> None:
        """Do what is queued, until canceled; whatever happens to one attempt, the next is done."""
        while True:
            await self.do(await self.attempts.queue.get())

    async def do(self, held: Held) -> None:
        """Do one attempt to its end, and let the API know."""
        try:
            await self._do(held)
        except Exception as defect:  # noqa: BLE001 - nobody else would hear of it
            _log.exception("%s could not be done", held.work.name)
            problem = f"the runner failed: {type(defect).__name__}"
            await self._tell_end(held, Report("failed", problem, "runner-error"))
        finally:
            self.attempts.forget(held)

    async def _do(self, held: Held) -> None:
        if held.why is None:
            answer = await self._unless_stopped(held, self._tell(held.work, {"status": "running"}))
            if answer is not None and not answer.accepted:
                # Canceled in between: the end of the attempt is still wanted. Otherwise nothing is.
                held.end(Why.CANCELED if answer.code == "illegal_transition" else Why.LOST)
        report = await self._executed(held) if held.why is None else _unstarted(held.why)
        if held.why is not Why.LOST:
            await self._keep_output(held, report)
            await self._tell_end(held, report)

    async def _executed(self, held: Held) -> Report:
        """Execute, in directories that are gone afterwards."""
        async with _private_folder(self.settings.state, held.work) as private:
            try:
                directory = self._directory(held.work, private)
            except (OSError, OutsideRoots) as error:
                return Report("failed", f"the command was not started: {error}", "not-started")
            try:
                ending = await execute(self._command(held.work, directory, private), held.stop)
            finally:
                os.close(directory)
            return self._report(held, ending, private)

    def _directory(self, work: Submitted, private: Path) -> int:
        if work.project_root is None:
            return open_directory(str(private / "work"), [private.resolve()])
        return open_directory(work.project_root, self.settings.roots)

    def _command(self, work: Submitted, directory: int, private: Path) -> Command:
        told = {
            "MULTYAGENTS_RUN_ID": work.run_id,
            "MULTYAGENTS_TASK_ID": work.task_id,
            "MULTYAGENTS_STEP_ID": work.step_id,
            "MULTYAGENTS_ATTEMPT": str(work.attempt),
            "MULTYAGENTS_SUBMISSION": str(private / "submission.json"),
            "MULTYAGENTS_RESULT": str(private / "result.json"),
        }
        return Command(
            words=work.command or self.settings.agent_command,
            directory=directory,
            environment={**base_environment(self.own, self.settings.environment, private), **told},
            prompt=work.prompt,
            timeout_s=work.timeout_s or self.settings.timeout_s,
            grace_s=self.settings.grace_s,
        )

    def _report(self, held: Held, ending: Ending, private: Path) -> Report:
        output = ending.output.text(self._secrets())
        if ending.how is How.STOPPED:
            stopped = _unstarted(held.why or Why.LOST)
            return Report(stopped.status, stopped.message, stopped.category, output)
        try:
            more = read_result(private / "result.json")
        except InvalidResult as invalid:
            return Report("failed", str(invalid), "invalid-result", output)
        message, category = _failure(ending, held.work.timeout_s or self.settings.timeout_s)
        return Report("success" if category is None else "failed", message, category, output, more)

    def _secrets(self) -> list[str]:
        """What must stand in no output, word for word: ours, and what commands are given under such names."""
        named = [self.own.get(name, "") for name in self.settings.environment if _SECRET_NAME.search(name)]
        own = [self.settings.token, *self.settings.secret.split(":", 1)[1:]]
        return sorted((secret for secret in {*own, *named} if secret), key=len, reverse=True)

    async def _keep_output(self, held: Held, report: Report) -> None:
        """Keep what the command printed as an artifact; without one, the attempt ends all the same."""
        if report.output is None:
            return
        work = held.work
        artifact = {
            "task_id": work.task_id,
            "attempt": work.attempt,
            "type": "text",
            "name": "output",
            "content": report.output,
        }
        answer = await self.api.insist("/artifacts", artifact)
        if not answer.accepted:
            _log.warning("the output of %s is not kept: %s", work.name, answer.detail)

    async def _tell_end(self, held: Held, report: Report) -> None:
        answer = await self._tell(held.work, report.fields())
        if answer.accepted or answer.status in {CONFLICT, NOT_FOUND}:
            return
        # Quality gates that were not reported, a hand-off that names what is not there, and the like.
        refused = Report("failed", answer.detail[:MOST_MESSAGE_CHARACTERS], "invalid-result")
        answer = await self._tell(held.work, refused.fields())
        if not answer.accepted:
            _log.error("the end of %s was refused: %s", held.work.name, answer.detail)

    async def _tell(self, work: Submitted, fields: Mapping[str, Any]) -> Answer:
        """Call back until that is heard; the key makes repetitions harmless."""
        key = f"{work.attempt}-{fields['status']}"
        body = {"attempt": work.attempt, "idempotency_key": key, **fields}
        return await self.api.insist(f"/runner/tasks/{work.task_id}/status", body)

    async def _unless_stopped(self, held: Held, telling: Awaitable[Answer]) -> Answer | None:
        """An answer, or None where the attempt is to end before there is one."""
        told, stopping = asyncio.ensure_future(telling), asyncio.ensure_future(held.stop.wait())
        try:
            await asyncio.wait({told, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return told.result() if told.done() else None
        finally:
            told.cancel()
            stopping.cancel()


@asynccontextmanager
async def _private_folder(state: Path, work: Submitted) -> AsyncIterator[Path]:
    """Directories that are this attempt's alone, and the whole submission in a file."""
    folder = Path(tempfile.mkdtemp(prefix=f"{work.task_id}-{work.attempt}-", dir=state))
    try:
        for name in ("home", "tmp", "work"):
            (folder / name).mkdir(mode=0o700)
        (folder / "submission.json").write_text(work.model_dump_json())
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _unstarted(why: Why) -> Report:
    """The end of an attempt that its runner ended, or never began."""
    if why is Why.RUNNER_STOPPING:
        return Report("failed", "the runner was stopped", "runner-stopping")
    return Report("canceled", "canceled")


def _failure(ending: Ending, timeout_s: float) -> tuple[str | None, str | None]:
    """What to say of the end of a command, and its category; None for both where all went well."""
    if ending.how is How.TIMED_OUT:
        return f"the command was stopped after {timeout_s:g} s", "timeout"
    if ending.how in {How.NOT_STARTED, How.UNKNOWN} or ending.exit_code is None:
        category = "not-started" if ending.how is How.NOT_STARTED else "runner-error"
        return f"the command has no result: {ending.problem}", category
    if ending.exit_code < 0:
        return f"the command was ended by {_signal(-ending.exit_code)}", "signal"
    if ending.exit_code > 0:
        return f"the command ended with exit code {ending.exit_code}", "exit-code"
    return None, None


def _signal(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
