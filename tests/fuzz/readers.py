"""Every reader of evidence, with valid samples of what it reads: who is not here is not fuzzed, and a test says so."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes.projects import CLEAN_POLICY
from fakes.sealed import START, junit, report
from fuzz.samples import sample_of
from pydantic import BaseModel

from gatewright.core.verdict import State, Verdict
from gatewright.evidence.digest import read_sums, write_sums
from gatewright.evidence.dsse import read_envelope
from gatewright.evidence.ledger import LedgerEntry, LedgerHead, append_entry, read_ledger
from gatewright.evidence.manifest import Manifest, Step
from gatewright.evidence.results import ADAPTERS, Format, Result, read_result
from gatewright.evidence.signing.choose import load_allowed_signers, load_trusted
from gatewright.evidence.strict import EvidenceError, read_bytes, read_model
from gatewright.execution.lock import describe
from gatewright.gate.baseline import Baseline
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.lint import LintReport, lint_policy
from gatewright.gate.lint_rules import Surroundings
from gatewright.gate.policy import load_policy
from gatewright.gate.sessions import Sessions, read_sessions
from gatewright.race.tape import Tape, read_tape
from gatewright.report.excerpt import render_excerpt
from gatewright.suites.race.report import RaceReport
from gatewright.suites.slo.attempts import Attempts, count_attempt
from gatewright.suites.slo.openslo_file import read_openslo
from gatewright.suites.slo.report import SloReport

__all__ = ["EXEMPT", "READERS", "Reader", "samples_of_adapters"]

ADAPTER_SAMPLES = Path(__file__).parents[1] / "evidence" / "adapters" / "samples"
OPENSLO_SAMPLES = Path(__file__).parents[1] / "slo" / "openslo"
ENVELOPE = (
    b'{"payload": "e30=", "payloadType": "application/x", "signatures": [{"keyid": "k", "sig": "AAAA"}]}'
)
NOXFILE = b'import nox\n\n@nox.session(name="x")\ndef tests(session): ...\n'
PUBLIC_KEY = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""
"""The example of RFC 8410, section 10.1."""
ALLOWED = (
    b"release@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBm/RAlphM3+hUG6wWfcO5bIUIaqMLa2ywxcOK1wMWbh\n"
)
FUTURE = b'{"schema_version": "gatewright.manifest/2"}'


@dataclass(frozen=True)
class Reader:
    """One reader.

    Attributes:
        name: of what it reads.
        file: the name that the file must have; its ending says what can be mutated in it.
        samples: valid files.
        read: reads such a file.
        covers: functions and models of the toolkit that are tried by this.
    """

    name: str
    file: str
    samples: tuple[bytes, ...]
    read: Callable[[Path], Any]
    covers: tuple[str, ...]


def model(kind: type[BaseModel], file: str = "document.json", *more: bytes) -> Reader:
    """The reader of a model in a file of its own."""
    return Reader(
        kind.__name__, file, (sample_of(kind), *more), lambda path: read_model(path, kind), (kind.__name__,)
    )


def result(path: Path, form: Format | None = None) -> Result:
    """A result never raises: a file that can't be used is a state with a reason."""
    found = read_result(path.parent, path.name, form)
    assert isinstance(found.state, State)
    if found.state is State.PASS:
        counts = found.counts
        assert counts.collected or counts.schedules or counts.samples or found.metrics
        assert not counts.failed
    for reason in found.reasons:
        assert_told(reason.message, reason.expected, reason.observed)
    return found


def assert_told(*texts: str) -> None:
    """What a person is told is bounded; a writer makes it printable."""
    assert all(len(text) < 10_000 for text in texts)


def ledger(path: Path) -> tuple[LedgerEntry, ...]:
    return read_ledger(path)


def ledger_sample() -> bytes:
    """A chain of three runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.jsonl"
        for number in range(3):
            entry = LedgerEntry.model_validate_json(sample_of(LedgerEntry))
            append_entry(path, entry.model_copy(update={"run_id": f"run-{number}", "verdict": Verdict.PASS}))
        return path.read_bytes()


def attempts(path: Path) -> int:
    return count_attempt(path.parent, "sha256:" + "0" * 64)


def lint(path: Path) -> LintReport:
    """A policy that can't be read has problems, each of them one line; nothing is raised."""
    around = Surroundings(START, Sessions(), lambda package: package == "known")
    try:
        report = lint_policy(path.read_bytes(), path.name, around)
    except OSError as error:  # whoever calls has read the file
        raise EvidenceError(str(error)) from None
    for problem in report.problems:
        assert f"{problem.place}{problem.message}{problem.remedy}".isprintable()
        assert problem.line >= 1
    return report


def envelope(path: Path) -> Any:
    return read_envelope(read_bytes(path), "application/x", name=path.name)


def openslo(path: Path) -> Any:
    documents, refusals = read_openslo([path])
    assert all(str(refusal).isprintable() for refusal in refusals)
    return documents


def excerpt(path: Path) -> str:
    shown = render_excerpt(path.parent, f"{path.name}#/counts" if path.suffix == ".json" else path.name)
    assert shown.replace("\n", "").isprintable() or not shown.isascii()
    return shown


def samples_of_adapters(*patterns: str) -> tuple[bytes, ...]:
    """Real output of other tools, as the tests of the adapters keep it."""
    return tuple(path.read_bytes() for pattern in patterns for path in sorted(ADAPTER_SAMPLES.glob(pattern)))


def adapter(form: Format, *patterns: str, covers: tuple[str, ...] = ()) -> Reader:
    """The reader of results in one format, told which one it is."""
    file = "result.xml" if ADAPTERS[form].is_xml else "result.json"
    samples = samples_of_adapters(*patterns)
    return Reader(form.value, file, samples, lambda path: result(path, form), ("read_result", *covers))


READERS: tuple[Reader, ...] = (
    adapter(Format.JUNIT, "pytest-*.xml", "ruff-*.xml"),
    adapter(Format.CTRF, "*.ctrf.json"),
    adapter(
        Format.PYTEST_JSON, "pytest-passed.json", "pytest-f*d.json", "pytest-flaky.json", "pytest-empty.json"
    ),
    adapter(Format.COVERAGE_XML, "coverage*.xml"),
    adapter(Format.COVERAGE_JSON, "coverage*.json"),
    adapter(Format.SARIF, "*.sarif", covers=("Document",)),
    adapter(Format.PIP_AUDIT, "pip-audit*.json"),
    adapter(Format.NOX, "nox*.json"),
    Reader(
        "suite",
        "report.json",
        (report().encode(), report("FAIL", counts={"failed": 1}).encode()),
        lambda path: result(path, Format.SUITE),
        ("SuiteEnvelope",),
    ),
    Reader("found by its content", "any.json", samples_of_adapters("*.json"), result, ("read_result",)),
    Reader(
        "found by its element",
        "any.xml",
        (junit("passed", "flaky").encode(), *samples_of_adapters("*.xml")),
        result,
        ("read_result",),
    ),
    model(Manifest, "manifest.json", FUTURE),
    model(VerdictDocument, "verdict.json"),
    model(Step),
    model(Baseline, "baseline.json"),
    model(RaceReport),
    model(SloReport),
    Reader("policy", "gate.toml", (CLEAN_POLICY.encode(),), load_policy, ("load_policy", "parse_policy")),
    Reader("lint of a policy", "gate.toml", (CLEAN_POLICY.encode(),), lint, ("lint_policy",)),
    Reader("sessions", "noxfile.py", (NOXFILE,), read_sessions, ("read_sessions",)),
    Reader(
        "digests",
        "SHA256SUMS",
        (write_sums({"a/b": "0" * 64, "c\nd": "1" * 64}),),
        lambda path: read_sums(path.read_bytes()),
        ("read_sums",),
    ),
    Reader("history", "history.jsonl", (ledger_sample(),), ledger, ("read_ledger", "LedgerEntry")),
    Reader("tape", "tape.json", (sample_of(Tape),), read_tape, ("read_tape",)),
    model(LedgerHead),
    Reader("envelope", "verdict.dsse.json", (ENVELOPE,), envelope, ("read_envelope", "Envelope")),
    Reader(
        "public key",
        "release.pub",
        (PUBLIC_KEY,),
        load_trusted,
        ("load_trusted", "load_public", "read_key_file"),
    ),
    Reader("allowed signers", "allowed", (ALLOWED,), load_allowed_signers, ("load_allowed_signers",)),
    Reader("attempts", "attempts.json", (sample_of(Attempts),), attempts, ("Attempts",)),
    Reader(
        "holder", "holder.json", (b'{"run": "r", "process": 1, "since": "now"}',), describe, ("describe",)
    ),
    Reader(
        "openslo",
        "slo.yaml",
        tuple(path.read_bytes() for path in sorted(OPENSLO_SAMPLES.glob("*.yaml"))),
        openslo,
        ("read_openslo",),
    ),
    Reader("excerpt of JSON", "some.json", (report().encode(),), excerpt, ("render_excerpt",)),
    Reader("excerpt of text", "some.log", (b"one\ntwo\n",), excerpt, ("render_excerpt",)),
)
"""All of them; what several read alike stands once for each."""

EXEMPT = {
    "read_bytes": "is below every reader here",
    "read_model": "is below every reader of a model here",
    "parse_model": "is below every reader of a model here",
    "parse_json": "is below every reader of JSON here",
    "parse_junit": "is called by read_result alone",
    "read_recent": "reads what read_ledger reads",
    "read_set_aside": "reads what read_ledger reads, and leaves out what it can't",
    "read_signed_head": "reads an envelope with a LedgerHead in it",
    "read_manifest": "reads a Manifest",
    "read_material": "makes a note of every refusal of a model",
    "read_reports": "makes a note of every refusal of a model",
    "read_lines": "is below the readers of the history",
    "load_signer": "reads the private key of whoever calls",
    "load_private": "reads the private key of whoever calls",
    "read_attestations": "reads envelopes",
    "read_seal": "reads envelopes",
    "parse_age": "takes an argument, not a file",
    "read_baseline": "makes a value of every refusal of a Baseline",
    "read_waivers": "takes a part of a policy",
    "read_count": "takes an attribute of an XML report",
    "read_shards": "reads a RaceReport",
    "read_share": "takes an argument, not a file",
    "read_figures": "takes an argument, not a file",
    "read_shorthand": "takes a word of an OpenSLO document",
    "read_short_time": "takes a word of an OpenSLO document",
    "read_subject": "asks git and the work tree",
    "read_tree": "asks git and the work tree",
    "read_environment": "asks the machine",
    "read_message": "reads what a worker of the same run sends",
    "Workload": "is written by a process of the same run",
    "Pace": "is written by a process of the same run",
    "LocustMeasurement": "is written by a process of the same run",
    "load_model": "imports a model that the user names",
    "load_name": "takes a word of an OpenSLO document",
    "load_service": "imports a service that the user names",
    "load_round": "puts load on a service",
    "load_block": "puts load on a service",
    "read_openslo_text": "is called by read_openslo alone",
    "parse_body": "takes an answer of the service under test",
}
"""Functions and models that look like readers and need no fuzzing here, and why."""
