"""The timeline tells what happened when, the warm-up and failures included."""

import pytest

from gatewright.load import Recording
from gatewright.suites.slo.timeline import timeline


def recorded(seconds, rate=10):
    """Even runs of 20 ms; all due in the third second stall until 3.5 s, and every tenth fails."""
    recording = Recording(("step",))
    recording.started = 100.0
    for run in range(seconds * rate):
        due = 100.0 + run / rate
        recording.begin(due, due)
        end = max(due + 0.02, 103.5) if 102 <= due < 103 else due + 0.02
        if run % 10 == 9:
            recording.fail(run, end, step=0, reason="answered 500")
        else:
            recording.succeed(run, end)
    return recording


def test_every_second_has_its_block():
    """Runs count where they were due, completions where they ended."""
    line = timeline(recorded(5), 10, 50)
    assert line.block_s == 1
    assert [block.runs for block in line.blocks] == [10] * 5
    assert [block.failed for block in line.blocks] == [1] * 5
    assert [block.completed for block in line.blocks] == [9, 9, 0, 18, 9]
    assert line.blocks[2].max_ms == pytest.approx(1500, rel=0.002)
    assert line.blocks[1].p99_ms == pytest.approx(20, rel=0.002)
    assert line.measured_from_s == pytest.approx(1.0)
    assert line.measured_to_s == pytest.approx(4.9)


def test_a_long_recording_has_longer_blocks():
    """At most 240 blocks, whatever the length."""
    line = timeline(recorded(600), 0, 6000)
    assert line.block_s == 5
    assert len(line.blocks) == 120
    assert sum(block.runs for block in line.blocks) == 6000


def test_nothing_recorded_has_no_blocks():
    """An empty recording is an empty line."""
    assert timeline(Recording(("step",)), 0, 0).blocks == ()
