"""Same seed, same exploration: in another process, under another hash seed."""

import hashlib
import os
import subprocess
import sys

import pytest
from planted.dispatch_programs import RacyDispatch

from gatewright.race import PreemptionBounding, RandomWalk, explore

PROGRAM = "from race.test_race_determinism import digest; print(digest())"


def digest() -> str:
    """Everything that an exploration did and saw, as one number."""
    found = explore(RacyDispatch(), strategies=[PreemptionBounding(2), RandomWalk(3, 20)], keep=1000)
    whole = [
        (each.number, list(each.race.trace.named_steps()), each.race.violations, each.metrics)
        for each in found.iterations
    ]
    assert found.finding is not None
    return hashlib.sha256(repr((whole, found.finding.tape.to_json())).encode()).hexdigest()


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_an_exploration_is_the_same_in_every_process(hash_seed: str) -> None:
    """Schedules, statements, violations and tape are equal across processes and hash seeds."""
    path = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == digest()
