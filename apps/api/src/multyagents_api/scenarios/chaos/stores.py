"""Drills that take processes, the database, its disk or the network to it away from a running service."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

from gatewright.suites.drill import Logbook
from multyagents_api.scenarios.api_client import ApiClient
from multyagents_api.scenarios.chaos.crowd import Crowd
from multyagents_api.scenarios.chaos.expectations import (
    OTHERS_GO_ON,
    READS_GO_ON,
    STORE_INTACT,
    expect_ready,
    recovering,
)
from multyagents_api.scenarios.chaos.stage import Stage
from multyagents_api.scenarios.database_checks import what_is_broken
from multyagents_api.scenarios.proxy import Proxy
from multyagents_api.scenarios.small_disk import SmallDisk, small_disk
from multyagents_api.scenarios.topology import Place, Topology

__all__ = ["cut_network", "fill_disk", "kill_api", "restart_database"]

DEATHS = {"process": "their process", "power": "the power"}


def kill_api(log: Logbook, stage: Stage, place: Place) -> None:
    """Kill one of two API processes in the midst of runs; the other goes on, the killed one comes back."""
    with stage.topology(place, apis=2) as topology:
        other = topology.client(1)
        with recovering(log), stage.crowd(topology) as crowd:
            for moment in stage.moments(f"kill-api-{place}"):
                seen = crowd.await_answers(moment)
                log.note(f"killing one of two API processes after {seen} answers")
                topology.apis[0].kill()
                others_go_on(log, crowd, stage)
                expect_ready(log, other, ready=True, when="at the process that was not killed")
                topology.apis[0].restart()
                log.note("the killed process is back")
                crowd.await_runs(stage.amount.clients)
                log.repeated()
        stage.judge(log, crowd, other)


def others_go_on(log: Logbook, crowd: Crowd, stage: Stage) -> None:
    """Runs go on while some clients have nobody to ask: more of them than could have been at their end."""
    since = len(crowd.journal.answers)
    crowd.await_runs(stage.amount.clients)
    log.note(f"{stage.amount.clients} runs succeeded meanwhile")
    failed = [answer for answer in crowd.journal.answers[since:] if answer.status and not answer.ok]
    log.expect(OTHERS_GO_ON.name, map(str, failed))


def restart_database(log: Logbook, stage: Stage) -> None:
    """Crash the database under load and start it again; the API processes live through it."""
    postgres = stage.postgres()
    with stage.topology("postgresql") as topology:
        client = topology.client()
        with recovering(log), stage.crowd(topology) as crowd:
            for moment in stage.moments("restart-database"):
                seen = crowd.await_answers(moment)
                log.note(f"the database crashes after {seen} answers")
                postgres.crash()
                try:
                    crowd.await_refusals(stage.amount.clients, since=seen)
                    expect_ready(log, client, ready=False, when="while the database is down")
                finally:
                    postgres.recover()
                log.note("the database is back")
                see_it_serve(log, stage, crowd, client)
        stage.judge(log, crowd, client)


def see_it_serve(log: Logbook, stage: Stage, crowd: Crowd, client: ApiClient) -> None:
    """Ready again, and runs succeed; counts as a repetition."""
    expect_ready(log, client, ready=True, when="after it was taken away")
    crowd.await_runs(2 * stage.amount.clients)
    log.note(f"{2 * stage.amount.clients} runs succeeded since")
    log.repeated()


def cut_network(log: Logbook, stage: Stage) -> None:
    """Reset, silence and half-silence the network between an API process and its database, and mend it."""
    with Proxy(stage.postgres().socket) as network:
        name = quote(stage.new_database(), safe="")
        url = f"postgresql://postgres@127.0.0.1:{network.port}/{name}"
        with stage.topology("postgresql", database=url) as topology:
            client = topology.client(timeout_s=stage.amount.longest_s)
            with recovering(log), stage.crowd(topology) as crowd:
                for moment in stage.moments("cut-network"):
                    for fault, harm in harms_of(network).items():
                        seen = crowd.await_answers(moment)
                        log.note(f"the network {fault} after {seen} answers")
                        harm()
                        try:
                            crowd.await_refusals(stage.amount.clients, since=seen)
                            expect_ready(log, client, ready=False, when=f"while the network {fault}")
                        finally:
                            network.heal()
                        log.note("the network is mended")
                        see_it_serve(log, stage, crowd, client)
            stage.judge(log, crowd, client)


def harms_of(network: Proxy) -> dict[str, Callable[[], None]]:
    """What can be done to a network, and how to say it."""
    return {
        "resets every connection": network.cut,
        "takes everything and forwards nothing": network.silence,
        "forwards requests and keeps the answers": partial(network.silence, answers_only=True),
    }


def fill_disk(log: Logbook, stage: Stage) -> None:
    """Fill the disk that the database is on, and make room again; the API process lives through it.

    Who repeats it also has the service flush at every commit, where requests share their transactions.
    """
    for durability in ("process", "power")[: stage.amount.repetitions]:
        with small_disk() as disk:
            log.note(f"a service whose writes survive the death of {DEATHS[durability]}")
            settings = {
                "MULTYAGENTS_DATABASE": str(disk.folder / "runs.db"),
                "MULTYAGENTS_DURABILITY": durability,
            }
            command = disk.command(stage.amount.command)
            with stage.topology(command=command, settings=settings) as topology:
                fill_again_and_again(log, stage, topology, disk)


def fill_again_and_again(log: Logbook, stage: Stage, topology: Topology, disk: SmallDisk) -> None:
    """Fill the disk of a service, and make room, at every moment that is chosen."""
    client, server = topology.client(), topology.apis[0].pid
    with recovering(log), stage.crowd(topology) as crowd:
        for moment in stage.moments("fill-disk"):
            crowd.await_runs(1)
            seen = crowd.await_answers(moment)
            log.note(f"the disk is full after {seen} answers")
            disk.fill(server)
            try:
                crowd.await_refusals(stage.amount.clients, since=seen)
                log.expect(READS_GO_ON.name, unreadable(client, crowd))
            finally:
                disk.free(server)
            log.note("there is room again")
            see_it_serve(log, stage, crowd, client)
    stage.judge(log, crowd, client)
    log.expect(STORE_INTACT.name, unsound(disk.view(server) / "runs.db"))


def unreadable(client: ApiClient, crowd: Crowd) -> Iterator[str]:
    """What can't be read though it is stored."""
    for path in (f"/workflow-runs/{crowd.journal.finished[0]}", "/workflow-runs?limit=5", "/events?limit=5"):
        response = client.request("GET", path)
        if not response.ok:
            yield f"GET {path} was answered {response.status}: {response.json}"


def unsound(database: Path) -> list[str]:
    """What is wrong with a file that nobody writes to at the moment.

    It is copied first, the log after the file: what a checkpoint moves meanwhile is then in both.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / database.name
        shutil.copyfile(database, copy)
        shutil.copyfile(f"{database}-wal", f"{copy}-wal")
        return what_is_broken(str(copy))
