"""Read the JSON of pip-audit 2 (https://pypi.org/project/pip-audit/)."""

from collections.abc import Iterator

from gatewright.core.model import Foreign
from gatewright.core.verdict import State
from gatewright.evidence.adapters.adapter import (
    Adapter,
    Complaint,
    Format,
    Result,
    conclude,
    name_some,
)
from gatewright.evidence.report import Counts
from gatewright.evidence.strict import EvidenceError, parse_model

__all__ = ["PIP_AUDIT"]


class Vulnerability(Foreign):
    """A known vulnerability of a package in its version."""

    id: str


class Dependency(Foreign):
    """A package: audited (`version`, `vulns`), or not, and why (`skip_reason`)."""

    name: str
    version: str | None = None
    vulns: tuple[Vulnerability, ...] | None = None
    skip_reason: str | None = None

    @property
    def is_audited(self) -> bool:
        """Whether its vulnerabilities were looked up."""
        return self.skip_reason is None


class Document(Foreign):
    """A report."""

    dependencies: tuple[Dependency, ...]


def read_pip_audit(path: str, data: bytes) -> Result:
    """Judge an audit: a vulnerability fails it, a package that was not audited leaves it open."""
    packages = parse_model(data, Document, name=path).dependencies
    for index, each in enumerate(packages):
        if each.is_audited and (each.vulns is None or each.version is None):
            message = f"{path} does not say what was found of {each.name[:80]!r}"
            raise EvidenceError(message, pointer=f"/dependencies/{index}")
    # The same package twice is one package: no length of a list proves more than it names.
    audited = {each.name for each in packages if each.is_audited}
    vulnerable = {each.name for each in packages if each.vulns}
    return conclude(
        path,
        find_complaints(packages),
        counts=Counts(
            collected=len(audited | vulnerable),
            passed=len(audited - vulnerable),
            failed=len(vulnerable),
        ),
        metrics={
            "audit.packages": len(audited),
            "audit.skipped": sum(not each.is_audited for each in packages),
            "vulnerabilities": sum(len(each.vulns or ()) for each in packages),
        },
    )


def find_complaints(packages: tuple[Dependency, ...]) -> Iterator[Complaint]:
    """What keeps an audit from passing."""
    vulnerable = [index for index, each in enumerate(packages) if each.vulns]
    if vulnerable:
        names = (name_of(packages[index]) for index in vulnerable)
        yield Complaint(
            State.FAIL,
            "no-vulnerabilities",
            f"{len(vulnerable)} packages have known vulnerabilities: {name_some(names)}",
            expected="packages without known vulnerabilities",
            observed=f"{len(vulnerable)} of {len(packages)} packages",
            pointer=f"/dependencies/{vulnerable[0]}",
        )
    skipped = [index for index, each in enumerate(packages) if not each.is_audited]
    if skipped:
        reasons = dict.fromkeys(packages[index].skip_reason or packages[index].name for index in skipped)
        yield Complaint(
            State.INCONCLUSIVE,
            "all-audited",
            f"{len(skipped)} packages were not audited: {name_some(reasons)}",
            expected="an audit of every package",
            observed=f"{len(skipped)} of {len(packages)} packages left out",
            pointer=f"/dependencies/{skipped[0]}",
        )
    if not packages:
        expected, observed = "packages to audit", "none"
        yield Complaint(
            State.EMPTY, "packages-audited", "no package was audited", expected, observed, "/dependencies"
        )


def name_of(package: Dependency) -> str:
    """A package with its vulnerabilities."""
    found = " ".join(vulnerability.id for vulnerability in package.vulns or ())
    return f"{package.name} {package.version or ''} ({found})"


PIP_AUDIT = Adapter(
    Format.PIP_AUDIT,
    is_xml=False,
    signature=frozenset({"dependencies", "fixes"}),
    read=read_pip_audit,
)
