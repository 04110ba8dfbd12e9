"""A Locust master, in a process of its own, which `launch.py` starts."""

import argparse
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import gevent
import locust
from locust.env import Environment
from locust.exception import RPCError
from locust.rpc import Message

from gatewright.core.interrupts import end_as_by_ctrl_c
from gatewright.core.lifeline import die_with_parent
from gatewright.core.verdict import ExitCode
from gatewright.evidence.record import write_atomic
from gatewright.evidence.strict import EvidenceError, read_model
from gatewright.plugins.locust.measurement import LocustMeasurement, OwnFigures, conclude
from gatewright.plugins.locust.messages import BEGIN, HELLO, PACE, REFUSED, REPORT, Address
from gatewright.plugins.locust.reports import Merger
from gatewright.plugins.locust.user import JourneyUser
from gatewright.plugins.locust.workload import Pace, Workload

POLL_INTERVAL_S = 0.1
LAST_REPORTS_S = 15.0


class Master:
    """Waits for its workers, lets them begin together, and adds up what they report.

    Args:
        workload: what the workers do; only its digest matters here.
        pace: how fast they do it.
        bind: where to listen.
    """

    def __init__(self, workload: Workload, pace: Pace, bind: Address) -> None:
        self._workload = workload
        self._pace = pace
        self._merger = Merger(workload, pace, time.monotonic)
        self._environment = Environment(user_classes=[JourneyUser])
        self._environment.events.worker_report.add_listener(self.receive)
        self._runner = self._environment.create_master_runner(bind.host, bind.port)
        self._runner.register_message(HELLO, self.greet)
        self._runner.register_message(REFUSED, self.refuse)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._runner.server.port)

    def greet(self, msg: Message, **_others: object) -> None:
        """A worker says hello; it is told the pace."""
        self._merger.greet(msg.node_id, msg.data)
        self._runner.send_message(PACE, self._pace.model_dump_json(), client_id=msg.node_id)

    def refuse(self, msg: Message, **_others: object) -> None:
        """A worker can't take part."""
        self._merger.refuse(msg.data)

    def receive(self, client_id: str, data: object, **_others: object) -> None:
        """A worker reports; reports before the beginning hold nothing of ours."""
        if isinstance(data, dict) and REPORT in data:
            self._merger.receive(client_id, data[REPORT])

    def run(self, patience_s: float) -> LocustMeasurement:
        """The whole measurement; it ends early when something is wrong.

        Args:
            patience_s: how long to wait for workers.
        """
        self._await(lambda: self._merger.ready, patience_s)
        if not self._merger.ready and not self._merger.problems:
            there, expected = len(self._merger.standings), self._pace.workers
            self._merger.problems.append(f"only {there} of {expected} workers came in {patience_s:g} s")
        begun = datetime.now(UTC)
        if not self._merger.problems:
            self._measure()
        ended = datetime.now(UTC)
        self._runner.quit()
        return conclude(
            self._merger, self._workload.digest, self._pace, self._own_figures(), begun=begun, ended=ended
        )

    def _measure(self) -> None:
        users = self._pace.users
        self._runner.start(users, spawn_rate=users)
        self._merger.expect_reports()
        self._runner.send_message(BEGIN)
        longest = self._pace.seconds + self._workload.deadline_s + LAST_REPORTS_S
        self._await(self._is_over, longest)
        if not self._merger.finished and not self._merger.problems:
            self._merger.problems.append("not every worker has sent its last report")

    def _is_over(self) -> bool:
        for client in self._runner.clients.missing:
            self._merger.leave(client.id)
        self._merger.miss_the_silent()
        return self._merger.finished

    def _await(self, happens: Callable[[], bool], seconds: float) -> None:
        """Wait until something happens, a problem turns up, or time is up."""
        end = time.monotonic() + seconds
        while not happens() and not self._merger.problems and time.monotonic() < end:
            gevent.sleep(POLL_INTERVAL_S)

    def _own_figures(self) -> OwnFigures:
        total = self._environment.stats.total
        return OwnFigures(
            version=locust.__version__,
            requests=total.num_requests,
            failures=total.num_failures,
            p95_ms=total.get_response_time_percentile(0.95) or 0.0,
            p99_ms=total.get_response_time_percentile(0.99) or 0.0,
        )


def main() -> int:
    """Measure once, and write what was measured."""
    die_with_parent()
    end_as_by_ctrl_c()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", type=Path, required=True)
    parser.add_argument("--pace", type=Path, required=True)
    parser.add_argument("--bind", type=Address.parse, required=True)
    parser.add_argument("--patience", type=float, required=True, help="how long to wait for workers, in s")
    parser.add_argument("--port-file", type=Path, required=True, help="the port is written there")
    parser.add_argument("--output", type=Path, required=True, help="the measurement is written there")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        workload, pace = read_model(options.workload, Workload), read_model(options.pace, Pace)
        master = Master(workload, pace, options.bind)
        write_atomic(options.port_file, str(master.port))
        write_atomic(options.output, master.run(options.patience).model_dump_json())
    except EvidenceError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.USAGE
    except RPCError as error:
        sys.stderr.write(f"no master can listen at {options.bind}: {error}\n")
        return ExitCode.INCONCLUSIVE
    except KeyboardInterrupt:
        return ExitCode.INCONCLUSIVE
    return ExitCode.PASS


if __name__ == "__main__":
    sys.exit(main())
