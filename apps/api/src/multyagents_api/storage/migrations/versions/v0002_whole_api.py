"""Projects, skill packs, artifacts, hand-offs, path locks, and tasks that belong to no run yet."""

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None

IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT_JSON = sa.JSON(none_as_null=True)
NUMBERED = {"sqlite_autoincrement": True}


def upgrade() -> None:
    """Create the new tables, then widen the old ones."""
    _create_catalogue()
    _widen_old_tables()
    _create_references()
    _create_results()
    _create_locks()
    if op.get_context().dialect.name == "postgresql":
        op.alter_column(
            "events", "transaction", server_default=sa.text("((pg_current_xact_id())::text)::bigint")
        )
        op.create_index(
            "ix_events_transaction_id", "events", ["transaction", "id"], postgresql_include=["type"]
        )


def _create_catalogue() -> None:
    op.create_table(
        "projects",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("root_path", sa.Text(), nullable=False),
        sa.Column("allowed_paths", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("name", name=op.f("uq_projects_name")),
        **NUMBERED,
    )
    op.create_table(
        "skill_packs",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skill_packs")),
        sa.UniqueConstraint("name", name=op.f("uq_skill_packs_name")),
        **NUMBERED,
    )


def _widen_old_tables() -> None:
    """On SQLite this copies the tables; their rows can be deleted now, and no id is given out twice."""
    with op.batch_alter_table("roles", recreate="auto", table_kwargs=NUMBERED) as roles:
        roles.add_column(sa.Column("system_prompt", sa.Text(), nullable=False, server_default=""))
        roles.add_column(sa.Column("skill_pack_ids", sa.JSON(), nullable=False, server_default="[]"))
        roles.alter_column("name", existing_type=sa.String(length=200), existing_nullable=False)
    with op.batch_alter_table("templates", table_kwargs=NUMBERED) as templates:
        templates.add_column(sa.Column("project_id", IDENTIFIER, nullable=True))
        templates.create_foreign_key(
            op.f("fk_templates_project_id_projects"), "projects", ["project_id"], ["id"]
        )
    with op.batch_alter_table("runs") as runs:
        runs.alter_column("template_id", existing_type=IDENTIFIER, nullable=True)
    with op.batch_alter_table("tasks") as tasks:
        tasks.alter_column("run_id", existing_type=IDENTIFIER, nullable=True)
        tasks.add_column(sa.Column("project_id", IDENTIFIER, nullable=True))
        tasks.add_column(sa.Column("workspace", KEPT_JSON, nullable=True))
        tasks.add_column(sa.Column("required_artifacts", KEPT_JSON, nullable=True))
        tasks.add_column(sa.Column("quality_gates", KEPT_JSON, nullable=True))
        tasks.create_foreign_key(op.f("fk_tasks_project_id_projects"), "projects", ["project_id"], ["id"])
    op.add_column("events", sa.Column("transaction", sa.BigInteger(), nullable=False, server_default="0"))


def _create_references() -> None:
    op.create_table(
        "role_skill_packs",
        sa.Column("skill_pack_id", IDENTIFIER, nullable=False),
        sa.Column("role_id", IDENTIFIER, nullable=False),
        sa.ForeignKeyConstraint(
            ["skill_pack_id"], ["skill_packs.id"], name=op.f("fk_role_skill_packs_skill_pack_id_skill_packs")
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_role_skill_packs_role_id_roles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("skill_pack_id", "role_id", name=op.f("pk_role_skill_packs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "template_roles",
        sa.Column("role_id", IDENTIFIER, nullable=False),
        sa.Column("template_id", IDENTIFIER, nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["roles.id"], name=op.f("fk_template_roles_role_id_roles")),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["templates.id"],
            name=op.f("fk_template_roles_template_id_templates"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("role_id", "template_id", name=op.f("pk_template_roles")),
        sqlite_with_rowid=False,
    )
    _note_roles_of_stored_templates()


def _note_roles_of_stored_templates() -> None:
    connection = op.get_bind()
    templates = sa.table("templates", sa.column("id", IDENTIFIER), sa.column("steps", sa.JSON()))
    uses = sa.table("template_roles", sa.column("role_id", IDENTIFIER), sa.column("template_id", IDENTIFIER))
    for template_id, steps in connection.execute(sa.select(templates.c.id, templates.c.steps)).all():
        for role_id in sorted({step["role_id"] for step in steps}):
            connection.execute(sa.insert(uses).values(role_id=role_id, template_id=template_id))


def _create_results() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("run_id", IDENTIFIER, nullable=False),
        sa.Column("task_id", IDENTIFIER, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_artifacts_run_id_runs")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_artifacts_task_id_tasks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifacts")),
    )
    op.create_index(op.f("ix_artifacts_run_id_id"), "artifacts", ["run_id", "id"])
    op.create_index(op.f("ix_artifacts_task_id_id"), "artifacts", ["task_id", "id"])
    op.create_table(
        "handoffs",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("run_id", IDENTIFIER, nullable=False),
        sa.Column("task_id", IDENTIFIER, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("next_actions", sa.JSON(), nullable=False),
        sa.Column("open_questions", sa.JSON(), nullable=False),
        sa.Column("artifact_ids", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_handoffs_run_id_runs")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_handoffs_task_id_tasks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoffs")),
        sa.UniqueConstraint("task_id", "attempt", name=op.f("uq_handoffs_task_id_attempt")),
    )
    op.create_index(op.f("ix_handoffs_run_id_id"), "handoffs", ["run_id", "id"])


def _create_locks() -> None:
    op.create_table(
        "path_locks",
        sa.Column("task_id", IDENTIFIER, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_path_locks_task_id_tasks")),
        sa.PrimaryKeyConstraint("task_id", "position", name=op.f("pk_path_locks")),
        sqlite_with_rowid=False,
    )
    lock_table = op.create_table(
        "lock_table",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lock_table")),
    )
    op.bulk_insert(lock_table, [{"id": 1}])


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError
