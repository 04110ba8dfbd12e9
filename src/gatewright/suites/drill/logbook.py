"""What a drill writes down while it goes on: what was done, what was looked at, and what was wrong."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gatewright.core.verdict import Verdict
from gatewright.suites.drill.report import DrillResult, ExpectationResult, Moment

__all__ = ["Drill", "Expectation", "Logbook"]

KEPT_MOMENTS = 200
KEPT_VIOLATIONS = 20


@dataclass(frozen=True)
class Expectation:
    """Something that must hold, whatever a drill does: a name for machines and a sentence for people."""

    name: str
    sentence: str


@dataclass(frozen=True)
class Drill:
    """Something that is done to a service, and what must hold all the same.

    Attributes:
        name: of the drill.
        sentence: what it does.
        expectations: what must hold; one that was never looked at forbids a PASS.
        run: does it, and writes into the logbook. It raises `NotHere` where this machine has not what it
            needs; whatever else it raises means that it could not be carried out, and forbids a PASS.
        place: what it runs on, such as the kind of database; empty where there is but one.
    """

    name: str
    sentence: str
    expectations: tuple[Expectation, ...]
    run: Callable[["Logbook"], None]
    place: str = ""


class Logbook:
    """What one drill has seen so far.

    Args:
        drill: whose it is.
        count: is told how many repetitions are done.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        drill: Drill,
        count: Callable[[int], None] = lambda _done: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._drill = drill
        self._count = count
        self._clock = clock
        self._began = clock()
        self._evaluated = {expectation.name: 0 for expectation in drill.expectations}
        self._violated = dict(self._evaluated)
        self._violations: dict[str, list[str]] = {name: [] for name in self._evaluated}
        self._doubts: list[str] = []
        self._metrics: dict[str, float] = {}
        self._timeline: list[Moment] = []
        self._repetitions = 0

    def note(self, what: str) -> None:
        """Write down what was done, or happened."""
        if len(self._timeline) < KEPT_MOMENTS:
            self._timeline.append(Moment(at_s=round(self._clock() - self._began, 3), what=what))

    def expect(self, name: str, violations: Iterable[str] = ()) -> bool:
        """Write down that an expectation was looked at, and all that violates it; whether nothing does.

        Raises:
            KeyError: the drill has no such expectation.
        """
        seen = list(violations)
        self._evaluated[name] += 1
        self._violated[name] += bool(seen)
        room = KEPT_VIOLATIONS - len(self._violations[name])
        self._violations[name] += seen[:room]
        return not seen

    def repeated(self, times: int = 1) -> None:
        """Write down that it was done once more, or so often."""
        self._repetitions += times
        self._count(self._repetitions)

    def measure(self, name: str, value: float) -> None:
        """Write down a figure; the unit stands in its name."""
        self._metrics[name] = value

    def doubt(self, why: str) -> None:
        """Write down what forbids a PASS, once."""
        if why not in self._doubts:
            self._doubts.append(why)

    def result(self) -> DrillResult:
        """What came of it: a violation is a FAIL, anything that was not looked at is a doubt."""
        unseen = [name for name, times in self._evaluated.items() if not times]
        if unseen or not self._evaluated:
            self.doubt(f"never looked at: {', '.join(unseen) or 'anything'}")
        return DrillResult(
            drill=self._drill.name,
            sentence=self._drill.sentence,
            place=self._drill.place,
            verdict=self._verdict(),
            repetitions=self._repetitions,
            expectations=tuple(map(self._expectation, self._drill.expectations)),
            metrics=self._metrics,
            doubts=tuple(self._doubts),
            timeline=tuple(self._timeline),
        )

    def _verdict(self) -> Verdict:
        if any(self._violated.values()):
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE if self._doubts else Verdict.PASS

    def _expectation(self, expectation: Expectation) -> ExpectationResult:
        name = expectation.name
        return ExpectationResult(
            name=name,
            sentence=expectation.sentence,
            evaluated=self._evaluated[name],
            violated=self._violated[name],
            violations=tuple(self._violations[name]),
        )
