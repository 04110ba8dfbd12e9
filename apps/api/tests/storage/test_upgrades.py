"""A database of the first version, with a life behind it, goes on as one of this version."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from multyagents_api.domain.roles import NewRole, RetryPolicy
from multyagents_api.domain.templates import Step
from multyagents_api.domain.workspaces import NO_WORKSPACE
from multyagents_api.service.ports import Outdated
from multyagents_api.storage import migrate
from multyagents_api.storage.sqlite import SqliteStorage
from multyagents_api.storage.tables import metadata

ROLE_ROWS = [
    (1, "dev", 1, '["git"]', 2, '["flaky"]', 10),
    (2, "ops", 0, "[]", 0, "[]", 11),
    (7, "idle", 0, "[]", 0, "[]", 12),
]
STEPS = (
    '[{"step_id": "a", "role_id": 1, "title": "A", "prompt": "p", "depends_on": [], "requires_approval": false,'
    ' "carries_approval_over": false, "context7": "inherit"},'
    ' {"step_id": "b", "role_id": 2, "title": "B", "prompt": "", "depends_on": ["a"], "requires_approval": true,'
    ' "carries_approval_over": true, "context7": "force_on"}]'
)
TASK_ROWS = [
    (1, 1, 0, "a", 1, "A", "p", "[]", 0, None, 0, "inherit", "success", 1, 0, 0, "done", 20),
    (2, 1, 1, "b", 2, "B", "", '["a"]', 1, 1, 1, "force_on", "created", 0, 0, 0, None, 21),
]
EVENT_ROWS = [
    (1, 1, 1, 1, "workflow_run.created", None, None, None, '{"workflow_template_id": "1"}', 30),
    (2, 1, 2, 1, "task.dispatched", 1, 1, 1, '{"step_id": "a"}', 31),
]
ROWS = {
    "roles": ROLE_ROWS,
    "templates": [(1, "t", STEPS, 13), (2, "unused", STEPS.replace('"role_id": 2', '"role_id": 1'), 14)],
    "runs": [(1, 1, "mia", "running", 4, 0, 2, 15, 16)],
    "tasks": TASK_ROWS,
    "approvals": [(1, 2, 1, 1, "pending", None, None, None, 22, None)],
    "callback_keys": [(1, "k", 1, "success")],
    "dispatches": [(1, 1, None, '{"context7_enabled": true}', "queued", 23, 24)],
    "events": EVENT_ROWS,
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file with the tables of the first version, and rows in each of them."""
    file = tmp_path / "old.db"
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    with create_engine(f"sqlite:///{file}", poolclass=NullPool).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "v0001")
    with closing(sqlite3.connect(file)) as connection:
        for table, rows in ROWS.items():
            places = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
        connection.commit()
    return file


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def test_every_row_is_kept_and_every_reference_holds(old):
    """Also those of tables that others refer to, which the migration copies."""
    with closing(sqlite3.connect(old)) as connection:
        columns = {table: columns_of(connection, table) for table in ROWS}
    SqliteStorage(old).close()
    with closing(sqlite3.connect(old)) as connection:
        for table, rows in ROWS.items():
            names = ", ".join(columns[table])
            assert connection.execute(f"SELECT {names} FROM {table}").fetchall() == rows, table
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        uses = connection.execute("SELECT template_id, role_id FROM template_roles ORDER BY 1, 2").fetchall()
        assert uses == [(1, 1), (1, 2), (2, 1)]
        assert not [name for [name] in connection.execute("SELECT name FROM sqlite_master") if "_tmp" in name]
    with create_engine(f"sqlite:///{old}", poolclass=NullPool).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.anyio
async def test_what_was_stored_is_read_as_before(old, moment):
    """What the first version did not know of has its default."""
    storage = SqliteStorage(old)
    async with storage.read() as reader:
        role = await reader.role(1)
        assert (role.name, role.allowed_tools, role.retry) == ("dev", ("git",), RetryPolicy(2, ("flaky",)))
        assert (role.system_prompt, role.skill_pack_ids) == ("", ())
        template = await reader.template(1)
        assert template.steps == (
            Step("a", 1, "A", "p", (), requires_approval=False),
            replace(template.steps[1], workspace=NO_WORKSPACE, required_artifacts=(), quality_gates=()),
        )
        assert template.project_id is None
        run, tasks = await reader.run_with_tasks(1)
        assert (run.template_id, [task.run_id for task in tasks]) == (1, [1, 1])
        assert [(task.project_id, task.workspace) for task in tasks] == [(None, NO_WORKSPACE)] * 2
        assert (await reader.approval(1)).task_id == 2
        assert [event.sequence for event in await reader.events_after(0, run_id=1, kind=None, limit=9)] == [
            1,
            2,
        ]
    for key in (1, 2):
        with pytest.raises(Outdated):
            async with storage.write() as writer:
                await writer.delete_role(key)
    async with storage.write() as writer:
        assert await writer.delete_template(2)
    with pytest.raises(Outdated):
        async with storage.write() as writer:
            await writer.delete_template(1)
    storage.close()


@pytest.mark.anyio
async def test_ids_of_deleted_rows_are_never_given_out_again(old, moment):
    """Neither of rows from before the upgrade, nor when a table is empty, nor after opening it again."""
    new = NewRole("dev 2", False, (), RetryPolicy())  # noqa: FBT003 - a field
    storage = SqliteStorage(old)
    async with storage.write() as writer:
        assert await writer.delete_role(7)
        role = await writer.insert_role(new, moment)
        assert role.id == 8
        assert await writer.delete_role(role.id)
        assert await writer.delete_template(2)
    storage.close()
    storage = SqliteStorage(old)
    async with storage.write() as writer:
        assert (await writer.insert_role(new, moment)).id == 9
        step = Step("a", 1, "A", "", (), requires_approval=False)
        template = await writer.insert_template("t", [step], moment)
        assert template.id == 3
        assert await writer.delete_template(template.id)
        assert (await writer.insert_template("t", [step], moment)).id == 4
    storage.close()


def test_a_file_that_can_not_be_upgraded_is_left_as_it_is(old):
    """The migration is all or nothing: a template that it can't read stops it, and nothing is lost."""
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("UPDATE templates SET steps = '[{}]' WHERE id = 2")
        connection.commit()
        before = list(connection.iterdump())
    with pytest.raises(KeyError):
        SqliteStorage(old)
    with closing(sqlite3.connect(old)) as connection:
        assert list(connection.iterdump()) == before
