"""Requests to end are treated like Ctrl-C."""

import signal
from collections.abc import Iterator

import pytest

from gatewright.core.interrupts import end_as_by_ctrl_c


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Whatever a test sets, the next one finds what was there before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_interrupts(number: signal.Signals):
    """So that the clean-up for Ctrl-C serves it as well."""
    end_as_by_ctrl_c()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_what_was_ignored_stays_ignored():
    """A run under `nohup` outlives its terminal."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    end_as_by_ctrl_c()
    signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
