"""A verdict becomes files: its forms, the digests of everything, the seals over both."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.escape import printable
from gatewright.evidence.digest import hash_bytes, hash_file, list_folder, write_sums
from gatewright.evidence.dsse import Signer
from gatewright.evidence.record import write_atomic
from gatewright.evidence.report import Reason
from gatewright.gate.attest import ATTESTATIONS, attest
from gatewright.gate.decision import VerdictDocument, incident, note
from gatewright.gate.verify import SUMS, UNSIGNED_KIND, VERDICT

__all__ = ["SealedRun", "seal_run", "to_json", "unsigned"]


@dataclass(frozen=True)
class SealedRun:
    """All that is written when a run closes, before any of it is.

    Attributes:
        data: the verdict itself, as it is written.
        forms: its other forms, by file.
        sums: the digests of all files of the run.
        seals: envelopes by path; none where nobody signs.
    """

    data: str
    forms: Mapping[str, str]
    sums: bytes
    seals: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 of the verdict."""
        return hash_bytes(self.data.encode())

    def write(self, folder: Path) -> None:
        """Write it down; the verdict, without which a run has not ended, goes last.

        Raises:
            OSError: it can't be written.
        """
        files: dict[str, str | bytes] = {**self.forms, SUMS: self.sums, **self.seals, VERDICT: self.data}
        for name, content in files.items():
            write_atomic(folder / name, content)


def seal_run(
    folder: Path, document: VerdictDocument, forms: Mapping[str, str], signer: Signer | None
) -> SealedRun:
    """Seal a run.

    Args:
        folder: the run folder, with the evidence that lies there already.
        document: the verdict.
        forms: its other forms, by file.
        signer: who signs; None where nobody does.

    Raises:
        GatewrightError: it can't be signed.
    """
    data = to_json(document)
    texts = {**forms, VERDICT: data}
    lying = [
        path
        for path in list_folder(folder).files
        if path not in {SUMS, *texts} and not path.startswith(f"{ATTESTATIONS}/")
    ]
    sums = {path: hash_file(folder, path).sha256 for path in lying}
    sums |= {path: hash_bytes(text.encode()) for path, text in texts.items()}
    listing = write_sums(sums)
    evidence = {VERDICT: data.encode(), SUMS: listing}
    seals = attest(document, evidence, signer) if signer else {}
    return SealedRun(data, forms, listing, seals)


def to_json(document: VerdictDocument) -> str:
    """The document as it is written."""
    return document.model_dump_json(indent=2) + "\n"


def unsigned(why: str, *, required: bool) -> Reason:
    """The reason that nobody signed a run; without consequences where the policy does not want it signed."""
    make = incident if required else note
    return make(
        UNSIGNED_KIND,
        f"the run is not signed: {printable(why)}",
        expected="a signature" if required else "a signature, as a key is configured",
        observed="digests only",
        command="GATEWRIGHT_SIGNING_KEY=FILE gatewright gate",
    )
