"""Every way in which a sealed run may be tampered with is refused, each for its own reason."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from execution.seals import (
    ALL_SEALS,
    OTHER,
    RELEASE,
    UNIT_SEAL,
    VERDICT_SEAL,
    copy_from,
    edit_json,
    edit_payload,
    edit_verdict,
    reseal_sums,
    rules,
)

from gatewright.core.verdict import ExitCode
from gatewright.execution.project import Project
from gatewright.gate.verify import verify


def all_from(other: str) -> Callable[[Path, Project], None]:
    def attack(folder: Path, made: Project) -> None:
        shutil.rmtree(folder / "_attestations")
        shutil.copytree(made.runs / other / "_attestations", folder / "_attestations")

    return attack


def run_of(change: Callable[[dict], object]) -> Callable[[dict], object]:
    return lambda statement: change(statement["predicate"]["gatewright_run"])


ATTACKS: dict[str, tuple[set[tuple[str, str]], Callable[[Path, Project], object]]] = {
    "the seals are stripped": (
        {(path, "signature-present") for path in ALL_SEALS},
        lambda sealed_folder, sealed_project: shutil.rmtree(sealed_folder / "_attestations"),
    ),
    "the seal of the verdict is stripped": (
        {(VERDICT_SEAL, "signature-present")},
        lambda sealed_folder, sealed_project: (sealed_folder / VERDICT_SEAL).unlink(),
    ),
    "the seal of a check is stripped": (
        {(UNIT_SEAL, "signature-present")},
        lambda sealed_folder, sealed_project: (sealed_folder / UNIT_SEAL).unlink(),
    ),
    "the signature is taken out of an envelope": (
        {(VERDICT_SEAL, "signature-present")},
        lambda sealed_folder, sealed_project: edit_json(
            sealed_folder / VERDICT_SEAL, lambda it: it.update(signatures=[])
        ),
    ),
    "another key has sealed": (
        {(UNIT_SEAL, "signature-key")},
        lambda sealed_folder, sealed_project: edit_payload(sealed_folder / UNIT_SEAL, lambda it: None, OTHER),
    ),
    "the signature carries another key's id": (
        {(UNIT_SEAL, "signature-key-id")},
        lambda sealed_folder, sealed_project: edit_json(
            sealed_folder / UNIT_SEAL, lambda it: it["signatures"][0].update(keyid="other")
        ),
    ),
    "a signature stands twice": (
        {(UNIT_SEAL, "signature-once")},
        lambda sealed_folder, sealed_project: edit_json(
            sealed_folder / UNIT_SEAL, lambda it: it["signatures"].append(it["signatures"][0])
        ),
    ),
    "the payload type is changed": (
        {(VERDICT_SEAL, "signature-payload-type")},
        lambda sealed_folder, sealed_project: edit_json(
            sealed_folder / VERDICT_SEAL, lambda it: it.update(payloadType="text/plain")
        ),
    ),
    "the payload is changed": (
        {(UNIT_SEAL, "signature-valid")},
        lambda sealed_folder, sealed_project: edit_payload(
            sealed_folder / UNIT_SEAL, lambda it: it["predicate"].update(result="WARNED")
        ),
    ),
    "the envelope is no envelope": (
        {(UNIT_SEAL, "signature-readable")},
        lambda sealed_folder, sealed_project: (sealed_folder / UNIT_SEAL).write_bytes(b"{" * 100),
    ),
    "the envelope is endless": (
        {(UNIT_SEAL, "signature-readable")},
        lambda sealed_folder, sealed_project: (sealed_folder / UNIT_SEAL).write_bytes(b" " * 2_000_000),
    ),
    "the seals are those of another run": (
        {(path, "attestation-run") for path in ALL_SEALS},
        all_from("two"),
    ),
    "the seal of the verdict is that of another run": (
        {(VERDICT_SEAL, "attestation-run")},
        copy_from("two", VERDICT_SEAL),
    ),
    "the seal of a check is that of another check": (
        {(UNIT_SEAL, "attestation-check")},
        lambda sealed_folder, sealed_project: shutil.copyfile(
            sealed_folder / ALL_SEALS[2], sealed_folder / UNIT_SEAL
        ),
    ),
    "the seal of a check is that of the verdict": (
        {(UNIT_SEAL, "attestation-predicate")},
        lambda sealed_folder, sealed_project: shutil.copyfile(
            sealed_folder / VERDICT_SEAL, sealed_folder / UNIT_SEAL
        ),
    ),
    "the key has sealed another commit": (
        {(UNIT_SEAL, "attestation-commit")},
        lambda sealed_folder, sealed_project: edit_payload(
            sealed_folder / UNIT_SEAL,
            lambda it: it["subject"].append({"name": "commit", "digest": {"gitCommit": "0" * 40}}),
            RELEASE,
        ),
    ),
    "the key has sealed another tree": (
        {(UNIT_SEAL, "attestation-tree")},
        lambda sealed_folder, sealed_project: edit_payload(
            sealed_folder / UNIT_SEAL, lambda it: it["subject"][0]["digest"].update(sha256="0" * 64), RELEASE
        ),
    ),
    "the key has sealed other evidence": (
        {(UNIT_SEAL, "attestation-evidence")},
        lambda sealed_folder, sealed_project: edit_payload(
            sealed_folder / UNIT_SEAL,
            run_of(lambda it: it["evidence"][0]["digest"].update(sha256="0" * 64)),
            RELEASE,
        ),
    ),
    "the key has sealed less evidence": (
        {(UNIT_SEAL, "attestation-evidence")},
        lambda sealed_folder, sealed_project: edit_payload(
            sealed_folder / UNIT_SEAL, run_of(lambda it: it["evidence"].pop()), RELEASE
        ),
    ),
    "the key has sealed more evidence": (
        {(UNIT_SEAL, "attestation-evidence")},
        lambda sealed_folder, sealed_project: edit_payload(
            sealed_folder / UNIT_SEAL,
            run_of(lambda it: it["evidence"].append({"name": "more", "digest": {"sha256": "0" * 64}})),
            RELEASE,
        ),
    ),
    "the key has sealed another result": (
        {(UNIT_SEAL, "attestation-result")},
        lambda sealed_folder, sealed_project: edit_payload(
            sealed_folder / UNIT_SEAL, lambda it: it["predicate"].update(result="FAILED"), RELEASE
        ),
    ),
    "the key has sealed another policy": (
        {(VERDICT_SEAL, "attestation-result")},
        lambda sealed_folder, sealed_project: edit_payload(
            sealed_folder / VERDICT_SEAL,
            lambda it: it["predicate"]["verifier"]["policy"]["digest"].update(sha256="0" * 64),
            RELEASE,
        ),
    ),
    "the key has sealed something that is no statement": (
        {(UNIT_SEAL, "attestation-readable")},
        lambda sealed_folder, sealed_project: edit_payload(
            sealed_folder / UNIT_SEAL, lambda it: it.pop("subject"), RELEASE
        ),
    ),
    "the seal of a check that was never there is added": (
        {("_attestations/check-more.dsse.json", "unaltered")},
        lambda sealed_folder, sealed_project: shutil.copyfile(
            sealed_folder / UNIT_SEAL, sealed_folder / "_attestations" / "check-more.dsse.json"
        ),
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_each_attack_is_refused_by_its_own_rule(
    name: str, sealed_folder: Path, sealed_project: Project
) -> None:
    """Exit 4, and no other rule complains."""
    expected, attack = ATTACKS[name]
    attack(sealed_folder, sealed_project)
    verification = verify(sealed_folder, trusted=RELEASE)
    assert verification.exit_code is ExitCode.INTEGRITY
    assert rules(verification) == expected
    assert all("\n" not in problem.message for problem in verification.problems)


@pytest.mark.parametrize("name", ATTACKS)
def test_without_a_key_all_is_refused_but_what_only_a_key_shows(
    name: str, sealed_folder: Path, sealed_project: Project
) -> None:
    """What a seal is bound to is checked always; who made it, and whether there was one, needs the key."""
    expected, attack = ATTACKS[name]
    hidden = {"signature-valid", "signature-key", "signature-key-id"}
    attack(sealed_folder, sealed_project)
    if name == "the payload is changed":
        expected = {(UNIT_SEAL, "attestation-result")}
    elif name == "the seals are stripped" or {rule for _, rule in expected} <= hidden:
        expected = set()
    assert rules(verify(sealed_folder)) == expected


def test_a_verdict_that_was_edited_with_all_its_digests_is_not_the_sealed_one(sealed_folder: Path) -> None:
    """What digests alone can't show: everything else is in order again."""
    edit_verdict(sealed_folder, lambda it: it["environment"].update(cpu="a faster one"))
    assert verify(sealed_folder, trusted=RELEASE).exit_code is ExitCode.INTEGRITY
    shutil.rmtree(sealed_folder / "_attestations")
    assert verify(sealed_folder).is_intact
    assert rules(verify(sealed_folder, trusted=RELEASE)) == {
        (path, "signature-present") for path in ALL_SEALS
    }


def test_the_evidence_of_another_run_under_these_seals_is_refused(
    sealed_folder: Path, sealed_project: Project
) -> None:
    """Mixed folders, with all digests written anew."""
    shutil.rmtree(sealed_folder / "unit")
    shutil.copytree(sealed_project.runs / "two" / "unit", sealed_folder / "unit")
    reseal_sums(sealed_folder)
    found = rules(verify(sealed_folder, trusted=RELEASE))
    assert {(path, "attestation-evidence") for path in ALL_SEALS} <= found


def test_seals_behind_a_link_are_refused(sealed_folder: Path, sealed_project: Project) -> None:
    shutil.rmtree(sealed_folder / "_attestations")
    (sealed_folder / "_attestations").symlink_to(sealed_project.runs / "one" / "_attestations")
    assert ("_attestations", "unaltered") in rules(verify(sealed_folder, trusted=RELEASE))
