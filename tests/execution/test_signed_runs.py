"""Runs that are sealed: who sealed them, what of, and what a reader who wants a certain run is told."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from execution.seals import (
    ALL_SEALS,
    OTHER,
    RELEASE,
    SIGNED,
    UNIT_SEAL,
    VERDICT_SEAL,
    copy_from,
    digest_of,
    edit_json,
    payload_of,
    rules,
    run_signed,
)
from fakes.keys import BrokenSigner, KeyRing
from fakes.projects import make_project, policy_with

from gatewright.core.clock import SystemClock
from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.verdict import ExitCode, Verdict
from gatewright.evidence.record import write_atomic
from gatewright.evidence.signing.ed25519 import write_key_pair
from gatewright.evidence.statement import SIMPLE_VERIFICATION, TEST_RESULT
from gatewright.execution.gate import run_alone, run_gate
from gatewright.execution.judge import judge_now, verify_run
from gatewright.execution.project import Project, Settings
from gatewright.execution.signing import KEY_VARIABLE, find_signer, open_key, sign_folder
from gatewright.gate.attest import attestation_paths, describe_seal
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.policy import load_policy
from gatewright.gate.verify import SUMS, VERDICT, verify
from gatewright.gate.wanted import Wanted, parse_age


class Silent:
    def begin(self, check: str) -> None: ...

    def tick(self) -> None: ...

    def end(self, verdict) -> None: ...


def test_a_sealed_run_is_verified_elsewhere_by_its_key(sealed_folder: Path) -> None:
    verification = verify(sealed_folder, trusted=RELEASE)
    assert verification.is_intact
    assert verification.exit_code is ExitCode.PASS
    assert str(verification.seal) == "signed by release"


def test_without_a_key_the_answer_says_what_was_not_checked(
    sealed_project: Project, sealed_folder: Path
) -> None:
    sealed, bare = verify(sealed_folder), verify(sealed_project.runs / "bare")
    assert sealed.is_intact
    assert str(sealed.seal) == "signed by release, but no key was given to check it (--key FILE)"
    assert bare.is_intact
    assert str(bare.seal).startswith("not signed: digests only")


def test_the_statements_say_what_was_found_of_what(sealed_project: Project, sealed_folder: Path) -> None:
    """Test Result and Simple Verification Result of in-toto, about the tree, by the policy, from these files."""
    document = VerdictDocument.model_validate_json((sealed_folder / VERDICT).read_bytes())
    verdict, unit = payload_of(sealed_folder / VERDICT_SEAL), payload_of(sealed_folder / UNIT_SEAL)
    tree = {"name": "work-tree", "digest": {"sha256": document.subject.tree.removeprefix("sha256:")}}
    policy = {"name": "gate.toml", "digest": {"sha256": document.policy.sha256}}
    for statement, kind in ((verdict, SIMPLE_VERIFICATION), (unit, TEST_RESULT)):
        assert statement["_type"] == "https://in-toto.io/Statement/v1"
        assert statement["predicateType"] == kind
        assert statement["subject"] == [tree]
    assert verdict["predicate"]["verifier"]["policy"] == policy
    assert verdict["predicate"]["properties"] == [
        "GATEWRIGHT_RELEASE_PASS",
        "GATEWRIGHT_CHECK_PASS_unit",
        "GATEWRIGHT_CHECK_PASS_stress",
    ]
    assert unit["predicate"]["result"] == "PASSED"
    assert unit["predicate"]["configuration"] == [policy]
    assert unit["predicate"]["passedTests"] == ["unit"]
    sums = {"name": SUMS, "digest": {"sha256": digest_of(sealed_folder / SUMS)}}
    assert sums in verdict["predicate"]["gatewright_run"]["evidence"]
    assert digest_of(sealed_folder / "unit" / "manifest.json") in json.dumps(unit)


def test_what_failed_is_not_among_the_properties(tmp_path: Path) -> None:
    project = make_project(tmp_path, policy_with("junit(failed=1); sys.exit(1)"))
    run_signed(project, "one")
    verdict = payload_of(project.runs / "one" / VERDICT_SEAL)
    assert verdict["predicate"]["properties"] == []
    assert verdict["predicate"]["gatewright_run"]["verdict"] == "FAIL"
    unit = payload_of(project.runs / "one" / UNIT_SEAL)
    assert (unit["predicate"]["result"], unit["predicate"]["failedTests"]) == ("FAILED", ["unit"])
    assert verify(project.runs / "one", trusted=RELEASE).exit_code is ExitCode.FAIL


def replays(sealed_folder: Path, **wanted: object) -> set[str]:
    now = wanted.pop("now", SystemClock().now())
    found = verify(sealed_folder, trusted=RELEASE, wanted=Wanted(now=now, **wanted))
    assert (found.exit_code is ExitCode.INTEGRITY) == bool(found.problems)
    return {problem.rule for problem in found.problems}


def test_a_genuine_run_does_not_answer_for_a_newer_one(sealed_folder: Path) -> None:
    """A whole folder that is replayed is in order; only who says what is wanted can tell."""
    now = SystemClock().now()
    assert replays(sealed_folder) == set()
    assert replays(sealed_folder, run_id="one", max_age_s=3600) == set()
    assert replays(sealed_folder, run_id="two") == {"wanted-run"}
    assert replays(sealed_folder, commit="0" * 40) == {"wanted-commit"}
    assert replays(sealed_folder, max_age_s=3600, now=now + timedelta(hours=2)) == {"wanted-age"}
    assert replays(sealed_folder, max_age_s=3600, now=now - timedelta(hours=2)) == {"wanted-age"}


def test_a_commit_is_wanted_without_changes_on_top(sealed_folder: Path) -> None:
    """Who releases a commit releases none of the changes that somebody had beside it."""
    for dirty, expected in {False: set(), True: {"wanted-commit"}, None: {"wanted-commit"}}.items():
        edit_json(
            sealed_folder / VERDICT,
            lambda it, dirty=dirty: it["subject"].update(commit="a" * 40, dirty=dirty),
        )
        found = verify(sealed_folder, wanted=Wanted(now=SystemClock().now(), commit="a" * 7))
        assert {problem.rule for problem in found.problems if problem.rule.startswith("wanted")} == expected


@pytest.mark.parametrize("text", ["", "5", "h", "-1h", "1 h", "0s", "1w", "1.5h", "9999999999d", "\u0661h"])
def test_an_age_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no age"):
        parse_age(text)
    assert parse_age("90s") + parse_age("2h") + parse_age("1d") == 90 + 7_200 + 86_400


@pytest.mark.parametrize("commit", ["", "abc", "HEAD", "A" * 40])
def test_a_commit_that_is_none_is_refused(commit: str) -> None:
    with pytest.raises(ConfigurationError, match="is no commit"):
        Wanted(now=SystemClock().now(), commit=commit)


def test_a_second_signer_seals_beside_the_first(sealed_folder: Path) -> None:
    assert sign_folder(sealed_folder, OTHER).is_intact
    for key in (RELEASE, OTHER):
        assert str(verify(sealed_folder, trusted=key).seal) == f"signed by {key.name}"
    with pytest.raises(ConfigurationError, match="already"):
        sign_folder(sealed_folder, OTHER)


def test_a_second_signer_of_another_version_keeps_the_first_signature(
    sealed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements name the version that made them: the second one signs the bytes of the first."""
    monkeypatch.setattr("gatewright.gate.attest.own_version", lambda: "99")
    assert sign_folder(sealed_folder, OTHER).is_intact
    assert all(verify(sealed_folder, trusted=key).is_intact for key in (RELEASE, OTHER))


def test_a_signing_that_was_interrupted_is_taken_up_again(
    sealed_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = shutil.copytree(sealed_project.runs / "bare", tmp_path / "bare")
    monkeypatch.setattr("gatewright.execution.signing.write_atomic", interrupt_second(write_atomic))
    with pytest.raises(KeyboardInterrupt):
        sign_folder(bare, RELEASE)
    monkeypatch.undo()
    [begun] = (bare / "_attestations").iterdir()
    edit_json(begun, lambda it: it["signatures"][0].update(sig="AAAA"))
    assert not verify(bare, trusted=RELEASE).is_intact
    assert sign_folder(bare, RELEASE).is_intact
    assert verify(bare, trusted=RELEASE).is_intact


def interrupt_second(write: Callable[[Path, str], None]) -> Callable[[Path, str], None]:
    """A writer that Ctrl-C ends at its second file."""
    written: list[Path] = []

    def write_one(path: Path, content: str) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(path)
        write(path, content)

    return write_one


def test_who_only_claims_to_have_sealed_is_not_named(sealed_folder: Path) -> None:
    """An id is no proof, not even that of a key which is trusted beside the one that signed."""
    for path in ALL_SEALS:
        edit_json(sealed_folder / path, lambda it: it["signatures"].append({"keyid": "other", "sig": "AAAA"}))
    verification = verify(sealed_folder, trusted=KeyRing((RELEASE, OTHER)))
    assert verification.is_intact
    assert str(verification.seal) == "signed by release"


def test_a_run_that_is_not_intact_is_not_sealed(
    sealed_folder: Path, sealed_project: Project, tmp_path: Path
) -> None:
    bare = shutil.copytree(sealed_project.runs / "bare", tmp_path / "bare")
    (bare / "unit" / "junit.xml").write_text("<testsuites/>", encoding="utf-8")
    assert not sign_folder(bare, RELEASE).is_intact
    assert not (bare / "_attestations").exists()
    copy_from("two", VERDICT_SEAL)(sealed_folder, sealed_project)
    assert not sign_folder(sealed_folder, OTHER).is_intact


def test_a_run_that_nobody_sealed_is_sealed_later(sealed_project: Project, tmp_path: Path) -> None:
    bare = shutil.copytree(sealed_project.runs / "bare", tmp_path / "bare")
    assert sign_folder(bare, RELEASE).is_intact
    assert verify(bare, trusted=RELEASE).is_intact


def test_no_pass_is_unsigned_where_the_policy_wants_a_signature(tmp_path: Path) -> None:
    project = make_project(tmp_path, policy_with("junit()") + SIGNED)
    unsigned = run_signed(project, "unsigned", None)
    assert unsigned.verdict is Verdict.INCONCLUSIVE
    assert [reason.rule for reason in unsigned.reasons] == ["run-signed"]
    assert verify(project.runs / "unsigned").exit_code is ExitCode.INCONCLUSIVE
    broken = run_signed(project, "broken", BrokenSigner())
    assert broken.verdict is Verdict.INCONCLUSIVE
    assert "the agent has gone" in broken.reasons[0].message
    assert "not signed" in (project.runs / "broken" / "verdict.md").read_text(encoding="utf-8")
    signed = run_signed(project, "signed")
    assert signed.verdict is Verdict.PASS
    assert verify_run(project, None, trusted=RELEASE).exit_code is ExitCode.PASS
    shutil.rmtree(project.runs / "signed" / "_attestations")
    assert {rule for _, rule in rules(verify_run(project, None))} == {"signature-present"}
    assert judge_now(project, None, SystemClock()).verdict is Verdict.INCONCLUSIVE


def test_a_failure_stays_a_failure_when_it_can_not_be_signed(tmp_path: Path) -> None:
    project = make_project(tmp_path, policy_with("junit(failed=1); sys.exit(1)") + SIGNED)
    assert run_signed(project, "one", BrokenSigner()).verdict is Verdict.FAIL


def test_a_signature_that_nobody_needs_and_that_fails_is_told(tmp_path: Path) -> None:
    """The verdict stands, and says that it is not signed."""
    project = make_project(tmp_path, policy_with("junit()"))
    document = run_signed(project, "one", BrokenSigner())
    assert document.verdict is Verdict.PASS
    assert [reason.rule for reason in document.reasons] == ["note-signed"]
    assert verify_run(project, None).is_intact


def test_a_check_alone_needs_no_signature(tmp_path: Path) -> None:
    """It proves nothing about a release."""
    project = make_project(tmp_path, policy_with("junit()") + SIGNED)
    document = run_alone(project, Settings(), "unit", clock=SystemClock(), echo=lambda _: None)
    assert document.verdict is Verdict.PASS
    assert verify(project.runs / document.run_id).is_intact


def test_the_forms_of_a_verdict_say_who_signs_it(sealed_project: Project) -> None:
    texts = [
        (sealed_project.runs / name / "verdict.md").read_text(encoding="utf-8") for name in ("one", "bare")
    ]
    assert "signed by release" in texts[0]
    assert "not signed by the gate" in texts[1]
    assert describe_seal("") in texts[1].replace("\\", "")


def test_the_names_of_seals_collide_with_no_check(sealed_project: Project) -> None:
    """Checks may be called verdict, check-unit or attestations."""
    document = VerdictDocument.model_validate_json((sealed_project.runs / "one" / VERDICT).read_bytes())
    renamed = [
        check.model_copy(update={"check": name})
        for check, name in zip(document.checks, ("verdict", "check-verdict"), strict=True)
    ]
    assert len(attestation_paths(document.model_copy(update={"checks": tuple(renamed)}))) == 3


def test_the_gate_seals_by_the_key_that_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no command of a check learns which key that is."""
    code = "junit(); print(sorted(name for name in os.environ if 'SIGNING' in name))"
    project = make_project(tmp_path / "project", policy_with(code))
    key_id = write_key_pair(tmp_path / "key", "open sesame")
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "key"))
    monkeypatch.setenv("GATEWRIGHT_SIGNING_PASSPHRASE", "open sesame")
    document = run_gate(project, Settings(), SystemClock(), Silent())
    verification = verify_run(project, None)
    assert verification.seal.signers == (key_id,)
    log = project.runs / document.run_id / "unit" / "step-1.log"
    assert log.read_text(encoding="utf-8").splitlines()[-1] == "[]"


def test_a_key_of_the_policy_signs_where_it_is(tmp_path: Path) -> None:
    key = tmp_path / "keys" / "release"
    key.parent.mkdir()
    project = make_project(tmp_path / "project", policy_with("junit()") + f'[signing]\nkey = "{key}"\n')
    policy = load_policy(project.policy).policy
    assert find_signer(project, policy, {}) is None
    key_id = write_key_pair(key, "")
    signer = find_signer(project, policy, {})
    assert signer
    assert signer.key_id == key_id
    with pytest.raises(ConfigurationError, match="can't read the key"):
        find_signer(project, policy, {KEY_VARIABLE: str(tmp_path / "absent")})


def test_a_key_that_can_not_be_used_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path, policy_with("junit()"))
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(ConfigurationError, match="can't read the key"):
        run_gate(project, Settings(), SystemClock(), Silent())
    assert not project.runs.exists()
    assert not project.latest_files()


@pytest.mark.parametrize(
    "failure", [KeyboardInterrupt(), GatewrightError("ssh-keygen did not answer"), ValueError("a bug")]
)
def test_an_older_pass_does_not_outlive_a_run_that_never_got_its_key(
    failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever went wrong, also Ctrl-C at the prompt for a passphrase: the run asked for has no verdict."""
    project = make_project(tmp_path, policy_with("junit()"))
    run_signed(project, "one")
    assert project.latest_files()

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr("gatewright.execution.gate.find_signer", fail)
    with pytest.raises(type(failure)):
        run_gate(project, Settings(), SystemClock(), Silent())
    assert not project.latest_files()


def test_a_home_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    project = make_project(tmp_path, policy_with("junit()"))
    with pytest.raises(ConfigurationError, match="there is no home folder"):
        find_signer(project, load_policy(project.policy).policy, {KEY_VARIABLE: "~nobody-of-this-name/key"})


def test_a_private_key_in_the_tree_is_refused(tmp_path: Path) -> None:
    """Whoever gets the tree would get the key."""
    project = make_project(tmp_path / "project", policy_with("junit()"))
    write_key_pair(project.root / "key", "")
    (tmp_path / "link").symlink_to(project.root / "key")
    for path in (project.root / "key", tmp_path / "link"):
        with pytest.raises(ConfigurationError, match="lies in the tree"):
            open_key(path, project.root)


@pytest.mark.parametrize("key", ["key", "../key", "keys/release"])
def test_a_key_of_the_policy_is_named_from_a_root(key: str, tmp_path: Path) -> None:
    """Elsewhere a relative path would be another file, or one of the tree."""
    project = make_project(tmp_path, policy_with("junit()") + f'[signing]\nkey = "{key}"\n')
    with pytest.raises(ConfigurationError, match=r"signing\.key"):
        load_policy(project.policy)
