"""Commands about keys and seals: make a key, sign a run, verify one."""

import argparse
import os
from pathlib import Path

from gatewright.cli.common import Commands, project_of
from gatewright.core.clock import SystemClock
from gatewright.core.errors import ConfigurationError
from gatewright.core.escape import printable
from gatewright.core.verdict import ExitCode
from gatewright.evidence.dsse import Trusted
from gatewright.evidence.signing import PASSPHRASE_VARIABLE, load_allowed_signers, load_trusted
from gatewright.evidence.signing.ed25519 import write_key_pair
from gatewright.evidence.signing.keyfile import key_path
from gatewright.evidence.signing.passphrase import new_passphrase
from gatewright.execution.judge import resolve_run, verify_run
from gatewright.execution.project import find_project
from gatewright.execution.signing import KEY_VARIABLE, find_key, open_key, sign_folder
from gatewright.gate.policy import POLICY, load_policy
from gatewright.gate.verify import Verification
from gatewright.gate.wanted import Wanted, parse_age

__all__ = ["add_seal_commands", "add_trust_arguments", "trusted_of"]

VERIFY = """\
Is a verdict still what was written, and does its evidence still lead to it? Reads only, and needs no
project: a run folder that was copied from elsewhere is enough.

Digests alone tell that nothing was changed by accident; whoever can write the folder can write them anew.
With --key or --allowed-signers every seal must be by such a key. A seal does not say that a run is the one
you wait for: a genuine older run passes too, unless --run-id, --commit or --max-age say which one you want.
"""
VERIFY_EXAMPLES = """\
examples:
  gatewright verify                                        the latest verdict of this project
  gatewright verify FOLDER --key release.pub               sealed by this key
  gatewright verify FOLDER --allowed-signers FILE          sealed by one of these keys of OpenSSH
  gatewright verify FOLDER --key release.pub --commit "$(git rev-parse HEAD)" --max-age 1d

exit codes:
  that of the verdict when it is intact   2 usage or an unusable key   4 anything is not what it should be
"""


SIGN = """\
Seal a run: an in-toto statement for each check and one for the verdict, in DSSE envelopes. It is verified
first, and left alone where it is not intact. The gate does this itself where a key is configured; this
command seals a run later, on another machine, or beside whoever has sealed it before.
"""
SIGN_EXAMPLES = f"""\
examples:
  gatewright sign                                  the latest run, by the key that is configured
  gatewright sign FOLDER --key ~/.ssh/id_ed25519   a key of OpenSSH
  gatewright sign FOLDER --key id_ed25519.pub      one that ssh-agent or a token holds
  {PASSPHRASE_VARIABLE} gives the passphrase of a PEM key; else the terminal asks

exit codes:
  0 sealed, whatever the verdict   2 usage, an unusable key, or sealed by it already   4 not intact
"""
KEYGEN = """\
Make an Ed25519 key: the private half in FILE, for its owner alone, the public one in FILE.pub. Files that are
there already are left alone. Give FILE.pub to those who verify; FILE to nobody.
"""
KEYGEN_EXAMPLES = f"""\
examples:
  gatewright keygen ~/.config/gatewright/release
  {KEY_VARIABLE}=~/.config/gatewright/release gatewright gate
"""


def add_seal_commands(commands: Commands) -> None:
    """Add them to the command line."""
    add_verify(commands)

    sign = commands.add_parser(
        "sign",
        help="seal a run that is intact, beside whoever has sealed it before",
        description=SIGN,
        epilog=SIGN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sign.add_argument("folder", nargs="?", type=Path, help="a run folder; by default the latest run's")
    sign.add_argument("--key", type=Path, metavar="FILE", help=f"the key; by default {KEY_VARIABLE}'s")
    sign.set_defaults(command=sign_command)

    keygen = commands.add_parser(
        "keygen",
        help="make an Ed25519 key that signs runs",
        description=KEYGEN,
        epilog=KEYGEN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    keygen.add_argument("file", type=Path, metavar="FILE", help="where to; outside of the project")
    keygen.add_argument(
        "--passphrase",
        action="store_true",
        help=f"protect it by a passphrase: {PASSPHRASE_VARIABLE}, or asked for",
    )
    keygen.set_defaults(command=keygen_command)


def add_verify(commands: Commands) -> None:
    """Add `verify`."""
    verify = commands.add_parser(
        "verify",
        help="verify that a verdict and its evidence are what was written, and who sealed them; reads only",
        description=VERIFY,
        epilog=VERIFY_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument("folder", nargs="?", type=Path, help="a run folder; by default the latest run's")
    add_trust_arguments(verify)
    verify.add_argument("--run-id", metavar="ID", help="it must be this run")
    verify.add_argument("--commit", metavar="HASH", help="it must be about this very commit")
    verify.add_argument("--max-age", metavar="AGE", help="it must not be older: 90s, 15m, 2h, 7d")
    verify.set_defaults(command=verify_command)


def add_trust_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say whom a reader trusts."""
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--key", type=Path, metavar="FILE", help="the public key that must have signed")
    trust.add_argument(
        "--allowed-signers",
        type=Path,
        metavar="FILE",
        help="keys of OpenSSH, one of which must have signed",
    )


def trusted_of(options: argparse.Namespace) -> Trusted | None:
    """Whom the user trusts; None when nobody was named."""
    if options.key:
        return load_trusted(options.key)
    return load_allowed_signers(options.allowed_signers) if options.allowed_signers else None


def verify_command(options: argparse.Namespace) -> int:
    """Verify a verdict."""
    trusted = trusted_of(options)
    wanted = Wanted(
        now=SystemClock().now(),
        run_id=options.run_id,
        commit=options.commit,
        max_age_s=None if options.max_age is None else parse_age(options.max_age),
    )
    project = project_of(options) if options.folder is None else None
    verification = verify_run(project, options.folder, trusted=trusted, wanted=wanted)
    show_verification(verification)
    return verification.exit_code


def show_verification(verification: Verification) -> None:
    """Print what was found."""
    for problem in verification.problems:
        word = "MISMATCH" if problem.rule.startswith("wanted-") else "TAMPERED"
        print(printable(f"{word} {problem.artifact}: {problem.message}"))
    document = verification.document
    if document and verification.is_intact:
        alone = f" over {document.policy.only} alone" if document.policy.only else ""
        print(printable(f"intact: run {document.run_id} says {document.verdict.value}{alone}"))
        print(printable(str(verification.seal)))


def sign_command(options: argparse.Namespace) -> int:
    """Sign a run."""
    found = resolve_run(None if options.folder else project_of(options), options.folder)
    root = project_root(options) or found.folder
    key = options.key or configured_key(root)
    if key is None:
        raise ConfigurationError("no key is configured", remedy=f"give --key FILE or set {KEY_VARIABLE}")
    verification = sign_folder(found.folder, open_key(key, root))
    show_verification(verification)
    if verification.document is None or not verification.is_intact:
        return ExitCode.INTEGRITY
    return ExitCode.PASS


def project_root(options: argparse.Namespace) -> Path | None:
    """The project around us; None for a run folder that was copied away from its own."""
    try:
        return project_of(options).root
    except ConfigurationError:
        return None


def configured_key(root: Path) -> Path | None:
    """The key that the environment or the policy names."""
    named = os.environ.get(KEY_VARIABLE)
    if named:
        return key_path(named)
    policy = root / POLICY
    return find_key(load_policy(policy).policy, {}) if policy.is_file() else None


def keygen_command(options: argparse.Namespace) -> int:
    """Make a key."""
    path = key_path(str(options.file))
    if is_in_project(path):
        raise ConfigurationError(
            f"{path} lies in a project, and so would get where the project gets",
            remedy="name a place outside",
        )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key_id = write_key_pair(path, new_passphrase(os.environ) if options.passphrase else "")
    print(f"private key: {path}\npublic key:  {path}.pub\nkey id:      {key_id}")
    print(f"sign with it: {KEY_VARIABLE}={path} gatewright gate")
    return ExitCode.PASS


def is_in_project(path: Path) -> bool:
    """Whether a file would lie in a project that is gated."""
    try:
        find_project(path.resolve().parent)
    except ConfigurationError:
        return False
    return True
