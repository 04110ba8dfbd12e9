"""What runners are told to execute, until when they must be heard, and who may ask for what."""

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"
branch_labels = None
depends_on = None

IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_LEASED = sa.text("lease_until IS NOT NULL")


def upgrade() -> None:
    """Add columns, which copies no table, and one table."""
    op.add_column("tasks", sa.Column("command", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("tasks", sa.Column("timeout_s", sa.Integer(), nullable=True))
    op.add_column("tasks", sa.Column("lease_until", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_tasks_leased", "tasks", ["lease_until"], sqlite_where=IS_LEASED, postgresql_where=IS_LEASED
    )
    op.add_column("approvals", sa.Column("requested_by", sa.String(length=200), nullable=True))
    op.create_table(
        "tokens",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError
