"""Noise is read where the system tells, and unknown elsewhere."""

import os

from gatewright.load import NoiseMeter


def test_a_reading_of_ourselves_is_a_set_of_shares():
    """Our own process is measured as a server would be."""
    reading = NoiseMeter(os.getpid()).read()
    assert reading.elapsed_s > 0
    for value in (
        reading.cpu_pressure,
        reading.io_pressure,
        reading.steal,
        reading.own_run_delay,
        reading.server_run_delay,
    ):
        assert value is None or value >= 0


def test_a_process_that_is_gone_reads_as_unknown():
    """No figure is invented."""
    reading = NoiseMeter(2**22 + 1).read()
    assert reading.server_cpu is None
    assert reading.server_run_delay is None
