"""Every form of a verdict for machines: held against its schema, counted, and read back by our own adapters."""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest
import xmlschema
from fakes.proofs import tried
from fakes.verdicts import HOSTILE, make_check, make_document, make_reason
from hypothesis import given
from hypothesis import strategies as st

from gatewright.core.redaction import Redactor
from gatewright.core.verdict import State, Verdict
from gatewright.evidence.report import Counts
from gatewright.evidence.results import read_result
from gatewright.gate.decision import VerdictDocument, incident
from gatewright.gate.policy import Outputs
from gatewright.report.github import annotations
from gatewright.report.writers import ALWAYS, FORMATS, Rendering, render_all, render_form

SCHEMAS = Path(__file__).parent / "schemas"
INTERRUPTED = incident("interrupted", "the run was interrupted", expected="", observed="", command="")
HOSTILE_NAMES = tuple(
    make_check(
        f"c{number}",
        State.FAIL,
        reasons=(make_reason(f"c{number}", name, rule=name, expected=name, observed=name, pointer=name),),
        metrics={name: 1.0},
    )
    for number, name in enumerate(HOSTILE)
)
DOCUMENTS: dict[str, VerdictDocument] = {
    "PASS": make_document(make_check("unit"), make_check("slo")),
    "WARN": make_document(make_check("unit"), make_check("slo", State.WARN)),
    "FAIL": make_document(make_check("unit"), make_check("slo", State.FAIL)),
    "TAMPERED": make_document(make_check("unit"), make_check("slo", State.TAMPERED, required=False)),
    "INCONCLUSIVE": make_document(make_check("unit"), make_check("slo", State.TIMEOUT)),
    "both": make_document(make_check("unit", State.MISSING), make_check("slo", State.FAIL)),
    "waived": make_document(make_check("unit"), make_check("slo", State.FAIL, waived="W-1")),
    "advisory": make_document(make_check("unit"), make_check("slo", State.FAIL, required=False)),
    "nothing": make_document(),
    "interrupted": make_document(make_check("unit"), incidents=[INTERRUPTED]),
    "unfinished": make_document(incidents=[INTERRUPTED], finished_at=None),
    "unexplained": make_document(make_check("unit", State.ERROR, reasons=())),
    "blocking warnings": make_document(
        make_check("unit", State.WARN), verdict=Verdict.INCONCLUSIVE, reasons=(make_reason("unit"),)
    ),
    "200 checks": make_document(
        *(make_check(f"c{n}", State.FAIL if n % 50 == 7 else State.PASS) for n in range(200))
    ),
    "hostile": make_document(*HOSTILE_NAMES),
}


def render(name: str, document: VerdictDocument, folder: Path = Path("no-such-folder")) -> str:
    return render_form(Rendering(document, folder, redactor=Redactor({})), name)


JUNIT_SCHEMA = xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd")


def check_xsd(text: str) -> None:
    JUNIT_SCHEMA.validate(ET.fromstring(text))


def check_json(schema: str) -> Callable[[str], None]:
    document = json.loads((SCHEMAS / schema).read_bytes())
    validator = jsonschema_rs.validator_for(document, validate_formats=True)
    return lambda text: validator.validate(json.loads(text))


CONFORM = {
    "junit": check_xsd,
    "ctrf": check_json("ctrf-schema-0.0.json"),
    "sarif": check_json("sarif-schema-2.1.0.json"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("form", CONFORM)
def test_every_form_keeps_its_schema(form: str, name: str) -> None:
    text = render(form, DOCUMENTS[name])
    text.encode()
    CONFORM[form](text)


@pytest.mark.parametrize("broken", ['{"version": "2.1.0"}', '{"reportFormat": "CTRF"}'])
def test_the_schemas_can_say_no(broken: str) -> None:
    for form in ("ctrf", "sarif"):
        with pytest.raises(jsonschema_rs.ValidationError):
            CONFORM[form](broken)
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        check_xsd("<testsuites><testcase/></testsuites>")


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize(("form", "file"), [("junit", "v.xml"), ("ctrf", "v.json"), ("sarif", "v.sarif")])
def test_what_is_written_is_read_back_as_the_same_verdict(
    form: str, file: str, name: str, tmp_path: Path
) -> None:
    """JUnit has no word for what is not known: its error blocks as well, and is read as a failure."""
    document = DOCUMENTS[name]
    (tmp_path / file).write_text(render(form, document), encoding="utf-8")
    verdict = read_result(tmp_path, file).state.verdict
    if form == "junit" and document.verdict is Verdict.INCONCLUSIVE:
        assert verdict is Verdict.FAIL
    else:
        assert verdict is document.verdict


@pytest.mark.parametrize("form", ["junit", "ctrf"])
def test_waivers_over_everything_are_no_proof_to_a_reader(form: str, tmp_path: Path) -> None:
    """The gate believes its waivers; whoever reads the form sees that not a single check passed."""
    document = make_document(make_check("unit", State.FAIL, waived="W-1"))
    assert document.verdict is Verdict.PASS
    file = "v.xml" if form == "junit" else "v.json"
    (tmp_path / file).write_text(render(form, document), encoding="utf-8")
    assert read_result(tmp_path, file).state is State.SKIPPED


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        # all, failed, errors or other, skipped
        ("PASS", (2, 0, 0, 0)),
        ("WARN", (2, 0, 0, 0)),
        ("FAIL", (2, 1, 0, 0)),
        ("TAMPERED", (2, 1, 0, 0)),
        ("INCONCLUSIVE", (2, 0, 1, 0)),
        ("both", (2, 1, 1, 0)),
        ("waived", (2, 0, 0, 1)),
        ("advisory", (2, 0, 0, 1)),
        ("nothing", (1, 0, 1, 0)),
        ("interrupted", (2, 0, 1, 0)),
        ("unfinished", (1, 0, 1, 0)),
        ("blocking warnings", (2, 0, 1, 0)),
        ("200 checks", (200, 4, 0, 0)),
        ("hostile", (len(HOSTILE), len(HOSTILE), 0, 0)),
    ],
)
def test_cases_are_counted_exactly(name: str, numbers: tuple[int, int, int, int]) -> None:
    suite = ET.fromstring(render("junit", DOCUMENTS[name])).find("testsuite")
    assert suite is not None
    claimed = tuple(int(suite.get(key, "")) for key in ("tests", "failures", "errors", "skipped"))
    held = tuple(len(suite.findall(path)) for path in ("testcase", ".//failure", ".//error", ".//skipped"))
    assert claimed == held == numbers

    results = json.loads(render("ctrf", DOCUMENTS[name]))["results"]
    summary, statuses = results["summary"], [test["status"] for test in results["tests"]]
    assert tuple(summary[key] for key in ("tests", "failed", "other", "skipped")) == numbers
    assert all(
        summary[status] == statuses.count(status) for status in ("passed", "failed", "skipped", "other")
    )


def test_junit_tells_of_each_check_how_long_it_took_and_what_it_measured() -> None:
    suite = ET.fromstring(render("junit", DOCUMENTS["FAIL"])).find("testsuite")
    assert suite is not None
    passed, failed = suite.findall("testcase")
    assert (passed.get("classname"), passed.get("name"), passed.get("time")) == (
        "gatewright.checks",
        "unit",
        "1.250",
    )
    assert "3/3 passed" in (passed.findtext("system-out") or "")
    assert "p95_ms: 12.5" in (passed.findtext("system-out") or "")
    failure = failed.find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("FAIL", "slo: p95 is beyond its limit")
    assert "expected: p95 <= 100" in (failure.text or "")
    properties = {each.get("name"): each.get("value") for each in suite.iter("property")}
    assert properties["verdict"] == "FAIL"
    assert properties["exit_code"] == "1"
    assert properties["commit"] == "c0ffee"


def test_a_waiver_is_named_where_the_finding_would_have_failed() -> None:
    waived = "waived by W-1 until 2026-01-01 (ann), the limit moves next week: slo: p95 is beyond its limit"
    skipped = ET.fromstring(render("junit", DOCUMENTS["waived"])).find(".//skipped")
    assert skipped is not None
    assert (skipped.get("type"), skipped.get("message")) == ("FAIL", waived)
    test = json.loads(render("ctrf", DOCUMENTS["waived"]))["results"]["tests"][1]
    assert (test["rawStatus"], test["message"], test["extra"]["waiver"]) == ("FAIL", waived, "W-1")
    result = json.loads(render("sarif", DOCUMENTS["waived"]))["runs"][0]["results"][0]
    assert result["suppressions"][0]["status"] == "accepted"


def test_sarif_says_what_is_proven_and_what_is_open() -> None:
    run = json.loads(render("sarif", DOCUMENTS["both"]))["runs"][0]
    assert [(each["kind"], each["level"]) for each in run["results"]] == [("fail", "error"), ("open", "none")]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["exitCode"] == 1
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {"limit"}
    assert [each["location"]["uri"] for each in run["artifacts"]] == [
        "docs/evidence/runs/r/unit/manifest.json",
        "docs/evidence/runs/r/slo/manifest.json",
    ]


def test_a_finding_keeps_its_fingerprint_from_run_to_run() -> None:
    """Neither the run's id nor what was measured is in it, and no two findings share one."""

    def fingerprints(run_id: str, observed: str) -> list[str]:
        artifact = f"runs/{run_id}/slo/manifest.json"
        reason = make_reason("slo", f"slo: p95 is {observed}", observed=observed, artifact=artifact)
        other = reason.model_copy(update={"message": "slo: p99 is too much"})
        document = make_document(make_check("slo", State.FAIL, reasons=(reason, other)), run_id=run_id)
        results = json.loads(render("sarif", document))["runs"][0]["results"]
        return [each["partialFingerprints"]["gatewrightFinding/v1"] for each in results]

    assert fingerprints("r1", "140") == fingerprints("r2", "171")
    assert len(set(fingerprints("r1", "140"))) == 2


def test_forms_are_the_same_for_the_same_verdict() -> None:
    for form in FORMATS:
        assert render(form, DOCUMENTS["both"]) == render(form, DOCUMENTS["both"])


@pytest.mark.parametrize("form", CONFORM)
def test_hostile_names_stay_text(form: str) -> None:
    """Nothing of them is lost, nothing of them is obeyed, and every character can be printed."""
    text = render(form, DOCUMENTS["hostile"])
    categories = {unicodedata.category(character) for character in text.replace("\n", "")}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    if form == "junit":
        root = ET.fromstring(text)
        assert not list(root.iter("injected"))
        messages = [each.get("message") for each in root.iter("failure")]
        assert "]]><injected/>" in messages
        assert "a | b | c" in messages
    else:
        assert "100%0A::error::forged" in text


@tried(60)
@given(st.text(st.characters(), max_size=80))
def test_whatever_evidence_says_every_form_can_be_read(text: str) -> None:
    """Any character at all, in every place that evidence fills."""
    reason = make_reason("unit", text, rule=text, expected=text, observed=text, pointer=text, artifact=text)
    checks = [
        make_check("unit", State.FAIL, reasons=(reason,)),
        make_check("slo", State.ERROR, manifest=text),
    ]
    rendering = Rendering(make_document(*checks), Path("none"), redactor=Redactor({}))
    for form, conforms in CONFORM.items():
        conforms(render_form(rendering, form))
    lines = annotations(rendering.findings)
    assert len(lines) == 2
    assert all(line.startswith("::error title=") and len(line.splitlines()) == 1 for line in lines)


def test_a_message_in_sarif_makes_no_link() -> None:
    results = json.loads(render("sarif", DOCUMENTS["hostile"]))["runs"][0]["results"]
    assert not [each for each in results if "](" in each["message"]["text"]]


@pytest.mark.parametrize("form", FORMATS)
def test_secrets_are_cut_out_of_every_form(form: str, tmp_path: Path) -> None:
    """Of the reasons, and of what a JUnit report says about a failed test."""
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit" / "junit.xml").write_text(
        "<testsuites><testsuite><testcase name='t'><failure message='token=abcdef123456 hunter2-and-more'/>"
        "</testcase></testsuite></testsuites>",
        encoding="utf-8",
    )
    reasons = (
        make_reason("unit", "unit: password=hunter2-and-more"),
        make_reason("unit", rule="tests-pass", artifact="runs/r/unit/junit.xml", observed="hunter2-and-more"),
    )
    document = make_document(make_check("unit", State.FAIL, reasons=reasons, counts=Counts(failed=1)))
    rendering = Rendering(document, tmp_path, redactor=Redactor({"DB_PASSWORD": "hunter2-and-more"}))
    text = render_form(rendering, form)
    assert "hunter2" not in text
    assert "abcdef123456" not in text


def test_a_policy_may_ask_for_every_form_that_is_not_always_written() -> None:
    asked = sorted(set(FORMATS) - set(ALWAYS))
    assert Outputs.model_validate({"formats": asked}).formats == tuple(asked)
    written = render_all(Rendering(DOCUMENTS["PASS"], Path("none")), asked)
    assert set(written) == {
        "verdict.md",
        "verdict.html",
        "verdict.junit.xml",
        "verdict.ctrf.json",
        "verdict.sarif",
        "verdict.github.md",
    }
