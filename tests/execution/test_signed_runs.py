"""Runs that are sealed: who sealed them, what of, and every way in which a seal is refused."""

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fakes.keys import BrokenSigner, FakeKey, KeyRing
from fakes.projects import CLEAN_POLICY, make_project, policy_with

import gatewright
from gatewright.core.clock import SystemClock
from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.verdict import ExitCode, Verdict
from gatewright.evidence.dsse import IN_TOTO, Signer, seal
from gatewright.evidence.record import write_atomic
from gatewright.evidence.signing.ed25519 import write_key_pair
from gatewright.evidence.statement import SIMPLE_VERIFICATION, TEST_RESULT
from gatewright.execution.gate import add_check, run_alone, run_gate
from gatewright.execution.judge import judge_now, verify_run
from gatewright.execution.project import Project, Settings
from gatewright.execution.run import open_run
from gatewright.execution.signing import KEY_VARIABLE, find_signer, open_key, sign_folder
from gatewright.gate.attest import attestation_paths, describe_seal
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.policy import load_policy
from gatewright.gate.verify import SUMS, VERDICT, Verification, verify
from gatewright.gate.wanted import Wanted, parse_age

RELEASE, OTHER = FakeKey("release"), FakeKey("other")
SIGNED = "[signing]\nrequired = true\n"
VERDICT_SEAL = "_attestations/verdict.dsse.json"
UNIT_SEAL = "_attestations/check-unit.dsse.json"


class Silent:
    def begin(self, check: str) -> None: ...

    def tick(self) -> None: ...

    def end(self, verdict) -> None: ...


def run_signed(project: Project, run_id: str, signer: Signer | None = RELEASE) -> VerdictDocument:
    """A run of the gate, as its steps are, by a signer of the test's own."""
    policy = load_policy(project.policy)
    run = open_run(project, policy, SystemClock(), run_id=run_id, signer=signer)
    for name in policy.policy.checks:
        add_check(project, Settings(), run.folder, name, clock=SystemClock(), echo=lambda _: None)
    return run.close(SystemClock())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with two runs that are sealed by the same key and one that nobody sealed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(gatewright.__file__).parents[1]))
        project = make_project(tmp_path_factory.mktemp("signed"), CLEAN_POLICY)
        for run_id, signer in {"one": RELEASE, "two": RELEASE, "bare": None}.items():
            assert run_signed(project, run_id, signer).verdict is Verdict.PASS
    return project


@pytest.fixture
def folder(made: Project, tmp_path: Path) -> Path:
    """A copy of the first run, as another machine would have it."""
    return shutil.copytree(made.runs / "one", tmp_path / "downloaded")


def rules(verification: Verification) -> set[tuple[str, str]]:
    return {(problem.artifact, problem.rule) for problem in verification.problems}


def payload_of(path: Path) -> dict:
    return json.loads(base64.b64decode(json.loads(path.read_bytes())["payload"]))


def test_a_sealed_run_is_verified_elsewhere_by_its_key(folder: Path) -> None:
    verification = verify(folder, trusted=RELEASE)
    assert verification.is_intact
    assert verification.exit_code is ExitCode.PASS
    assert str(verification.seal) == "signed by release"


def test_without_a_key_the_answer_says_what_was_not_checked(made: Project, folder: Path) -> None:
    sealed, bare = verify(folder), verify(made.runs / "bare")
    assert sealed.is_intact
    assert str(sealed.seal) == "signed by release, but no key was given to check it (--key FILE)"
    assert bare.is_intact
    assert str(bare.seal).startswith("not signed: digests only")


def test_the_statements_say_what_was_found_of_what(made: Project, folder: Path) -> None:
    """Test Result and Simple Verification Result of in-toto, about the tree, by the policy, from these files."""
    document = VerdictDocument.model_validate_json((folder / VERDICT).read_bytes())
    verdict, unit = payload_of(folder / VERDICT_SEAL), payload_of(folder / UNIT_SEAL)
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
    sums = {"name": SUMS, "digest": {"sha256": digest_of(folder / SUMS)}}
    assert sums in verdict["predicate"]["gatewright_run"]["evidence"]
    assert digest_of(folder / "unit" / "manifest.json") in json.dumps(unit)


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_failed_is_not_among_the_properties(tmp_path: Path) -> None:
    project = make_project(tmp_path, policy_with("junit(failed=1); sys.exit(1)"))
    run_signed(project, "one")
    verdict = payload_of(project.runs / "one" / VERDICT_SEAL)
    assert verdict["predicate"]["properties"] == []
    assert verdict["predicate"]["gatewright_run"]["verdict"] == "FAIL"
    unit = payload_of(project.runs / "one" / UNIT_SEAL)
    assert (unit["predicate"]["result"], unit["predicate"]["failedTests"]) == ("FAILED", ["unit"])
    assert verify(project.runs / "one", trusted=RELEASE).exit_code is ExitCode.FAIL


def reseal_sums(folder: Path) -> None:
    """Write all digests anew, as whoever can write the folder can."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path: path.relative_to(folder).as_posix() for path in files}
    lines = [
        f"{digest_of(path)}  {name}\n"
        for path, name in names.items()
        if name != SUMS and not name.startswith("_attestations/")
    ]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def edit_json(path: Path, change: Callable[[dict], object]) -> None:
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def edit_payload(path: Path, change: Callable[[dict], object], signer: FakeKey | None = None) -> None:
    """Change what an envelope says; with a signer, as that one would have signed it."""
    statement = payload_of(path)
    change(statement)
    data = json.dumps(statement).encode()
    if signer:
        path.write_text(seal(data, IN_TOTO, signer).to_json(), encoding="utf-8")
    else:
        edit_json(path, lambda it: it.update(payload=base64.b64encode(data).decode()))


def edit_verdict(folder: Path, change: Callable[[dict], object]) -> None:
    edit_json(folder / VERDICT, change)
    reseal_sums(folder)


def copy_from(other: str, path: str) -> Callable[[Path, Project], None]:
    return lambda folder, made: shutil.copyfile(made.runs / other / path, folder / path)


def all_from(other: str) -> Callable[[Path, Project], None]:
    def attack(folder: Path, made: Project) -> None:
        shutil.rmtree(folder / "_attestations")
        shutil.copytree(made.runs / other / "_attestations", folder / "_attestations")

    return attack


def run_of(change: Callable[[dict], object]) -> Callable[[dict], object]:
    return lambda statement: change(statement["predicate"]["gatewright_run"])


ALL_SEALS = (VERDICT_SEAL, UNIT_SEAL, "_attestations/check-stress.dsse.json")
ATTACKS: dict[str, tuple[set[tuple[str, str]], Callable[[Path, Project], object]]] = {
    "the seals are stripped": (
        {(path, "signature-present") for path in ALL_SEALS},
        lambda folder, made: shutil.rmtree(folder / "_attestations"),
    ),
    "the seal of the verdict is stripped": (
        {(VERDICT_SEAL, "signature-present")},
        lambda folder, made: (folder / VERDICT_SEAL).unlink(),
    ),
    "the seal of a check is stripped": (
        {(UNIT_SEAL, "signature-present")},
        lambda folder, made: (folder / UNIT_SEAL).unlink(),
    ),
    "the signature is taken out of an envelope": (
        {(VERDICT_SEAL, "signature-present")},
        lambda folder, made: edit_json(folder / VERDICT_SEAL, lambda it: it.update(signatures=[])),
    ),
    "another key has sealed": (
        {(UNIT_SEAL, "signature-key")},
        lambda folder, made: edit_payload(folder / UNIT_SEAL, lambda it: None, OTHER),
    ),
    "the signature carries another key's id": (
        {(UNIT_SEAL, "signature-key-id")},
        lambda folder, made: edit_json(
            folder / UNIT_SEAL, lambda it: it["signatures"][0].update(keyid="other")
        ),
    ),
    "a signature stands twice": (
        {(UNIT_SEAL, "signature-once")},
        lambda folder, made: edit_json(
            folder / UNIT_SEAL, lambda it: it["signatures"].append(it["signatures"][0])
        ),
    ),
    "the payload type is changed": (
        {(VERDICT_SEAL, "signature-payload-type")},
        lambda folder, made: edit_json(folder / VERDICT_SEAL, lambda it: it.update(payloadType="text/plain")),
    ),
    "the payload is changed": (
        {(UNIT_SEAL, "signature-valid")},
        lambda folder, made: edit_payload(
            folder / UNIT_SEAL, lambda it: it["predicate"].update(result="WARNED")
        ),
    ),
    "the envelope is no envelope": (
        {(UNIT_SEAL, "signature-readable")},
        lambda folder, made: (folder / UNIT_SEAL).write_bytes(b"{" * 100),
    ),
    "the envelope is endless": (
        {(UNIT_SEAL, "signature-readable")},
        lambda folder, made: (folder / UNIT_SEAL).write_bytes(b" " * 2_000_000),
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
        lambda folder, made: shutil.copyfile(folder / ALL_SEALS[2], folder / UNIT_SEAL),
    ),
    "the seal of a check is that of the verdict": (
        {(UNIT_SEAL, "attestation-predicate")},
        lambda folder, made: shutil.copyfile(folder / VERDICT_SEAL, folder / UNIT_SEAL),
    ),
    "the key has sealed another commit": (
        {(UNIT_SEAL, "attestation-commit")},
        lambda folder, made: edit_payload(
            folder / UNIT_SEAL,
            lambda it: it["subject"].append({"name": "commit", "digest": {"gitCommit": "0" * 40}}),
            RELEASE,
        ),
    ),
    "the key has sealed another tree": (
        {(UNIT_SEAL, "attestation-tree")},
        lambda folder, made: edit_payload(
            folder / UNIT_SEAL, lambda it: it["subject"][0]["digest"].update(sha256="0" * 64), RELEASE
        ),
    ),
    "the key has sealed other evidence": (
        {(UNIT_SEAL, "attestation-evidence")},
        lambda folder, made: edit_payload(
            folder / UNIT_SEAL,
            run_of(lambda it: it["evidence"][0]["digest"].update(sha256="0" * 64)),
            RELEASE,
        ),
    ),
    "the key has sealed less evidence": (
        {(UNIT_SEAL, "attestation-evidence")},
        lambda folder, made: edit_payload(
            folder / UNIT_SEAL, run_of(lambda it: it["evidence"].pop()), RELEASE
        ),
    ),
    "the key has sealed more evidence": (
        {(UNIT_SEAL, "attestation-evidence")},
        lambda folder, made: edit_payload(
            folder / UNIT_SEAL,
            run_of(lambda it: it["evidence"].append({"name": "more", "digest": {"sha256": "0" * 64}})),
            RELEASE,
        ),
    ),
    "the key has sealed another result": (
        {(UNIT_SEAL, "attestation-result")},
        lambda folder, made: edit_payload(
            folder / UNIT_SEAL, lambda it: it["predicate"].update(result="FAILED"), RELEASE
        ),
    ),
    "the key has sealed another policy": (
        {(VERDICT_SEAL, "attestation-result")},
        lambda folder, made: edit_payload(
            folder / VERDICT_SEAL,
            lambda it: it["predicate"]["verifier"]["policy"]["digest"].update(sha256="0" * 64),
            RELEASE,
        ),
    ),
    "the key has sealed something that is no statement": (
        {(UNIT_SEAL, "attestation-readable")},
        lambda folder, made: edit_payload(folder / UNIT_SEAL, lambda it: it.pop("subject"), RELEASE),
    ),
    "the seal of a check that was never there is added": (
        {("_attestations/check-more.dsse.json", "unaltered")},
        lambda folder, made: shutil.copyfile(
            folder / UNIT_SEAL, folder / "_attestations" / "check-more.dsse.json"
        ),
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_each_attack_is_refused_by_its_own_rule(name: str, folder: Path, made: Project) -> None:
    """Exit 4, and no other rule complains."""
    expected, attack = ATTACKS[name]
    attack(folder, made)
    verification = verify(folder, trusted=RELEASE)
    assert verification.exit_code is ExitCode.INTEGRITY
    assert rules(verification) == expected
    assert all("\n" not in problem.message for problem in verification.problems)


@pytest.mark.parametrize("name", ATTACKS)
def test_without_a_key_all_is_refused_but_what_only_a_key_shows(
    name: str, folder: Path, made: Project
) -> None:
    """What a seal is bound to is checked always; who made it, and whether there was one, needs the key."""
    expected, attack = ATTACKS[name]
    hidden = {"signature-valid", "signature-key", "signature-key-id"}
    attack(folder, made)
    if name == "the payload is changed":
        expected = {(UNIT_SEAL, "attestation-result")}
    elif name == "the seals are stripped" or {rule for _, rule in expected} <= hidden:
        expected = set()
    assert rules(verify(folder)) == expected


def test_a_verdict_that_was_edited_with_all_its_digests_is_not_the_sealed_one(folder: Path) -> None:
    """What digests alone can't show: everything else is in order again."""
    edit_verdict(folder, lambda it: it["environment"].update(cpu="a faster one"))
    assert verify(folder, trusted=RELEASE).exit_code is ExitCode.INTEGRITY
    shutil.rmtree(folder / "_attestations")
    assert verify(folder).is_intact
    assert rules(verify(folder, trusted=RELEASE)) == {(path, "signature-present") for path in ALL_SEALS}


def test_the_evidence_of_another_run_under_these_seals_is_refused(folder: Path, made: Project) -> None:
    """Mixed folders, with all digests written anew."""
    shutil.rmtree(folder / "unit")
    shutil.copytree(made.runs / "two" / "unit", folder / "unit")
    reseal_sums(folder)
    found = rules(verify(folder, trusted=RELEASE))
    assert {(path, "attestation-evidence") for path in ALL_SEALS} <= found


def test_seals_behind_a_link_are_refused(folder: Path, made: Project) -> None:
    shutil.rmtree(folder / "_attestations")
    (folder / "_attestations").symlink_to(made.runs / "one" / "_attestations")
    assert ("_attestations", "unaltered") in rules(verify(folder, trusted=RELEASE))


def replays(folder: Path, **wanted: object) -> set[str]:
    now = wanted.pop("now", SystemClock().now())
    found = verify(folder, trusted=RELEASE, wanted=Wanted(now=now, **wanted))
    assert (found.exit_code is ExitCode.INTEGRITY) == bool(found.problems)
    return {problem.rule for problem in found.problems}


def test_a_genuine_run_does_not_answer_for_a_newer_one(folder: Path) -> None:
    """A whole folder that is replayed is in order; only who says what is wanted can tell."""
    now = SystemClock().now()
    assert replays(folder) == set()
    assert replays(folder, run_id="one", max_age_s=3600) == set()
    assert replays(folder, run_id="two") == {"wanted-run"}
    assert replays(folder, commit="0" * 40) == {"wanted-commit"}
    assert replays(folder, max_age_s=3600, now=now + timedelta(hours=2)) == {"wanted-age"}
    assert replays(folder, max_age_s=3600, now=now - timedelta(hours=2)) == {"wanted-age"}


def test_a_commit_is_wanted_without_changes_on_top(folder: Path) -> None:
    """Who releases a commit releases none of the changes that somebody had beside it."""
    for dirty, expected in {False: set(), True: {"wanted-commit"}, None: {"wanted-commit"}}.items():
        edit_json(
            folder / VERDICT, lambda it, dirty=dirty: it["subject"].update(commit="a" * 40, dirty=dirty)
        )
        found = verify(folder, wanted=Wanted(now=SystemClock().now(), commit="a" * 7))
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


def test_a_second_signer_seals_beside_the_first(folder: Path) -> None:
    assert sign_folder(folder, OTHER).is_intact
    for key in (RELEASE, OTHER):
        assert str(verify(folder, trusted=key).seal) == f"signed by {key.name}"
    with pytest.raises(ConfigurationError, match="already"):
        sign_folder(folder, OTHER)


def test_a_second_signer_of_another_version_keeps_the_first_signature(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements name the version that made them: the second one signs the bytes of the first."""
    monkeypatch.setattr("gatewright.gate.attest.own_version", lambda: "99")
    assert sign_folder(folder, OTHER).is_intact
    assert all(verify(folder, trusted=key).is_intact for key in (RELEASE, OTHER))


def test_a_signing_that_was_interrupted_is_taken_up_again(
    made: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = shutil.copytree(made.runs / "bare", tmp_path / "bare")
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


def test_who_only_claims_to_have_sealed_is_not_named(folder: Path) -> None:
    """An id is no proof, not even that of a key which is trusted beside the one that signed."""
    for path in ALL_SEALS:
        edit_json(folder / path, lambda it: it["signatures"].append({"keyid": "other", "sig": "AAAA"}))
    verification = verify(folder, trusted=KeyRing((RELEASE, OTHER)))
    assert verification.is_intact
    assert str(verification.seal) == "signed by release"


def test_a_run_that_is_not_intact_is_not_sealed(folder: Path, made: Project, tmp_path: Path) -> None:
    bare = shutil.copytree(made.runs / "bare", tmp_path / "bare")
    (bare / "unit" / "junit.xml").write_text("<testsuites/>", encoding="utf-8")
    assert not sign_folder(bare, RELEASE).is_intact
    assert not (bare / "_attestations").exists()
    copy_from("two", VERDICT_SEAL)(folder, made)
    assert not sign_folder(folder, OTHER).is_intact


def test_a_run_that_nobody_sealed_is_sealed_later(made: Project, tmp_path: Path) -> None:
    bare = shutil.copytree(made.runs / "bare", tmp_path / "bare")
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


def test_the_forms_of_a_verdict_say_who_signs_it(made: Project) -> None:
    texts = [(made.runs / name / "verdict.md").read_text(encoding="utf-8") for name in ("one", "bare")]
    assert "signed by release" in texts[0]
    assert "not signed by the gate" in texts[1]
    assert describe_seal("") in texts[1].replace("\\", "")


def test_the_names_of_seals_collide_with_no_check(made: Project) -> None:
    """Checks may be called verdict, check-unit or attestations."""
    document = VerdictDocument.model_validate_json((made.runs / "one" / VERDICT).read_bytes())
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
