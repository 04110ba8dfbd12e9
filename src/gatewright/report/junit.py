"""A verdict as JUnit XML: one test case for each check, and one for the run where that speaks for itself.

There is no standard, but a schema that Jenkins checks by: `junit-10.xsd` of its xUnit plugin. JUnit has two
words for what did not pass, which are those that a gate needs: a failure is proven, an error is not known.
"""

from collections import Counter
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from gatewright.core.escape import xml_text
from gatewright.evidence.report import Reason
from gatewright.gate.decision import VerdictDocument, exit_code, headline
from gatewright.report.command import as_typed
from gatewright.report.outcomes import Case, Outcome, cases
from gatewright.report.text import describe_counts

__all__ = ["render_junit"]

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
ELEMENTS = {
    Outcome.FAILED: "failure",
    Outcome.UNKNOWN: "error",
    Outcome.WAIVED: "skipped",
    Outcome.ADVISORY: "skipped",
}


def render_junit(document: VerdictDocument) -> str:
    """The verdict as JUnit XML."""
    found = cases(document)
    elements = Counter(ELEMENTS.get(case.outcome, "") for case in found)
    seconds = f"{sum(case.check.duration_s for case in found if case.check):.3f}"
    numbers = {
        "tests": str(len(found)),
        "failures": str(elements["failure"]),
        "errors": str(elements["error"]),
    }
    root = ET.Element("testsuites", {"name": "gatewright", **numbers, "time": seconds})
    suite = ET.SubElement(
        root,
        "testsuite",
        {
            "name": "gatewright",
            **numbers,
            "skipped": str(elements["skipped"]),
            "time": seconds,
            "timestamp": document.started_at.isoformat(timespec="milliseconds"),
        },
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in facts_of(document):
        ET.SubElement(properties, "property", {"name": name, "value": xml_text(value)})
    suite.extend(test_case(case) for case in found)
    ET.indent(root)
    return f"{DECLARATION}\n{ET.tostring(root, encoding='unicode')}\n"


def facts_of(document: VerdictDocument) -> Iterator[tuple[str, str]]:
    """What the run as a whole is about."""
    yield "verdict", headline(document)
    yield "exit_code", str(int(exit_code(document)))
    yield "run_id", document.run_id
    yield "commit", document.subject.commit
    yield "tree", document.subject.tree
    yield "dirty", {True: "yes", False: "no", None: "unknown"}[document.subject.dirty]
    yield "policy", f"{document.policy.path} sha256:{document.policy.sha256}"
    yield "python", document.environment.python
    yield "platform", document.environment.platform


def test_case(case: Case) -> ET.Element:
    """A check as a test case; what it measured stands in its output."""
    seconds = f"{case.check.duration_s if case.check else 0:.3f}"
    element = ET.Element(
        "testcase",
        {
            "classname": "gatewright.checks" if case.check else "gatewright",
            "name": case.name,
            "time": seconds,
        },
    )
    said = "\n".join(xml_text(line) for reason in case.reasons for line in lines_of(reason))
    if tag := ELEMENTS.get(case.outcome):
        why = {"type": case.state.value, "message": xml_text(case.message)}
        ET.SubElement(element, tag, why).text = said or None
        said = ""
    output = [*(xml_text(line) for line in output_of(case)), *([said] if said else [])]
    if output:
        ET.SubElement(element, "system-out").text = "\n".join(output)
    return element


def lines_of(reason: Reason) -> Iterator[str]:
    """A reason, with all that it names."""
    place = f"{reason.artifact}#{reason.pointer}" if reason.pointer else reason.artifact
    yield reason.message
    facts = {"rule": reason.rule, "where": place, "expected": reason.expected, "observed": reason.observed}
    facts |= {"see": as_typed(reason.see), "mend": as_typed(reason.command)}
    yield from (f"  {name}: {value}" for name, value in facts.items() if value)


def output_of(case: Case) -> Iterator[str]:
    """What a check measured and where that is written."""
    if case.check is None:
        return
    yield f"state: {case.state.value}"
    yield f"measured: {describe_counts(case.check.counts)}"
    yield from (f"{name}: {value:g}" for name, value in case.check.metrics.items())
    yield f"manifest: {case.check.manifest}"
