"""What is read of results costs the same whatever is stored: every statement finds its rows by an index."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy.dialects import sqlite

from multyagents_api.storage import reads, results

STATEMENTS = {
    "one artifact": results.ARTIFACT,
    "artifacts": results.ARTIFACTS_AFTER,
    "artifacts of a run": results.ARTIFACTS_OF_RUN_AFTER,
    "artifacts of a task": results.ARTIFACTS_OF_TASK_AFTER,
    "artifacts of a run and type": results.OF_TYPE[results.ARTIFACTS_OF_RUN_AFTER],
    "artifacts of a task and type": results.OF_TYPE[results.ARTIFACTS_OF_TASK_AFTER],
    "what a run produced": results.ARTIFACTS_OF_RUN,
    "known artifacts": results.KNOWN_ARTIFACTS,
    "hand-offs": results.HANDOFFS_AFTER,
    "hand-offs of a run": results.HANDOFFS_OF_RUN_AFTER,
    "hand-offs of a task": results.HANDOFFS_OF_TASK_AFTER,
    "the latest hand-off": results.LATEST_HANDOFF,
    "dispatch times": results.DISPATCH_TIMES,
    "approvals of a run": reads.APPROVALS_OF_RUN,
    "an event of a run": reads.EVENT_OF_RUN,
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_rows_are_found_by_an_index(sqlite_file, name):
    """Nothing is scanned, and nothing is sorted."""
    compiled = STATEMENTS[name].compile(dialect=sqlite.dialect())
    with closing(sqlite3.connect(sqlite_file)) as store:
        explain = f"EXPLAIN QUERY PLAN {compiled}"
        plan = [row[3] for row in store.execute(explain, [1] * len(compiled.positiontup))]
    assert plan
    assert not [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step], plan
