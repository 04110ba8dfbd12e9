"""Counts attempts: how often the same promises were put to the test on the same tree."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gatewright.core.errors import ConfigurationError
from gatewright.core.model import Model
from gatewright.core.provenance import UNKNOWN, Tree, read_tree
from gatewright.core.verdict import State
from gatewright.evidence.record import EVIDENCE, write_atomic
from gatewright.evidence.strict import EvidenceError, read_model
from gatewright.slo import LatencyObjective, SuccessObjective
from gatewright.suites.slo.plan import Plan

__all__ = ["ATTEMPTS", "count_attempt", "question_of", "share_of_alpha"]

ATTEMPTS = "attempts.json"
LARGEST_FILE = 256 * 1024
KEPT = 200
"""Questions that are remembered; the oldest are forgotten first."""

Digest = Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Attempts(Model):
    """How often each question was asked, the most recent last."""

    schema_version: Literal["gatewright.slo-attempts/1"] = "gatewright.slo-attempts/1"
    counts: Annotated[dict[Digest, Count], Field(max_length=KEPT)] = Field(default_factory=dict)

    def with_another(self, question: str) -> "Attempts":
        """The same after one more attempt at a question."""
        counts = {key: count for key, count in self.counts.items() if key != question}
        counts[question] = self.counts.get(question, 0) + 1
        recent = list(counts.items())[-KEPT:]
        return Attempts(counts=dict(recent))


def question_of(root: Path | None, folder: Path, target: str, plans: Sequence[Plan]) -> str:
    """The digest of what is asked: the tree, the service, and what was promised of it.

    Profile, rate and duration don't belong to it: asking for longer or at another rate is asking again.

    Args:
        root: of the project; None when there is none, and then every tree is alike.
        folder: where the evidence goes; what is written there is no part of the tree.
        target: base URL of the service; empty when it is started from the tree.
        plans: their objectives, and what they promise about slices of time.
    """
    tree = UNKNOWN if root is None else tree_without(root, folder)
    promises = sorted({promise for plan in plans for promise in promises_of(plan)})
    return "sha256:" + hashlib.sha256(json.dumps([tree, target, promises]).encode()).hexdigest()


def tree_without(root: Path, folder: Path) -> str:
    """The digest of a project's tree, less its evidence and whatever is in a folder."""
    tree, beside = read_tree(root, EVIDENCE), folder.resolve()
    kept = {
        path: entry
        for path, entry in tree.entries.items()
        if not (root.resolve() / path).is_relative_to(beside)
    }
    return Tree(kept).digest


def promises_of(plan: Plan) -> Iterator[tuple[str, float]]:
    """Name and limit of each promise."""
    for slices in plan.slices:
        yield slices.name, slices.objective.target
    for drift in plan.drift_limits:
        yield f"growth of {drift.name}", drift.per_run
    if plan.budget is not None:
        yield "error budget", plan.budget.target
    for objective in plan.objectives:
        if isinstance(objective, LatencyObjective):
            yield objective.name, objective.threshold_s
        elif isinstance(objective, SuccessObjective):
            yield objective.name, objective.ratio
        else:
            yield objective.name, objective.runs_per_s


def count_attempt(folder: Path, question: str) -> int:
    """Note one more attempt in `attempts.json` and return its number, from 1 on.

    It is noted before anything is measured, so that a run which is broken off counts as well.

    Raises:
        ConfigurationError: the file is not what this function writes.
    """
    path = folder / ATTEMPTS
    try:
        known = read_model(path, Attempts, limit=LARGEST_FILE)
    except EvidenceError as error:
        if error.state is not State.MISSING:
            raise ConfigurationError(
                f"the attempts can't be counted: {error.message}",
                remedy=f"remove {ATTEMPTS} from the evidence folder; the count then begins anew",
            ) from None
        known = Attempts()
    known = known.with_another(question)
    write_atomic(path, known.model_dump_json(indent=2) + "\n")
    return known.counts[question]


def share_of_alpha(alpha: float, attempt: int) -> float:
    """What attempt k may spend of an error that all attempts share: alpha/(k(k+1)).

    The sum over k of 1/(k(k+1)) is 1, so however often one tries, a wrong PASS is ever found with probability
    alpha at most.
    """
    return alpha / (attempt * (attempt + 1))
