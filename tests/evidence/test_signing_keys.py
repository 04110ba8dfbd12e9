"""Keys: Ed25519 in PEM files, whatever OpenSSH has, and one clear line for everything that can't sign."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import gatewright
from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.evidence.signing import (
    PASSPHRASE_VARIABLE,
    load_allowed_signers,
    load_signer,
    load_trusted,
)
from gatewright.evidence.signing.ed25519 import Ed25519Signer, Ed25519Trusted, write_key_pair
from gatewright.evidence.signing.ssh import NAMESPACE, public_key_of, remove_armour


@pytest.fixture(scope="module")
def ssh_keygen() -> str:
    """The program, whose absence is a failure where nobody would read of a skip."""
    found = shutil.which("ssh-keygen")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("there is no ssh-keygen, and this is CI")
        pytest.skip("there is no ssh-keygen here")
    return found


@pytest.fixture
def ssh_key(ssh_keygen: str, tmp_path: Path) -> Path:
    return make_ssh_key(tmp_path / "ssh")


def make_ssh_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "a comment", "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def test_signatures_are_those_of_the_standard() -> None:
    """Tests 1 and 2 of RFC 8032, section 7.1."""
    seeds = {
        b"": (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        b"\x72": (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    }
    for message, (seed, signature) in seeds.items():
        signer = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)))
        assert signer.sign(message).hex() == signature
        trusted = Ed25519Trusted(signer.key.public_key())
        assert trusted.identify(message, bytes.fromhex(signature)) == signer.key_id
        assert trusted.identify(message + b"!", bytes.fromhex(signature)) is None


@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_a_key_that_was_made_signs_for_its_public_half(tmp_path: Path, passphrase: str) -> None:
    path = tmp_path / "key"
    key_id = write_key_pair(path, passphrase)
    assert path.stat().st_mode & 0o777 == 0o600
    signer = load_signer(path, {PASSPHRASE_VARIABLE: passphrase})
    trusted = load_trusted(tmp_path / "key.pub")
    assert signer.key_id == trusted.name == key_id
    assert trusted.knows(key_id)
    assert trusted.identify(b"message", signer.sign(b"message")) == key_id
    assert trusted.identify(b"other", signer.sign(b"message")) is None
    assert trusted.identify(b"message", b"short") is None
    if passphrase:
        with pytest.raises(ConfigurationError, match="passphrase is wrong"):
            load_signer(path, {PASSPHRASE_VARIABLE: "guess"})


def test_no_key_is_overwritten(tmp_path: Path) -> None:
    write_key_pair(tmp_path / "key", "")
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(ConfigurationError, match="already"):
        write_key_pair(tmp_path / "key", "")
    (tmp_path / "new.pub").touch()
    with pytest.raises(ConfigurationError, match="already"):
        write_key_pair(tmp_path / "new", "")
    assert (tmp_path / "key").read_bytes() == before
    assert not (tmp_path / "new").exists()


def test_a_key_lies_behind_a_link_where_secrets_are_mounted(tmp_path: Path) -> None:
    write_key_pair(tmp_path / "key", "")
    (tmp_path / "link").symlink_to(tmp_path / "key")
    assert load_signer(tmp_path / "link").key_id == load_signer(tmp_path / "key").key_id


def ecdsa_key(part: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    if part == "public":
        return key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


BROKEN = b"-----BEGIN %b KEY-----\nMCowBQYDK2VwAyEA\n-----END %b KEY-----\n"
UNUSABLE = {
    "nothing": (None, "there is no key"),
    "an empty file": (b"", "holds no key"),
    "some text": (b"my key is 1234", "holds no key"),
    "a certificate": (b"-----BEGIN CERTIFICATE-----\n", "holds no key"),
    "a broken private key": (BROKEN.replace(b"%b", b"PRIVATE"), "the key is broken"),
    "a private key of another kind": (ecdsa_key("private"), "no Ed25519 key"),
    "a public key": (ecdsa_key("public"), "is a public key"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_can_not_sign_costs_one_line(name: str, tmp_path: Path) -> None:
    data, message = UNUSABLE[name]
    path = tmp_path / "key"
    if data is not None:
        path.write_bytes(data)
        path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=message) as refused:
        load_signer(path, {})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (BROKEN.replace(b"%b", b"PUBLIC"), "it is broken"),
        (ecdsa_key("public"), "no Ed25519 key"),
        (ecdsa_key("private"), "is a private key"),
    ],
)
def test_what_can_not_be_trusted_costs_one_line(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=message):
        load_trusted(path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    write_key_pair(tmp_path / "key", "")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_signer(tmp_path / "key")


def test_a_key_that_needs_a_passphrase_asks_nobody_who_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_key_pair(tmp_path / "key", "open sesame")
    monkeypatch.setattr("sys.stdin", (tmp_path / "key").open(encoding="utf-8"))
    with sys.stdin, pytest.raises(ConfigurationError, match=PASSPHRASE_VARIABLE):
        load_signer(tmp_path / "key", {})


def test_without_the_extra_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_key_pair(tmp_path / "key", "")
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    for use in (
        lambda: load_signer(tmp_path / "key"),
        lambda: load_trusted(tmp_path / "key.pub"),
        lambda: write_key_pair(tmp_path / "new", ""),
    ):
        with pytest.raises(ConfigurationError, match=r"pip install 'gatewright\[sign\]'"):
            use()


def test_the_core_does_not_import_cryptography() -> None:
    """A gate without a key starts as fast as before."""
    code = "import gatewright.cli, sys; sys.exit('cryptography' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(gatewright.__file__).parents[1])}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_a_key_of_openssh_signs_for_its_public_half(ssh_key: Path) -> None:
    signer, trusted = load_signer(ssh_key), load_trusted(ssh_key.with_name("ssh.pub"))
    signature = signer.sign(b"message")
    listed = subprocess.run(["ssh-keygen", "-l", "-f", ssh_key], capture_output=True, text=True, check=True)
    assert signer.key_id == trusted.name == listed.stdout.split()[1]
    assert trusted.identify(b"message", signature) == signer.key_id
    assert trusted.identify(b"other", signature) is None
    for broken in (
        b"",
        b"SSHSIG\0\0\0\1",
        signature[:-1],
        signature[:40],
        signature.replace(NAMESPACE.encode(), b"git" * 3),
    ):
        assert trusted.identify(b"message", broken) is None


def test_the_public_half_is_derived_where_it_does_not_lie_beside(ssh_key: Path) -> None:
    expected = load_signer(ssh_key).key_id
    ssh_key.with_name("ssh.pub").unlink()
    assert load_signer(ssh_key).key_id == expected


def test_a_public_half_of_another_key_does_not_name_a_signature(ssh_key: Path, tmp_path: Path) -> None:
    """ssh-keygen refuses it, so that no envelope names a signer whom no reader finds."""
    other = make_ssh_key(tmp_path / "other")
    shutil.copyfile(other.with_name("other.pub"), ssh_key.with_name("ssh.pub"))
    with pytest.raises(GatewrightError, match="did not sign"):
        load_signer(ssh_key).sign(b"message")


def test_a_public_key_signs_by_the_agent(
    ssh_keygen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with git's user.signingkey: the private half need not be a file here at all."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("there is no ssh-agent here")
    key = make_ssh_key(tmp_path / "ssh")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(tmp_path / "agent")], stdout=subprocess.PIPE)
    try:
        assert agent.stdout
        agent.stdout.readline()  # it listens
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        subprocess.run(["ssh-add", "-q", str(key)], check=True, capture_output=True)
        public = key.with_name("ssh.pub")
        key.unlink()
        signer = load_signer(public)
        assert load_trusted(public).identify(b"message", signer.sign(b"message")) == signer.key_id
    finally:
        agent.terminate()
        agent.communicate()
    with pytest.raises(GatewrightError, match="did not sign"):
        signer.sign(b"message")


def test_allowed_signers_say_who_may_sign_and_for_what(ssh_keygen: str, tmp_path: Path) -> None:
    ours, foreign = make_ssh_key(tmp_path / "ours"), make_ssh_key(tmp_path / "foreign", "ecdsa")
    allowed = tmp_path / "allowed_signers"
    public = ours.with_name("ours.pub").read_text(encoding="utf-8")
    signer = load_signer(ours)
    signature = signer.sign(b"message")

    def accepted(line: str, by: bytes = signature) -> str | None:
        allowed.write_text(f"# who may sign\n\n{line}", encoding="utf-8")
        return load_allowed_signers(allowed).identify(b"message", by)

    assert accepted(f"release@example.org {public}") == signer.key_id
    assert accepted(f'release@example.org namespaces="{NAMESPACE}" {public}') == signer.key_id
    assert accepted(f'release@example.org namespaces="git" {public}') is None
    assert accepted(f'release@example.org valid-before="20200101" {public}') is None
    assert accepted(f"release@example.org {public}", load_signer(foreign).sign(b"message")) is None
    assert load_allowed_signers(allowed).knows(signer.key_id)
    assert not load_allowed_signers(allowed).knows(load_signer(foreign).key_id)


def test_a_signature_for_another_purpose_is_not_ours(ssh_key: Path) -> None:
    """One that the same key made for git, or for a file."""
    command = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(ssh_key), "-n", "git"]
    made = subprocess.run(command, input=b"message", capture_output=True, check=True)
    signature = remove_armour(made.stdout)
    assert public_key_of(signature)
    assert load_trusted(ssh_key.with_name("ssh.pub")).identify(b"message", signature) is None


def test_allowed_signers_without_a_key_are_refused(tmp_path: Path) -> None:
    (tmp_path / "allowed").write_text("# nobody\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="names no public key"):
        load_allowed_signers(tmp_path / "allowed")
    with pytest.raises(ConfigurationError, match="can't read"):
        load_allowed_signers(tmp_path / "absent")


def test_an_ssh_keygen_that_can_not_verify_accuses_nobody(
    ssh_key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is too old ends with its usage: that says nothing about the signature."""
    trusted, signature = load_trusted(ssh_key.with_name("ssh.pub")), load_signer(ssh_key).sign(b"message")
    old = tmp_path / "bin" / "ssh-keygen"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'unknown option -- Y' >&2\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(old.parent), prepend=os.pathsep)
    with pytest.raises(ConfigurationError, match=r"exit 1, unknown option -- Y; OpenSSH 8\.2"):
        trusted.identify(b"message", signature)


def test_without_ssh_keygen_one_line_says_what_to_install(
    ssh_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted, signature = load_trusted(ssh_key.with_name("ssh.pub")), load_signer(ssh_key).sign(b"message")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError, match="install openssh-client"):
        load_signer(ssh_key).sign(b"message")
    with pytest.raises(ConfigurationError, match="install openssh-client"):
        trusted.identify(b"message", signature)
