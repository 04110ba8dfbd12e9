"""The command that compares the work tree with a revision."""

import argparse
from dataclasses import replace
from pathlib import Path

from gatewright.cli.common import Commands, needs_extra, project_of
from gatewright.core.errors import ConfigurationError
from gatewright.evidence.record import EVIDENCE
from gatewright.gate.policy import load_policy
from gatewright.suites.arguments import number

__all__ = ["add_compare"]

MOST_BLOCKS = 1024

COMPARE_EPILOG = """\
verdicts and exit codes:
  0 PASS          the upper 95% bounds of all ratios candidate/base are below their margins
  1 FAIL          the lower 95% bound of a ratio is above its margin
  2               the command line can't be used, or there is no such revision
  3 INCONCLUSIVE  neither, or it can't be measured; the report says what is missing

Required or advisory is for the policy to say: run it as a check of gate.toml, with `required = false` to be
told without being stopped.

examples:
  gatewright slo compare --base main
  gatewright slo compare --base v1.2.0 --service my_service.measured:API --blocks 128 --rate 80
"""


def add_compare(actions: Commands) -> None:
    """`slo compare`."""
    parser = actions.add_parser(
        "compare",
        help="is the work tree slower than a revision?",
        description="Measure the work tree and a revision side by side: CPU per run, p50 and p95.",
        epilog=COMPARE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--base", required=True, metavar="REV", help="the revision: a branch, a tag, a commit")
    add(
        "--service",
        metavar="MODULE:NAME",
        help="the MeasuredService that says how to start it (default: gate.measured of gate.toml)",
    )
    add("--blocks", metavar="N", default="64", help="the most blocks, a multiple of 4 (default: 64)")
    add("--block-seconds", metavar="S", default="1", help="length of a block (default: 1)")
    add("--warm-up-seconds", metavar="S", default="0.5", help="load after each start (default: 0.5)")
    add("--rate", metavar="R", help="runs per second (default: the service's own)")
    add("--seed", type=int, default=1, metavar="N", help="of the arrivals (default: 1)")
    add("--fail-above", metavar="RATIO", default="1.02", help="FAIL above this ratio (default: 1.02)")
    add("--pass-below", metavar="RATIO", default="1.08", help="PASS of CPU below this ratio (default: 1.08)")
    add(
        "--latency-pass-below",
        metavar="RATIO",
        default="1.5",
        help="PASS of p50 and p95 below this ratio (default: 1.5)",
    )
    add("--base-python", metavar="COMMAND", help="an interpreter that has what the base needs")
    add(
        "--output",
        type=Path,
        metavar="DIR",
        help=f"where the evidence goes (default: {EVIDENCE}/slo-compare)",
    )
    add("--json", action="store_true", help="print the whole report as JSON")
    parser.set_defaults(command=compare_command)


def compare_command(options: argparse.Namespace) -> int:
    """Compare the work tree with a revision."""
    with needs_extra("slo compare", "slo"):
        from gatewright.slo import CompareRules, Margins, Measure, looks_for  # noqa: PLC0415 - an extra
        from gatewright.suites.slo.compare import CompareConfig  # noqa: PLC0415 - likewise
        from gatewright.suites.slo.compare_command import compare_and_publish  # noqa: PLC0415 - likewise
        from gatewright.suites.slo.measured_service import load_service  # noqa: PLC0415 - likewise
    project = project_of(options)
    path = options.service or load_policy(project.policy).policy.gate.measured
    if not path:
        raise ConfigurationError(
            "no service is named", remedy="pass --service MODULE:NAME, or set gate.measured in gate.toml"
        )
    service = load_service(path, project.root)
    fail_above = number("--fail-above", options.fail_above)
    cpu = Margins(fail_above, number("--pass-below", options.pass_below))
    latency = replace(cpu, pass_below=number("--latency-pass-below", options.latency_pass_below))
    config = CompareConfig(
        project=project.root,
        base=options.base,
        service=service,
        rate=service.rate if options.rate is None else number("--rate", options.rate),
        block_s=number("--block-seconds", options.block_seconds),
        warm_up_s=number("--warm-up-seconds", options.warm_up_seconds),
        seed=options.seed,
        rules=CompareRules(
            looks=looks_for(whole_blocks(options.blocks)),
            margins={Measure.CPU: cpu, Measure.P50: latency, Measure.P95: latency},
        ),
        base_python=options.base_python,
        command=options.typed,
    )
    folder = options.output or project.root / EVIDENCE / "slo-compare"
    return compare_and_publish(config, folder, as_json=options.json).exit_code


def whole_blocks(text: str) -> int:
    """A number of blocks.

    Raises:
        ConfigurationError: it is none, or too many.
    """
    value = number("--blocks", text)
    if value != int(value) or int(value) % 4 or value > MOST_BLOCKS:
        raise ConfigurationError(f"--blocks must be a multiple of 4 up to {MOST_BLOCKS}, not {text}")
    return int(value)
