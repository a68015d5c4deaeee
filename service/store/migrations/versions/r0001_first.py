"""The whole schema, as the first version wrote it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "evidence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("direction", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "evidence_by_key", "evidence", ["stream", "host", "direction", "reason", "minute", "at"], unique=False
    )
    op.create_index("evidence_by_time", "evidence", ["at", "id"], unique=False)
    op.create_table(
        "failure_totals",
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("direction", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "direction", "reason"),
    )
    op.create_table(
        "incident_hosts",
        sa.Column("incident", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("incident", "host"),
    )
    op.create_table(
        "incident_streams",
        sa.Column("incident", sa.String(length=255), nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("incident", "stream"),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("resolved_at", sa.Float(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("incidents_by_start", "incidents", ["started_at", "id"], unique=False)
    op.create_index("incidents_by_state", "incidents", ["state", "started_at"], unique=False)
    op.create_table(
        "marks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=True),
        sa.Column("host", sa.String(length=255), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("marks_by_time", "marks", ["at", "id"], unique=False)
    op.create_table(
        "peer_hours",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("peer", sa.String(length=255), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at", "stream", "peer"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "peer_minutes",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("peer", sa.String(length=255), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at", "stream", "peer"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "positions",
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("position", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "part"),
    )
    op.create_table(
        "state",
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key"),
    )
    op.create_table(
        "stream_counts",
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("candidates", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("unrecognized", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.Float(), nullable=True),
        sa.Column("last_record_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("stream"),
    )
    op.create_table(
        "tally_hours",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("direction", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at", "stream", "host", "direction", "reason"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tally_minutes",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("direction", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at", "stream", "host", "direction", "reason"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tally_seconds",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("direction", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at", "stream", "host", "direction", "reason"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unrecognized",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("unrecognized_by_stream", "unrecognized", ["stream", "id"], unique=False)
