"""An interleaving as rows to be read from top to bottom, whatever they are drawn with."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Interleaving", "Request", "Row", "RowKind", "TakenStep", "order_rows"]

MOST_ROWS = 600
THE_END = -1


class RowKind(StrEnum):
    """What a row tells."""

    CALL = "call"
    """A request begins."""

    STEP = "step"
    """An actor goes on past a point."""

    ANSWER = "answer"
    """A request is answered."""

    BROKEN = "broken"
    """An invariant does not hold from here on, or at the end."""

    GAP = "gap"
    """Rows that are left out."""


@dataclass(frozen=True, slots=True)
class TakenStep:
    """A step of a schedule: who went on where, whether a lock was in the way, and who was stopped for it."""

    actor: str
    label: str
    waited: bool = False
    preempts: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What an actor asked and was answered, with the numbers of the steps at which it did and was.

    `body` and `answer` are JSON values, None where there were none; a request without an answer has the
    status 0; `error` is what the app raised.
    """

    actor: str
    method: str
    path: str
    body: object
    status: int
    answer: object
    called: int
    returned: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: in the actor's lane, or across all lanes where it has none; steps have a number from 1."""

    kind: RowKind
    text: str
    actor: str = ""
    number: int = 0
    waited: bool = False
    preempts: str = ""


@dataclass(frozen=True, slots=True)
class Interleaving:
    """All rows, and the actors in the order of their lanes."""

    actors: tuple[str, ...]
    rows: tuple[Row, ...]


def order_rows(
    steps: Sequence[TakenStep],
    *,
    requests: Iterable[Request] = (),
    violations: Mapping[str, Sequence[str]] | None = None,
    broken_at: Mapping[str, int] | None = None,
    most: int = MOST_ROWS,
) -> Interleaving:
    """Put steps, requests and violations in one order; of very many rows the first and the last.

    Args:
        steps: in the order in which they were let go.
        requests: with the steps at which they were made and answered.
        violations: what each violated invariant said.
        broken_at: the number of the step that broke an invariant; the others are broken at the end.
        most: how many rows are kept.
    """
    calls: dict[int, list[Row]] = {}
    answers: dict[int, list[Row]] = {}
    for request in requests:
        call, answer = _both_rows(request)
        if request.called < request.returned:
            calls.setdefault(request.called, []).append(call)
            answers.setdefault(request.returned, []).append(answer)
        else:  # without a step of its own
            answers.setdefault(request.returned, []).extend([call, answer])
    broken: dict[int, list[Row]] = {}
    for name, sentences in (violations or {}).items():
        place = (broken_at or {}).get(name, THE_END)
        ends = " at the end" if place == THE_END else ""
        text = f"{name} is broken{ends}: {sentences[0] if sentences else 'it does not hold'}"
        broken.setdefault(place, []).append(Row(RowKind.BROKEN, text))
    rows = [*_in_order(steps, calls, answers, broken), *broken.get(THE_END, ())]
    return Interleaving(tuple(dict.fromkeys(row.actor for row in rows if row.actor)), _abridged(rows, most))


def _in_order(
    steps: Sequence[TakenStep],
    calls: Mapping[int, list[Row]],
    answers: Mapping[int, list[Row]],
    broken: Mapping[int, list[Row]],
) -> Iterator[Row]:
    for number in range(len(steps) + 1):
        if number:
            step = steps[number - 1]
            yield Row(RowKind.STEP, step.label, step.actor, number, step.waited, step.preempts)
        yield from broken.get(number, ())
        yield from answers.get(number, ())
        yield from calls.get(number, ())


def _both_rows(request: Request) -> tuple[Row, Row]:
    body = "" if request.body is None else f" {json.dumps(request.body, ensure_ascii=False)}"
    said = "" if request.answer is None else f" {json.dumps(request.answer, ensure_ascii=False)}"
    answer = f"{request.status}{said}" if request.status else "no answer"
    return (
        Row(RowKind.CALL, f"{request.method} {request.path}{body}", request.actor),
        Row(RowKind.ANSWER, f"{answer}{f' ({request.error})' if request.error else ''}", request.actor),
    )


def _abridged(rows: list[Row], most: int) -> tuple[Row, ...]:
    if (surplus := len(rows) - most) <= 0:
        return tuple(rows)
    half = most // 2
    return (*rows[:half], Row(RowKind.GAP, f"{surplus} rows are left out"), *rows[-half:])
