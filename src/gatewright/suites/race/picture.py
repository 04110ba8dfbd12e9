"""A picture of an interleaving: one page for a browser that needs no network and runs no script."""

from collections.abc import Iterator, Mapping, Sequence

from gatewright.core.escape import html_text
from gatewright.race import Operation, Response, Tape
from gatewright.race.interleaving import Interleaving, TakenStep, interleaving
from gatewright.report import lanes
from gatewright.report.page import isolated, page
from gatewright.suites.race.report import Counterexample

__all__ = ["facts_of", "render_counterexample", "render_picture"]

SHOWN_CHARACTERS = 280
TITLE_CHARACTERS = 120


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
        lanes.STYLE,
        [
            f"<h1>{isolated(name[:SHOWN_CHARACTERS])}</h1>",
            *_facts(facts),
            *([f"<h2>{heading}</h2>"] if violations else []),
            *lanes.broken_invariants(violations),
            '<h2 id="lanes">Who did what when</h2>',
            *lanes.swim_lanes(picture, "lanes"),
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
