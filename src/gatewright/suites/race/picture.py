"""A picture of an interleaving: one page for a browser that needs no network and runs no script."""

from collections.abc import Iterator, Mapping, Sequence

from gatewright.core.escape import html_text
from gatewright.race import Operation, Response, Tape
from gatewright.race.interleaving import Interleaving, Row, RowKind, TakenStep, interleaving
from gatewright.report.page import isolated, page
from gatewright.suites.race.picture_style import STYLE
from gatewright.suites.race.report import Counterexample

__all__ = ["facts_of", "render_counterexample", "render_picture"]

LANE_COLOURS = 6
SHOWN_CHARACTERS = 280
TITLE_CHARACTERS = 120
ARROWS = {RowKind.CALL: ("→", "asks"), RowKind.ANSWER: ("←", "is answered")}
CAPTION = (
    "Time runs from top to bottom; each column is one actor. → a request begins, a box is one statement or "
    "point, ← its answer. At a dashed line an actor was stopped for another."
)


def facts_of(tape: Tape) -> dict[str, str]:
    """What is worth knowing of a tape, by name."""
    return {
        "preemptions": str(tape.preemptions),
        "steps": str(len(tape.steps)),
        "process model": tape.process_model.value,
        "strategy": tape.strategy,
        "seed": str(tape.seed),
    }


def render_counterexample(example: Counterexample) -> str:
    """The page of a counterexample as a report holds it."""
    operations = [
        Operation(
            actor=op.actor,
            method=op.method,
            path=op.path,
            body=op.body,
            response=Response(op.status, op.answer),
            called=op.called,
            returned=op.returned,
            error=op.error,
        )
        for op in example.operations
    ]
    picture = interleaving(
        [TakenStep(step.actor, step.label, step.waited, step.preempts) for step in example.steps],
        operations=operations,
        violations=example.violations,
        broken_at=example.broken_at,
    )
    replays = f"reproduced {example.reproduced} of {example.replays}"
    facts = {"verdict": "FAIL", "replays": replays, **facts_of(example.tape)}
    return render_picture(example.tape.name, facts, example.violations, picture, example.command)


def render_picture(
    name: str,
    facts: Mapping[str, str],
    violations: Mapping[str, Sequence[str]],
    picture: Interleaving,
    command: str,
    *,
    heading: str = "What is broken",
) -> str:
    """The page.

    Args:
        name: of the scenario.
        facts: by name; the value of `verdict` is coloured.
        violations: what each violated invariant said.
        picture: the lanes.
        command: what shows it again.
        heading: of the violations.
    """
    return page(
        f"{name[:TITLE_CHARACTERS]}: interleaving",
        STYLE,
        [
            f"<h1>{isolated(name[:SHOWN_CHARACTERS])}</h1>",
            *_facts(facts),
            *_violations(violations, heading),
            '<h2 id="lanes">Who did what when</h2>',
            *_lanes(picture),
            "<h2>Run it again</h2>",
            f'<code class="command">{isolated(command)}</code>',
        ],
    )


def _facts(facts: Mapping[str, str]) -> Iterator[str]:
    yield '<dl class="facts">'
    for name, value in facts.items():
        style = f' class="{html_text(value)}"' if name == "verdict" else ""
        yield f"<div><dt>{html_text(name)}</dt><dd{style}>{isolated(value)}</dd></div>"
    yield "</dl>"


def _violations(violations: Mapping[str, Sequence[str]], heading: str) -> Iterator[str]:
    if violations:
        yield f"<h2>{heading}</h2>"
    for name, sentences in sorted(violations.items()):
        yield f'<section class="violation"><h3>{isolated(name)}</h3><ul>'
        yield from (f"<li>{_folded(sentence)}</li>" for sentence in sentences)
        yield "</ul></section>"


def _lanes(picture: Interleaving) -> Iterator[str]:
    """The table; roles are written out because a narrow screen shows it as a list."""
    yield '<div class="lanes" role="region" aria-labelledby="lanes" tabindex="0">'
    yield f'<table role="table"><caption>{html_text(CAPTION)}</caption>'
    yield '<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">step</th>'
    for place, actor in enumerate(picture.actors):
        colour = _colour(place)
        name = f'<span class="name">{isolated(actor[:SHOWN_CHARACTERS])}</span>'
        yield f'<th role="columnheader" scope="col" class="{colour}">{name}</th>'
    yield '</tr></thead><tbody role="rowgroup">'
    places = {actor: place for place, actor in enumerate(picture.actors)}
    for row in picture.rows:
        yield from _across(row, len(places) + 1) if not row.actor else _in_lane(row, places)
    yield "</tbody></table></div>"


def _across(row: Row, columns: int) -> Iterator[str]:
    yield f'<tr role="row" class="across {row.kind}">'
    yield f'<td role="cell" colspan="{columns}">{_folded(row.text)}</td></tr>'


def _in_lane(row: Row, places: Mapping[str, int]) -> Iterator[str]:
    classes = [row.kind.value, *["waits"] * row.waited, *["preempts"] * bool(row.preempts)]
    yield f'<tr role="row" class="{" ".join(classes)}">'
    yield f'<th role="rowheader" scope="row" class="row-number">{row.number or ""}</th>'
    for actor, place in places.items():
        content = _cell(row) if actor == row.actor else ""
        yield f'<td role="cell" class="lane {_colour(place)}">{content}</td>'
    yield "</tr>"


def _cell(row: Row) -> str:
    arrow, spoken = ARROWS.get(row.kind, ("", ""))
    sign = f'<span aria-hidden="true">{arrow}</span><span class="unseen">{spoken}:</span> ' if arrow else ""
    tags = '<span class="tag wait">waits for a lock</span>' if row.waited else ""
    if row.preempts:
        tags += f'<span class="tag stop">{isolated(row.preempts[:TITLE_CHARACTERS])} is stopped here</span>'
    name = f'<span class="actor">{isolated(row.actor[:TITLE_CHARACTERS])}</span>'
    return f'{name}<div class="label">{sign}{_folded(row.text)}{tags}</div>'


def _folded(text: str) -> str:
    """Text, of which only the beginning is shown at first where it is very long."""
    if len(text) <= SHOWN_CHARACTERS:
        return isolated(text)
    short = isolated(f"{text[:SHOWN_CHARACTERS]}…")
    return f"<details><summary>{short}</summary>{isolated(text)}</details>"


def _colour(place: int) -> str:
    return f"lane-{place % LANE_COLOURS}"
