#!/usr/bin/env python3
"""Evidence for the service-level objectives: `multyagents_api.slo_performance` from a plain checkout."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "apps" / "api" / "src")]
    try:
        from multyagents_api.slo_performance import main
    except ModuleNotFoundError as error:
        remedy = "run scripts/multyagents slo-smoke, which installs it"
        print(f"{error.name} is missing from {sys.executable}; {remedy}", file=sys.stderr)
        sys.exit(2)

    sys.exit(main())
