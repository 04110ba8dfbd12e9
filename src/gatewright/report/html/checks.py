"""The checks as a table: it filters and sorts where scripts run, and shows everything where they don't."""

from collections.abc import Iterator, Sequence

from gatewright.core.escape import html_text
from gatewright.core.redaction import Redactor
from gatewright.core.verdict import State
from gatewright.evidence.manifest import MANIFEST, Manifest
from gatewright.evidence.report import Reason
from gatewright.gate.aggregate import SESSIONS, CheckVerdict
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.states import rank
from gatewright.report.html.links import Links
from gatewright.report.html.material import Material
from gatewright.report.html.parts import cut, heading, note, seconds, size, state_badge
from gatewright.report.html.trends import strip_of
from gatewright.report.page import folded, isolated
from gatewright.report.plots.axis import number
from gatewright.report.text import describe_counts

__all__ = ["checks"]

MOST_CHECKS = 400
MOST_METRICS = 24
MOST_METRICS_OF_ALL = 2_000
MOST_FILES = 24
MOST_STEPS = 12
MOST_REASONS = 12
COLUMNS = (
    ("state", "number"),
    ("check", "text"),
    ("measured", "number"),
    ("time", "number"),
    ("history", ""),
    ("evidence", ""),
)
"""Name of each column, and how it is sorted."""


def checks(material: Material, links: Links) -> Iterator[str]:
    """The section."""
    document = material.document
    found = document.checks
    yield "<section>"
    yield heading("checks", "Checks", f"{len(found):,}" if found else "")
    if not found:
        yield note("No check has been judged.")
        yield "</section>"
        return
    shown = chosen(found)
    yield from tools(shown)
    yield '<div class="scroll" role="region" aria-labelledby="checks" tabindex="0">'
    yield '<table class="checks" role="table"><thead role="rowgroup"><tr role="row">'
    for name, kind in COLUMNS:
        sorts = f' data-sort="{kind}"' if kind else ""
        yield f'<th role="columnheader" scope="col" class="{name}"{sorts}>{name}</th>'
    yield "</tr></thead>"
    for place, check in enumerate(shown):
        yield from row(place, check, material, links)
    yield "</table></div>"
    if rest := len(found) - len(shown):
        yield note(f"{rest:,} further checks, none of them worse than these, are in the verdict's JSON")
    yield "</section>"


def chosen(found: Sequence[CheckVerdict]) -> Sequence[CheckVerdict]:
    """The checks in the order of the policy; of very many the worst."""
    if len(found) <= MOST_CHECKS:
        return found
    worst = sorted(range(len(found)), key=lambda place: rank(found[place].state))[:MOST_CHECKS]
    return [found[place] for place in sorted(worst)]


def tools(shown: Sequence[CheckVerdict]) -> Iterator[str]:
    """What filters; hidden until the script is there to do it."""
    states = sorted({check.state for check in shown}, key=rank)
    unsettled = sum(check.state is not State.PASS for check in shown)
    choices = [("", "all", len(shown))]
    choices += [("open", "not passed", unsettled)] if 0 < unsettled < len(shown) else []
    if len(states) > 1:
        choices += [(each.value, each.value, sum(check.state is each for check in shown)) for each in states]
    yield '<form class="tools" hidden role="search" aria-label="Filter the checks">'
    yield '<label class="find"><span>Find</span>'
    yield '<input type="search" autocomplete="off" spellcheck="false"></label>'
    yield f'<fieldset{" hidden" * (len(choices) == 1)}><legend class="unseen">State</legend>'
    for value, words, count in choices:
        picked = " checked" if not value else ""
        yield (
            f'<label class="choice"><input type="radio" name="state" value="{value}"{picked}>'
            f"<span>{words} <b>{count:,}</b></span></label>"
        )
    yield '</fieldset><output aria-live="polite"></output></form>'


def row(place: int, check: CheckVerdict, material: Material, links: Links) -> Iterator[str]:
    """A check: one row, and below it the details that its name opens."""
    amount = check.counts.collected + check.counts.schedules + check.counts.samples
    measured = describe_counts(check.counts)
    tags = [] if check.required else ['<span class="chip">advisory</span>']
    if check.waived:
        tags.append(f'<span class="chip warn">waived: {isolated(cut(check.waived, 120))}</span>')
    if check.isolated is False:
        tags.append('<span class="chip">shared environment</span>')
    cells = (
        ("state", rank(check.state), state_badge(check.state)),
        (
            "check",
            check.check,
            f"<details><summary>{isolated(check.check)}</summary></details>{''.join(tags)}",
        ),
        ("measured", amount, isolated(measured)),
        ("time", check.duration_s, html_text(seconds(check.duration_s) if check.started_at else "-")),
        ("history", "", strip_of(check, material.history)),
        ("evidence", "", " ".join(main_links(check, material.manifests.get(check.check), links))),
    )
    yield f'<tbody role="rowgroup" data-state="{check.state.value}" data-place="{place}"><tr role="row">'
    for name, key, content in cells:
        tag, role, scope = ("th", "rowheader", ' scope="row"') if name == "check" else ("td", "cell", "")
        yield (
            f'<{tag} role="{role}"{scope} class="{name}" data-name="{name}" data-key="{html_text(str(key))}">'
            f"{content}</{tag}>"
        )
    yield f'</tr><tr role="row" class="more"><td role="cell" colspan="{len(COLUMNS)}">'
    yield from details(check, material, links)
    yield "</td></tr></tbody>"


def main_links(check: CheckVerdict, manifest: Manifest | None, links: Links) -> Iterator[str]:
    """The files that people open first."""
    folder = check.manifest.removesuffix(MANIFEST)
    if check.manifest_sha256 is None and manifest is None:
        log = f"{folder.removesuffix(f'{check.check}/')}{SESSIONS}/{check.check}.log"
        yield links.to(log, "session log") if links.leads(log) else '<span class="quiet">none</span>'
        return
    listed = [entry.path for entry in manifest.files] if manifest else []
    names = {"report.html": "page", "report.json": "report", "junit.xml": "tests"}
    for path, words in names.items():
        if path in listed:
            yield links.to(folder + path, words)
    logs = [step.log for step in manifest.steps] if manifest else []
    if logs:
        yield links.to(folder + logs[-1], "log")
    yield links.to(check.manifest, "manifest")


def details(check: CheckVerdict, material: Material, links: Links) -> Iterator[str]:
    """All else that is known of a check."""
    manifest = material.manifests.get(check.check)
    yield '<div class="details">'
    yield from own_reasons(check, material.document, links)
    if manifest:
        yield from steps(check, manifest, links, material.redactor)
    yield from metrics(check, min(MOST_METRICS, 1 + MOST_METRICS_OF_ALL // len(material.document.checks)))
    if manifest:
        yield from files(check, manifest, links)
    yield "</div>"


def own_reasons(check: CheckVerdict, document: VerdictDocument, links: Links) -> Iterator[str]:
    """What speaks against the check, where the verdict does not tell it."""
    told = {reason.message for reason in document.reasons}
    untold = [reason for reason in check.reasons if reason.message not in told]
    if not check.reasons:
        return
    yield "<div><h3>Reasons</h3><ul>"
    if len(untold) < len(check.reasons):
        yield "<li>see above</li>"
    yield from (own_reason(reason, links) for reason in untold[:MOST_REASONS])
    if (rest := len(untold) - MOST_REASONS) > 0:
        yield f"<li>and {rest:,} more</li>"
    yield "</ul></div>"


def own_reason(reason: Reason, links: Links) -> str:
    """A reason in a line."""
    where = f" ({links.to(reason.artifact, pointer=reason.pointer)})" if reason.artifact else ""
    return f"<li>{folded(cut(reason.message))}{where}</li>"


def steps(check: CheckVerdict, manifest: Manifest, links: Links, redactor: Redactor) -> Iterator[str]:
    """What was run, and how it ended."""
    yield "<div><h3>Steps</h3><ol>"
    folder = check.manifest.removesuffix(MANIFEST)
    for step in manifest.steps[:MOST_STEPS]:
        line = " ".join(redactor.argv(step.argv))
        log = links.to(folder + step.log, "log") if step.log else ""
        yield (
            f'<li><code>{folded(cut(line))}</code><span class="aside">{isolated(cut(step.ending, 200))}, '
            f"{html_text(seconds(step.duration_s))} {log}</span></li>"
        )
    yield "</ol>"
    if (rest := len(manifest.steps) - MOST_STEPS) > 0:
        yield note(f"and {rest} more steps")
    yield "</div>"


def metrics(check: CheckVerdict, most: int) -> Iterator[str]:
    """Its figures, at most so many."""
    if not check.metrics:
        return
    yield "<div><h3>Figures</h3><dl>"
    for name, value in sorted(check.metrics.items())[:most]:
        yield f"<dt>{isolated(cut(name, 120))}</dt><dd>{html_text(number(value))}</dd>"
    yield "</dl>"
    if (rest := len(check.metrics) - most) > 0:
        yield note(f"and {rest:,} more in the verdict's JSON")
    yield "</div>"


def files(check: CheckVerdict, manifest: Manifest, links: Links) -> Iterator[str]:
    """The files that the manifest lists."""
    folder = check.manifest.removesuffix(MANIFEST)
    yield '<div><h3>Files</h3><ul class="files">'
    for entry in manifest.files[:MOST_FILES]:
        link = links.to(folder + entry.path, entry.path)
        yield f'<li>{link} <span class="aside">{size(entry.bytes)}</span></li>'
    yield "</ul>"
    if (rest := len(manifest.files) - MOST_FILES) > 0:
        yield note(f"and {rest:,} more files")
    yield "</div>"
