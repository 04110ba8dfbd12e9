"""The tables. Times are microseconds since 1970 in UTC: exact, sortable, the same in every database."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = [
    "approvals",
    "artifacts",
    "callback_keys",
    "dispatches",
    "events",
    "handoffs",
    "lock_table",
    "metadata",
    "path_locks",
    "projects",
    "role_skill_packs",
    "roles",
    "runs",
    "skill_packs",
    "tasks",
    "template_roles",
    "templates",
    "tokens",
]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Identifier = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in an INTEGER key, which has 64 bits there."""

roles = Table(
    "roles",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("context7_enabled", Boolean, nullable=False),
    Column("allowed_tools", JSON, nullable=False),
    Column("max_retries", Integer, nullable=False),
    Column("retry_on", JSON, nullable=False),
    Column("system_prompt", Text, nullable=False, server_default=""),
    Column("skill_pack_ids", JSON, nullable=False, server_default="[]"),
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

projects = Table(
    "projects",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("root_path", Text, nullable=False),
    Column("allowed_paths", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

skill_packs = Table(
    "skill_packs",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("skills", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

role_skill_packs = Table(
    "role_skill_packs",
    metadata,
    Column("skill_pack_id", ForeignKey("skill_packs.id"), nullable=False),
    Column("role_id", ForeignKey("roles.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("skill_pack_id", "role_id"),
    sqlite_with_rowid=False,
)
"""Which roles use a skill pack: what keeps it from being deleted. Roles are read without it."""

templates = Table(
    "templates",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("project_id", ForeignKey("projects.id")),
    Column("steps", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

template_roles = Table(
    "template_roles",
    metadata,
    Column("role_id", ForeignKey("roles.id"), nullable=False),
    Column("template_id", ForeignKey("templates.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("role_id", "template_id"),
    sqlite_with_rowid=False,
)
"""Which templates use a role: what keeps it from being deleted. Templates are read without it."""

runs = Table(
    "runs",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("template_id", ForeignKey("templates.id")),
    Column("initiated_by", String(200)),
    Column("status", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    Column("rerun_count", Integer, nullable=False),
    Column("event_sequence", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index(None, "status", "id"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("run_id", ForeignKey("runs.id")),
    Column("position", Integer, nullable=False),
    Column("step_id", String(200), nullable=False),
    Column("role_id", ForeignKey("roles.id"), nullable=False),
    Column("title", String(200), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("depends_on", JSON, nullable=False),
    Column("requires_approval", Boolean, nullable=False),
    Column("approval_id", Identifier),
    Column("carries_approval_over", Boolean, nullable=False),
    Column("context7", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("retries_used", Integer, nullable=False),
    Column("last_rerun", Integer, nullable=False),
    Column("reason", Text),
    Column("updated_at", BigInteger, nullable=False),
    Column("project_id", ForeignKey("projects.id")),
    Column("workspace", JSON(none_as_null=True)),
    Column("required_artifacts", JSON(none_as_null=True)),
    Column("quality_gates", JSON(none_as_null=True)),
    Column("command", JSON(none_as_null=True)),
    Column("timeout_s", Integer),
    Column("lease_until", BigInteger),
    UniqueConstraint("run_id", "position"),
    Index(
        "ix_tasks_leased",
        "lease_until",
        sqlite_where=text("lease_until IS NOT NULL"),
        postgresql_where=text("lease_until IS NOT NULL"),
    ),
)
"""`lease_until`: when an attempt counts as lost, unless its runner is heard before; null: it never does."""

approvals = Table(
    "approvals",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("task_id", ForeignKey("tasks.id"), nullable=False),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("actor", String(200)),
    Column("comment", Text),
    Column("blocked_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("decided_at", BigInteger),
    Column("requested_by", String(200)),
)
"""`requested_by`: whose request asked for it, and who therefore can't decide it; null where nobody is known.

`blocked_at`: when a dispatch first ran into this approval; told once, not at every poll."""

dispatches = Table(
    "dispatches",
    metadata,
    Column("task_id", ForeignKey("tasks.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("approval_id", Identifier),
    Column("submission", JSON, nullable=False),
    Column("state", String(20), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("task_id", "attempt"),
    Index(
        "ix_dispatches_pending",
        "task_id",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    sqlite_with_rowid=False,
)
"""The outbox, and what the audit knows of attempts; the primary key lets each be dispatched once."""

callback_keys = Table(
    "callback_keys",
    metadata,
    Column("task_id", ForeignKey("tasks.id"), nullable=False),
    Column("key", String(200), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    PrimaryKeyConstraint("task_id", "key"),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("contract_version", Integer, nullable=False),
    Column("type", String(60), nullable=False),
    Column("task_id", Identifier),
    Column("attempt", Integer),
    Column("producer_role", Identifier),
    Column("payload", JSON, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("transaction", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("run_id", "sequence"),
)
"""No further index: most of what a run writes are events, and each index costs it a fifth of its pages.

`transaction` is the number of the writing transaction in PostgreSQL, where ids are not in the order of
commits; elsewhere it is 0.
"""

path_locks = Table(
    "path_locks",
    metadata,
    Column("task_id", ForeignKey("tasks.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    PrimaryKeyConstraint("task_id", "position"),
    sqlite_with_rowid=False,
)
"""Which paths active attempts have to themselves; a row goes when its attempt ends.

Paths stand in no index: PostgreSQL has none for longer ones than 2,700 bytes.
"""

tokens = Table(
    "tokens",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("subject", String(200), nullable=False),
    Column("roles", JSON, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    sqlite_autoincrement=True,
)
"""Who may ask for what. The digest is the SHA-256 of a token of 256 random bits: nobody can guess it back."""

lock_table = Table("lock_table", metadata, Column("id", Integer, primary_key=True))
"""One row. Who takes path locks locks it first: that no path lies inside another can't be a constraint."""

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    Column("task_id", ForeignKey("tasks.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("type", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    Column("location", Text),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("content", Text),
    Index(None, "run_id", "id"),
    Index(None, "task_id", "id"),
)
"""Content stands last: SQLite walks through a long value to reach what stands behind it."""

handoffs = Table(
    "handoffs",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    Column("task_id", ForeignKey("tasks.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("summary", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("next_actions", JSON, nullable=False),
    Column("open_questions", JSON, nullable=False),
    Column("artifact_ids", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("task_id", "attempt"),
    Index(None, "run_id", "id"),
)
