"""wrk: connections that wait for their answers; it knows no rate, and corrects latencies afterwards."""

import json
import resource
import subprocess
from pathlib import Path

from block import Meter, asked

TELL = Path(__file__).with_name("tell_wrk.lua")


def main(block):
    if block.rate:
        raise SystemExit("wrk knows no rate")
    meter = Meter()
    argv = ["wrk", "-t1", f"-c{block.workers}", f"-d{block.seconds:.0f}s", "-s", TELL, f"{block.url}/"]
    said = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    meter.tell(**json.loads(said.splitlines()[-1]), cpu_s=used.ru_utime + used.ru_stime)


if __name__ == "__main__":
    main(asked())
