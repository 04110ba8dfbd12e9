"""What is sealed about a run, field by field, and in which words a seal of something else is refused."""

import json
from datetime import timedelta
from typing import Any

import pytest
from fakes.verdicts import MOMENT, make_check, make_document

from gatewright.core.provenance import UNKNOWN
from gatewright.core.verdict import State
from gatewright.evidence.dsse import SealError
from gatewright.evidence.statement import Descriptor
from gatewright.gate import attest
from gatewright.gate.attest import (
    Seal,
    by_name,
    check_statement,
    derive_statements,
    describe_files,
    describe_seal,
    outcome,
)
from gatewright.gate.decision import VerdictDocument

NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The SHA-256 of no bytes at all (FIPS 180-4)."""
FILES = ({"name": "verdict.json", "digest": {"sha256": NOTHING}},)
SUBJECT = [
    {"name": "work-tree", "digest": {"sha256": "7ee"}},
    {"name": "commit", "digest": {"gitCommit": "c0ffee"}},
]
POLICY = {"name": "gate.toml", "digest": {"sha256": "0" * 64}}


def statements(document: VerdictDocument) -> dict[str, Any]:
    """What is said of a run, by the envelope, as JSON."""
    made = derive_statements(document, describe_files({"verdict.json": b""}))
    return {path: json.loads(statement.to_bytes()) for path, statement in made.items()}


def of_verdict(document: VerdictDocument) -> dict[str, Any]:
    return statements(document)["_attestations/verdict.dsse.json"]["predicate"]


def test_a_verdict_is_sealed_with_all_that_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attest, "version", lambda name: {"gatewright": "1.2"}[name])
    document = make_document(
        make_check("unit"), make_check("slo", State.WARN), make_check("x", State.FAIL, required=False)
    )
    said = statements(document)
    assert list(said) == [
        f"_attestations/{name}.dsse.json" for name in ("verdict", "check-unit", "check-slo", "check-x")
    ]
    verdict = said["_attestations/verdict.dsse.json"]
    assert verdict["subject"] == SUBJECT
    predicate = verdict["predicate"]
    assert predicate["verifier"] == {"id": "pkg:pypi/gatewright@1.2", "policy": POLICY}
    assert predicate["timeCreated"] == "2026-01-01T00:00:05Z"
    assert predicate["properties"] == [
        "GATEWRIGHT_RELEASE_PASS",
        "GATEWRIGHT_CHECK_PASS_unit",
        "GATEWRIGHT_CHECK_PASS_slo",
    ]
    (run,) = [value for value in predicate.values() if isinstance(value, dict) and "exit_code" in value]
    assert (run["id"], run["verdict"], run["exit_code"]) == ("r", "PASS", 0)
    assert run["evidence"] == list(FILES)


@pytest.mark.parametrize(
    ("state", "result", "verdict", "code"),
    [
        (State.PASS, "PASSED", "PASS", 0),
        (State.WARN, "WARNED", "PASS", 0),
        (State.FAIL, "FAILED", "FAIL", 1),
        (State.SKIPPED, "FAILED", "INCONCLUSIVE", 3),
        (State.TAMPERED, "FAILED", "FAIL", 1),
    ],
)
def test_a_check_is_sealed_by_its_state(state: State, result: str, verdict: str, code: int) -> None:
    """Nothing but a pass is called one, and the manifest that the check rests on is sealed along."""
    document = make_document(make_check("unit", state, waived="W-1" if state is State.FAIL else ""))
    said = statements(document)["_attestations/check-unit.dsse.json"]
    assert said["subject"] == SUBJECT
    predicate = said["predicate"]
    assert (predicate["result"], predicate["configuration"]) == (result, [POLICY])
    assert predicate[f"{result.lower()}Tests"] == ["unit"]
    (run,) = [value for value in predicate.values() if isinstance(value, dict) and "exit_code" in value]
    assert (run["verdict"], run["exit_code"], run["check"], run["state"]) == (verdict, code, "unit", state)
    assert run.get("waived", "") == ("W-1" if state is State.FAIL else "")
    manifest = {"name": "runs/r/unit/manifest.json", "digest": {"sha256": "0" * 64}}
    assert run["evidence"] == [manifest, *FILES]


def test_a_check_without_a_manifest_is_sealed_without_one() -> None:
    document = make_document(make_check("unit", State.MISSING, manifest_sha256=None))
    predicate = statements(document)["_attestations/check-unit.dsse.json"]["predicate"]
    (run,) = [value for value in predicate.values() if isinstance(value, dict) and "exit_code" in value]
    assert run["evidence"] == list(FILES)


def test_a_run_of_no_known_commit_is_about_its_tree_alone() -> None:
    document = make_document(make_check("unit"))
    unknown = document.model_copy(update={"subject": document.subject.model_copy(update={"commit": UNKNOWN})})
    assert statements(unknown)["_attestations/verdict.dsse.json"]["subject"] == SUBJECT[:1]


def test_only_a_whole_run_that_passed_is_a_release() -> None:
    document = make_document(make_check("unit"))
    alone = document.policy.model_copy(update={"path": "gate.toml#checks.unit"})
    assert "GATEWRIGHT_RELEASE_PASS" in of_verdict(document)["properties"]
    assert of_verdict(document.model_copy(update={"policy": alone}))["properties"] == [
        "GATEWRIGHT_CHECK_PASS_unit"
    ]
    failed = make_document(make_check("unit"), make_check("slo", State.FAIL))
    assert of_verdict(failed)["properties"] == ["GATEWRIGHT_CHECK_PASS_unit"]


def test_a_run_that_has_not_ended_is_sealed_as_of_its_beginning() -> None:
    document = make_document(make_check("unit")).model_copy(
        update={"finished_at": None, "started_at": MOMENT + timedelta(hours=1)}
    )
    assert of_verdict(document)["timeCreated"] == "2026-01-01T01:00:00Z"


def test_sources_that_nobody_installed_have_version_0(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise attest.PackageNotFoundError(name)

    monkeypatch.setattr(attest, "version", missing)
    assert of_verdict(make_document(make_check("unit")))["verifier"]["id"] == "pkg:pypi/gatewright@0"


def refusal(sealed: VerdictDocument, beside: VerdictDocument, path: str, *files: str) -> tuple[str, str]:
    """Why what was sealed about one run is no seal of another."""
    name = f"_attestations/{path}.dsse.json"
    evidence = describe_files(dict.fromkeys(files or ("verdict.json",), b""))
    payload = derive_statements(sealed, evidence)[name].to_bytes()
    with pytest.raises(SealError) as caught:
        check_statement(payload, derive_statements(beside, describe_files({"verdict.json": b""}))[name])
    return caught.value.rule, caught.value.message


def changed(document: VerdictDocument, **subject: str) -> VerdictDocument:
    return document.model_copy(update={"subject": document.subject.model_copy(update=subject)})


def test_a_seal_of_something_else_says_what_it_is_about() -> None:
    document = make_document(make_check("unit"))
    other = document.model_copy(update={"run_id": "s"})
    assert refusal(other, document, "verdict") == ("attestation-run", "is about run s, not r")
    assert refusal(changed(document, commit="bad"), document, "verdict") == (
        "attestation-commit",
        "is about another commit: bad",
    )
    assert refusal(changed(document, commit=UNKNOWN), document, "verdict") == (
        "attestation-commit",
        "is about another commit: none",
    )
    assert refusal(changed(document, tree="sha256:" + "f" * 90), document, "verdict") == (
        "attestation-tree",
        "is about another work tree: " + "f" * 80,
    )
    assert refusal(document, document, "verdict", "x" * 130) == (
        "attestation-evidence",
        "seals another verdict.json than the one beside it",
    )
    assert refusal(document, document, "verdict", "verdict.json", "x" * 130) == (
        "attestation-evidence",
        f"seals another {'x' * 120} than the one beside it",
    )
    failed = make_document(make_check("unit", State.FAIL))
    assert refusal(failed, document, "check-unit") == (
        "attestation-result",
        "says another result than the verdict beside it",
    )


def test_a_seal_of_another_check_or_kind_is_refused() -> None:
    document = make_document(make_check("unit"), make_check("slo"))
    made = derive_statements(document, describe_files({}))
    verdict, unit, slo = made.values()
    with pytest.raises(SealError, match=r"^is about check slo, not unit$") as caught:
        check_statement(slo.to_bytes(), unit)
    assert caught.value.rule == "attestation-check"
    with pytest.raises(SealError, match=r"^says another kind of thing than its name$") as caught:
        check_statement(unit.to_bytes(), verdict)
    assert caught.value.rule == "attestation-predicate"
    with pytest.raises(SealError, match=r"^the statement is not JSON") as caught:
        check_statement(b"{", verdict)
    assert caught.value.rule == "attestation-readable"


def test_two_things_of_one_name_are_refused() -> None:
    twice = [Descriptor(name="a", digest={"sha256": "0"}), Descriptor(name="a", digest={"sha256": "1"})]
    with pytest.raises(SealError, match=r"^names one thing twice$") as caught:
        by_name(twice)
    assert caught.value.rule == "attestation-readable"
    assert by_name(twice[:1]) == {"a": {"sha256": "0"}}


def test_the_version_of_whoever_sealed_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that an older toolkit sealed is the same run; one that another program sealed is not."""
    document = make_document(make_check("unit"))
    said = []
    for version in ("1", "2@3"):
        monkeypatch.setattr(attest, "version", lambda _, version=version: version)
        said.append(next(iter(derive_statements(document, ()).values())))
    assert said[0] != said[1]
    assert outcome(said[0]) == outcome(said[1])
    monkeypatch.setattr(attest, "VERIFIER", "pkg:pypi/other")
    assert outcome(next(iter(derive_statements(document, ()).values()))) != outcome(said[0])


def test_who_signed_is_told_in_words() -> None:
    assert str(Seal()) == "not signed: digests only, which whoever can write the folder can write anew"
    assert str(Seal(("a", "b"))) == "signed by a, b, but no key was given to check it (--key FILE)"
    assert str(Seal(("a",), ("b", "c\n"))) == "signed by b, c\\n"
    assert describe_seal("") == "not signed by the gate: digests only"
