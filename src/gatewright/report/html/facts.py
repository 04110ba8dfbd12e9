"""What a verdict is about and how to see it again: waivers, environment, commands."""

from collections.abc import Iterator

from gatewright.core.escape import html_text
from gatewright.core.provenance import UNKNOWN
from gatewright.core.verdict import State
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.waivers import WaiverStatus, WaiverUse
from gatewright.report.html.material import Material
from gatewright.report.html.parts import Tone, command, cut, heading, note, short, size
from gatewright.report.page import isolated

__all__ = ["environment", "repeat", "waivers"]

MOST_WAIVERS = 60
MOST_PACKAGES = 500
MOST_CHECKS = 6
TONES: dict[WaiverStatus, Tone] = {WaiverStatus.APPLIED: "warn", WaiverStatus.UNMATCHED: "doubt"}


def waivers(document: VerdictDocument) -> Iterator[str]:
    """The section; nothing where the policy has none."""
    if not document.waivers:
        return
    applied = sum(use.status is WaiverStatus.APPLIED for use in document.waivers)
    yield "<section>"
    yield heading("waivers", "Waivers", f"{applied} applied of {len(document.waivers)}")
    yield '<ul class="waivers">'
    for use in document.waivers[:MOST_WAIVERS]:
        yield waiver(use, document)
    yield "</ul>"
    if (rest := len(document.waivers) - MOST_WAIVERS) > 0:
        yield note(f"and {rest} more waivers: latest.json has them all")
    yield "</section>"


def waiver(use: WaiverUse, document: VerdictDocument) -> str:
    """One waiver: what became of it, who answers for it, until when."""
    until = ""
    if use.expires:
        until = f"until {use.expires.isoformat()}"
        if document.finished_at:
            days = (use.expires - document.finished_at.date()).days
            until += (
                f" ({days} days left)"
                if days > 1
                else {1: " (1 day left)", 0: " (its last day)"}.get(days, " (over)")
            )
    owner = f"<dt>answers for it</dt><dd>{isolated(cut(use.owner, 200))}</dd>" if use.owner else ""
    day = f"<dt>holds</dt><dd>{html_text(until)}</dd>" if until else ""
    words = (
        use.reason if use.status is WaiverStatus.APPLIED else f"{use.message} ({use.reason or 'no reason'})"
    )
    about = f" on {isolated(cut(use.check, 80))}" if use.check else ""
    return (
        f'<li class="{TONES.get(use.status, "fail")}"><p><b>{isolated(cut(use.id, 120))}</b>{about} '
        f'<span class="chip">{use.status.value}</span></p>'
        f"<p>{isolated(cut(words, 600))}</p><dl>{owner}{day}</dl></li>"
    )


def environment(material: Material) -> Iterator[str]:
    """The section: where it ran, on what, judged by what."""
    document = material.document
    machine, subject = document.environment, document.subject
    memory = size(machine.memory_bytes) if machine.memory_bytes else UNKNOWN
    facts = {
        "Python": isolated(cut(f"{machine.python} ({machine.implementation})", 120)),
        "system": isolated(cut(f"{machine.platform}, {machine.machine}", 200)),
        "processor": isolated(cut(f"{machine.cpu}, {machine.cpus} cores", 200)),
        "memory": html_text(memory),
        "commit": short(subject.commit),
        "work tree": short(subject.tree),
        "lock files": short(subject.lock),
        "policy": short(document.policy.sha256),
    }
    yield "<section>"
    yield heading("environment", "Environment")
    yield '<dl class="facts">'
    yield from (f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items())
    yield "</dl>"
    if machine.packages:
        yield f'<details class="fold"><summary>{len(machine.packages):,} packages of the gate</summary>'
        yield '<ul class="packages">'
        for name, version in list(machine.packages.items())[:MOST_PACKAGES]:
            yield f"<li>{isolated(cut(name, 80))} <span>{isolated(cut(version, 40))}</span></li>"
        yield "</ul></details>"
    yield "</section>"


def repeat(material: Material) -> Iterator[str]:
    """The section: the commands that make this again, or look closer."""
    document = material.document
    full = " --full" if material.profile == "full" else ""
    steps = []
    if document.subject.commit != UNKNOWN:
        steps.append(("Take the same commit", f"git checkout {document.subject.commit}"))
    steps.append(("Run the whole gate again", f"gatewright gate{full}"))
    open_checks = [each.check for each in document.checks if each.state is not State.PASS]
    steps += [(f"Run {name} alone", f"gatewright run {name}") for name in open_checks[:MOST_CHECKS]]
    steps += [
        ("See every reason down to its place", "gatewright explain"),
        ("Check that nothing was altered", "gatewright verify"),
        ("Judge this evidence for the tree as it is now", "gatewright judge"),
    ]
    yield "<section>"
    yield heading("repeat", "Run it again")
    yield '<dl class="repeat">'
    yield from (f"<dt>{html_text(what)}</dt><dd>{command(how)}</dd>" for what, how in steps)
    yield "</dl></section>"
