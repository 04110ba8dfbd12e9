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
    "callback_keys",
    "dispatches",
    "events",
    "metadata",
    "roles",
    "runs",
    "tasks",
    "templates",
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
    Column("created_at", BigInteger, nullable=False),
)

templates = Table(
    "templates",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("steps", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("template_id", ForeignKey("templates.id"), nullable=False),
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
    Column("run_id", ForeignKey("runs.id"), nullable=False),
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
    UniqueConstraint("run_id", "position"),
)

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
)
"""`blocked_at`: when a dispatch first ran into this approval; told once, not at every poll."""

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
    Index("ix_dispatches_pending", "task_id", sqlite_where=text("state = 'pending'")),
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
    UniqueConstraint("run_id", "sequence"),
)
"""No further index: most of what a run writes are events, and each index costs it a fifth of its pages."""
