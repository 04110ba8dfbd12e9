"""Drills that take the runner away from a running service, or turn its clock while it waits for one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gatewright.suites.drill import Logbook
from multyagents_api.scenarios.api_client import ApiClient
from multyagents_api.scenarios.bare_runner import BareRunner
from multyagents_api.scenarios.chaos.crowd import (
    GaveUp,
    Journal,
    Repeating,
    await_condition,
    prepare_template,
)
from multyagents_api.scenarios.chaos.expectations import (
    ANSWERS_IN_TIME,
    DELIVERED_ONCE,
    NO_SURVIVORS,
    OTHERS_GO_ON,
    STALE_IS_REFUSED,
    expect_ready,
    late,
    lost_attempts,
    observe_all,
    recovering,
)
from multyagents_api.scenarios.chaos.stage import Stage
from multyagents_api.scenarios.oracles.runs import DISPATCHED
from multyagents_api.scenarios.proxy import Proxy
from multyagents_api.scenarios.skewed_server import VARIABLE
from multyagents_api.scenarios.topology import Topology, clean_environment, free_ports
from multyagents_api.scenarios.withholding_runner import Attempt, WithholdingRunner

__all__ = ["jump_clock", "kill_runner", "lose_runner"]

CONFLICT = 409
HOUR_S = 3600
START_S = 60.0
LEASE_S = 2
HOLDING = 'while test -e {held}; do : > {held}."$MULTYAGENTS_TASK_ID"; sleep 0.05; done'
"""A command that goes on while a file is there, and says that it does."""

RIVALS_WITHIN_S = 1.0
"""Deliveries of one attempt that come so fast one after the other were not for want of an answer."""


@contextmanager
def runner_behind_a_line() -> Iterator[tuple[WithholdingRunner, Proxy]]:
    """A runner, and the network to it."""
    with WithholdingRunner() as runner, Proxy(runner.port) as line:
        yield runner, line


def settings_of(line: Proxy) -> dict[str, str]:
    """What lets the service submit over that line."""
    return {
        "MULTYAGENTS_RUNNER": "http",
        "MULTYAGENTS_RUNNER_URL": f"http://127.0.0.1:{line.port}",
    }


def lose_runner(log: Logbook, stage: Stage) -> None:
    """Let the runner refuse, then be silent, while runs are active; two processes sweep one outbox."""
    with (
        runner_behind_a_line() as (runner, line),
        stage.topology(apis=2, settings=settings_of(line)) as topology,
    ):
        clients = [topology.client(index, timeout_s=stage.amount.longest_s) for index in range(2)]
        with recovering(log), stage.crowd(topology, runner.has_done) as crowd:
            for moment in stage.moments("lose-runner"):
                seen = crowd.await_answers(moment)
                log.note(f"the runner refuses every connection after {seen} answers")
                line.cut()
                crowd.await_pending(stage.amount.clients)
                log.note(f"{stage.amount.clients} dispatches were answered 'pending'")
                serve_the_rest(log, stage, clients)
                log.note("the runner takes connections and is silent")
                line.heal()
                line.silence()
                serve_the_rest(log, stage, clients)
                line.cut()  # what it was sent meanwhile is lost
                line.heal()
                log.note("the runner is back")
                crowd.await_runs(stage.amount.clients)
                log.repeated()
        stage.judge(log, crowd, clients[0])
        log.expect(DELIVERED_ONCE.name, misdelivered(clients[0], crowd.journal, runner))


def serve_the_rest(log: Logbook, stage: Stage, clients: list[ApiClient]) -> None:
    """Dispatch without a runner, and use all that needs none, at each process."""
    for client in clients:
        expect_ready(log, client, ready=True, when="while the runner is out of reach")
        journal = Journal()
        asking = Repeating(client, journal, patience_s=0)
        name = f"the one that is served meanwhile, {stage.number()}"
        template_id = prepare_template(client, name, 1)
        created, run = asking.ask("POST", "/workflow-runs", {"workflow_template_id": template_id})
        wrong = [] if created.ok else [str(created)]
        if created.ok:
            answer, told = asking.ask("POST", f"/workflow-runs/{run['id']}/dispatch-ready")
            if not answer.ok or told["dispatch"]["outcome"] != "pending":
                wrong.append(f"a dispatch without a runner: {answer}: {told}")
            log.expect(ANSWERS_IN_TIME.name, late(journal.answers, stage.amount.longest_s))
            read, _ = asking.ask("GET", f"/workflow-runs/{run['id']}")
            wrong += [] if read.ok else [str(read)]
        log.expect(OTHERS_GO_ON.name, wrong)


def misdelivered(client: ApiClient, journal: Journal, runner: WithholdingRunner) -> Iterator[str]:
    """Attempts of which the runner never heard, or heard again though nobody had missed its answer."""
    for run_id, state in observe_all(client, journal.runs).items():
        yield from runner.handed_over_twice(run_id, RIVALS_WITHIN_S)
        for event in state.events if state is not None and state.status == "success" else ():
            if event.type == DISPATCHED and not runner.has(str(event.task_id), event.attempt or 0):
                yield f"run {run_id}: task {event.task_id} attempt {event.attempt} never reached the runner"


def jump_clock(log: Logbook, stage: Stage) -> None:
    """Put the service's clock forward by an hour and back, while dispatches are pending and leases run."""
    with ExitStack() as stack:
        runner, line = stack.enter_context(runner_behind_a_line())
        clock = Path(stack.enter_context(TemporaryDirectory(prefix="multyagents-clock-"))) / "ahead"
        turn(clock, 0)
        settings = {**settings_of(line), VARIABLE: str(clock), "MULTYAGENTS_LEASE": str(LEASE_S)}
        command = stage.amount.skewed_command
        topology = stack.enter_context(stage.topology(settings=settings, command=command))
        client = topology.client()
        withheld = []
        with recovering(log), stage.crowd(topology, runner.has_done) as crowd:
            for moment in stage.moments("jump-clock"):
                runner.withhold()
                seen = crowd.await_answers(moment)
                stage.await_condition("the runner keeps an attempt to itself", lambda: runner.withheld)
                withheld.append(runner.withheld)
                log.note(f"the runner keeps attempt {runner.withheld} to itself after {seen} answers")
                for ahead_s in (HOUR_S, 0):
                    line.cut()
                    crowd.await_pending(1)
                    turn(clock, ahead_s)
                    log.note(f"a dispatch is pending; the clock is {ahead_s} s ahead from now on")
                    line.heal()
                    crowd.await_runs(stage.amount.clients)
                    log.note("the outbox goes on delivering, and runs succeed")
                await_loss(log, stage, client, runner)
                log.repeated()
        stage.judge(log, crowd, client)
        for attempt in filter(None, withheld):
            log.expect(STALE_IS_REFUSED.name, taken_after_all(client, attempt))


def kill_runner(log: Logbook, stage: Stage) -> None:
    """Kill a runner in the midst of its commands, and start another; runs go on with the next attempts."""
    [port] = free_ports(1)
    settings = {
        "MULTYAGENTS_RUNNER": "http",
        "MULTYAGENTS_RUNNER_URL": f"http://127.0.0.1:{port}",
        "MULTYAGENTS_LEASE": str(LEASE_S),
    }
    with stage.topology(settings=settings) as topology, bare_runner(stage, topology, port) as runner:
        client = topology.client()
        held = topology.projects / "held"
        command = ("sh", "-c", HOLDING.format(held=held))
        await_condition("the runner takes connections", runner.listens, START_S)
        with recovering(log), stage.crowd(topology, nobody_else, command=command, steps=1) as crowd:
            for moment in stage.moments("kill-runner"):
                seen = crowd.await_answers(moment)
                held.touch()
                what = "a task is running whose command is held"
                stage.await_condition(what, lambda: any(running_among_held(client, held)))
                log.note(f"{what}; the runner is killed after {seen} answers")
                runner.kill()
                log.expect(NO_SURVIVORS.name, survivors(stage, runner))
                for file in held.parent.glob("held*"):
                    file.unlink()
                runner.start()
                log.note("another runner takes its place")
                crowd.await_runs(stage.amount.clients)
                log.repeated()
        stage.judge(log, crowd, client)
        for attempt in all_lost_attempts(client, crowd.journal):
            log.note(f"task {attempt[0]} attempt {attempt[1]} was lost with its runner")
            log.expect(STALE_IS_REFUSED.name, taken_after_all(client, attempt))


def bare_runner(stage: Stage, topology: Topology, port: int) -> BareRunner:
    """A runner for an API process that knows its port."""
    return BareRunner(
        stage.amount.command,
        folder=topology.projects,
        port=port,
        api_url=topology.apis[0].base_url,
        environment=clean_environment(),
    )


def running_among_held(client: ApiClient, held: Path) -> Iterator[bool]:
    """Of each task whose command waits: whether the service knows that it does."""
    for file in held.parent.glob(f"{held.name}.*"):
        yield client.get(f"/tasks/{file.suffix[1:]}")["status"] == "running"


def nobody_else(_task_id: str, _attempt: int) -> bool:
    """No attempt is reported by the crowd: the runner does that."""
    return False


def survivors(stage: Stage, runner: BareRunner) -> Iterator[str]:
    """What goes on though its runner was killed."""
    try:
        stage.await_condition("the commands of the killed runner end", lambda: not runner.commands())
    except GaveUp as error:
        yield f"{error}; there still are {len(runner.commands())} processes"


def all_lost_attempts(client: ApiClient, journal: Journal) -> Iterator[Attempt]:
    """The attempts of all runs that ended for want of a word from their runner."""
    for state in observe_all(client, journal.runs).values():
        if state is not None:
            yield from lost_attempts(state)


def turn(clock: Path, ahead_s: int) -> None:
    """Put the clock so many seconds ahead of the true time, at once for whoever looks."""
    new = clock.with_suffix(".new")
    new.write_text(str(ahead_s), encoding="ascii")
    new.replace(clock)


def await_loss(log: Logbook, stage: Stage, client: ApiClient, runner: WithholdingRunner) -> None:
    """Wait until the attempt of a silent runner is over, and its task has gone on to the next."""
    assert runner.withheld is not None
    task_id, attempt = runner.withheld
    what = f"task {task_id} returns from its silent runner"
    stage.await_condition(what, lambda: client.get(f"/tasks/{task_id}")["attempt"] > attempt)
    log.note(f"the lease of task {task_id} attempt {attempt} ended, and the next attempt began")


def taken_after_all(client: ApiClient, attempt: Attempt) -> Iterator[str]:
    """What is wrong with the answer to a callback that comes after its attempt was given up."""
    task_id, number = attempt
    report = {"attempt": number, "status": "success"}
    response = client.request("POST", f"/runner/tasks/{task_id}/status", report)
    said = response.json if isinstance(response.json, dict) else {}
    if (response.status, said.get("code")) != (CONFLICT, "stale_attempt"):
        yield f"the late callback of task {task_id} attempt {number} was answered {response.status}: {said}"
