"""A Locust worker, in a process of its own, which `launch.py` starts."""

import argparse
import logging
import sys
import time
from array import array
from pathlib import Path

import locust.runners
from locust.env import Environment
from locust.rpc import Message

from gatewright.core.errors import GatewrightError
from gatewright.core.interrupts import end_as_by_ctrl_c
from gatewright.core.lifeline import die_with_parent
from gatewright.core.verdict import ExitCode
from gatewright.evidence.strict import EvidenceError, read_model
from gatewright.load import Mix, NoiseMeter
from gatewright.plugins.locust.messages import BEGIN, HELLO, PACE, REFUSED, REPORT, Address
from gatewright.plugins.locust.reports import Hello, WorkerReport, read_message
from gatewright.plugins.locust.user import JourneyUser, Stage
from gatewright.plugins.locust.walk import Walker
from gatewright.plugins.locust.workload import Lineup, Pace, Workload, make_mix

REPORT_INTERVAL_S = 1.0
CONNECT_RETRIES = 12
"""Of five seconds each."""


class Worker:
    """Says hello, takes the pace, lets users walk, reports.

    Args:
        workload: this machine's own.
        master: where the master listens.
        ca_file: certificates of the issuers to trust behind TLS; those of the system when None.

    Raises:
        ConnectionError: it does not answer.
        GatewrightError: the workload can't be used; the master was told.
    """

    def __init__(self, workload: Workload, master: Address, ca_file: Path | None = None) -> None:
        self._workload = workload
        self._stage = JourneyUser.stage = Stage(workload.target, workload.deadline_s, ca_file)
        self._begun = 0.0
        self._cpu = 0.0
        self._noise = NoiseMeter()
        self._number = 0
        self._final = False
        environment = Environment(user_classes=[JourneyUser])
        environment.events.report_to_master.add_listener(self.report)
        self._runner = environment.create_worker_runner(master.host, master.port)
        self._runner.register_message(PACE, self.take_pace)
        self._runner.register_message(BEGIN, self.begin)
        self._mix = self._prepare()
        hello = Hello(workload=workload.digest, lineup=Lineup.of(self._mix))
        self._runner.send_message(HELLO, hello.model_dump_json())

    def join(self) -> None:
        """Wait until the master says quit."""
        self._runner.greenlet.join()

    def latencies(self) -> list[float]:
        """Of all runs that succeeded, in seconds."""
        return self._stage.walker.latencies() if self._stage.walker else []

    def take_pace(self, msg: Message, **_others: object) -> None:
        """The master told how fast."""
        try:
            pace = read_message(msg.data, Pace)
        except EvidenceError as error:
            self._runner.send_message(REFUSED, f"the pace can't be understood: {error}")
            return
        self._stage.walker = Walker(
            self._workload,
            pace,
            self._mix,
            index=self._runner.worker_index,
            clock=lambda: time.monotonic() - self._begun,
        )

    def begin(self, **_message: object) -> None:
        """The master said begin: this moment is 0."""
        self._begun = time.monotonic()
        self._cpu = time.process_time()
        self._noise = NoiseMeter()
        self._stage.begun.set()

    def report(self, data: dict[str, object], **_others: object) -> None:
        """Add to Locust's report what was seen since the last one."""
        walker = self._stage.walker
        if walker is None or self._final or not self._stage.begun.is_set():
            return
        self._final = walker.over
        counts = walker.take()
        data[REPORT] = WorkerReport(
            workload=self._workload.digest,
            number=self._number,
            final=self._final,
            counts=counts,
            arrived=walker.totals.arrived,
            counted=walker.totals.counted,
            left_out=walker.totals.left_out,
            requests=walker.totals.requests,
            cpu_s=time.process_time() - self._cpu,
            run_delay=self._noise.read().own_run_delay,
        ).model_dump_json()
        self._number += 1

    def _prepare(self) -> Mix:
        try:
            return make_mix(self._workload, seed=self._runner.worker_index + 1)
        except GatewrightError as error:
            self._runner.send_message(REFUSED, str(error))
            raise


def main() -> int:
    """Work until the master says quit."""
    die_with_parent()
    end_as_by_ctrl_c()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", type=Path, required=True)
    parser.add_argument("--master", type=Address.parse, required=True)
    parser.add_argument("--ca-file", type=Path)
    parser.add_argument("--raw", type=Path, help="write all latencies there: doubles, in seconds")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    locust.runners.WORKER_REPORT_INTERVAL = REPORT_INTERVAL_S
    locust.runners.CONNECT_RETRY_COUNT = CONNECT_RETRIES
    try:
        worker = Worker(read_model(options.workload, Workload), options.master, options.ca_file)
        worker.join()
    except (GatewrightError, EvidenceError) as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.USAGE
    except ConnectionError:
        sys.stderr.write(f"no master answers at {options.master}\n")
        return ExitCode.INCONCLUSIVE
    except OSError as error:
        sys.stderr.write(f"{error.filename or options.ca_file}: {error.strerror or error}\n")
        return ExitCode.USAGE
    except KeyboardInterrupt:
        return ExitCode.INCONCLUSIVE
    if options.raw:
        options.raw.write_bytes(array("d", worker.latencies()).tobytes())
    return ExitCode.PASS


if __name__ == "__main__":
    sys.exit(main())
