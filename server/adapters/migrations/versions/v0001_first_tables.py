"""The first tables."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    text,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit",
        Column("id", Integer(), autoincrement=True, nullable=False),
        Column("at", BigInteger(), nullable=False),
        Column("who", String(), nullable=False),
        Column("what", String(), nullable=False),
        Column("detail", Text(), nullable=False),
        PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "conversations",
        Column("id", String(), nullable=False),
        Column("user_id", String(), nullable=False),
        Column("title", Text(), nullable=False),
        Column("persona", String()),
        Column("revision", Integer()),
        Column("greeting", Integer()),
        Column("leaf_id", String()),
        Column("metadata", Text()),
        Column("created_at", BigInteger(), nullable=False),
        Column("updated_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("id"),
    )
    op.create_index("conversations_by_use", "conversations", ["user_id", "updated_at", "id"])
    op.create_table(
        "holds",
        Column("hold_id", String(), nullable=False),
        Column("subject", String(), nullable=False),
        Column("model", String(), nullable=False),
        Column("charges", Text(), nullable=False),
        Column("at_us", BigInteger(), nullable=False),
        Column("deadline_us", BigInteger(), nullable=False),
        Column("keep_until", BigInteger(), nullable=False),
        Column("amounts", Text()),
        PrimaryKeyConstraint("hold_id"),
    )
    op.create_index("holds_by_age", "holds", ["keep_until"])
    op.create_table(
        "messages",
        Column("id", String(), nullable=False),
        Column("user_id", String(), nullable=False),
        Column("conversation_id", String()),
        Column("parent_id", String()),
        Column("turn_id", String(), nullable=False),
        Column("role", String(), nullable=False),
        Column("status", String(), nullable=False),
        Column("parts", Text(), nullable=False),
        Column("context", Text(), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("id"),
    )
    op.create_index("messages_by_parent", "messages", ["parent_id"])
    op.create_index("messages_by_turn", "messages", ["turn_id"])
    op.create_table(
        "meta",
        Column("key", String(), nullable=False),
        Column("value", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "persona_labels",
        Column("persona", String(), nullable=False),
        Column("label", String(), nullable=False),
        Column("number", Integer(), nullable=False),
        PrimaryKeyConstraint("persona", "label"),
    )
    op.create_table(
        "persona_revisions",
        Column("persona", String(), nullable=False),
        Column("number", Integer(), autoincrement=False, nullable=False),
        Column("digest", String(), nullable=False),
        Column("compiled", Text(), nullable=False),
        Column("origin", String(), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("persona", "number"),
        UniqueConstraint("persona", "digest", name="persona_revisions_by_digest"),
    )
    op.create_table(
        "segments",
        Column("id", Integer(), autoincrement=True, nullable=False),
        Column("payload", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "turns",
        Column("id", String(), nullable=False),
        Column("user_id", String(), nullable=False),
        Column("conversation_id", String()),
        Column("client_request_id", String()),
        Column("hold_id", String(), nullable=False),
        Column("message_id", String(), nullable=False),
        Column("newest_id", String()),
        Column("facts", Text(), nullable=False),
        Column("owner", Integer(), nullable=False),
        Column("lease_until", BigInteger(), nullable=False),
        Column("status", String(), nullable=False),
        Column("outcome", Text()),
        Column("trail", LargeBinary()),
        Column("created_at", BigInteger(), nullable=False),
        Column("ended_at", BigInteger()),
        Column("keep_until", BigInteger()),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("user_id", "client_request_id", name="turns_by_request"),
    )
    op.create_index("turns_by_conversation", "turns", ["conversation_id"])
    op.create_index(
        "turns_running",
        "turns",
        ["lease_until"],
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    )
    op.create_index(
        "turns_to_forget",
        "turns",
        ["keep_until"],
        sqlite_where=text("keep_until IS NOT NULL"),
        postgresql_where=text("keep_until IS NOT NULL"),
    )
    op.create_table(
        "usage",
        Column("turn_id", String(), nullable=False),
        Column("user_id", String(), nullable=False),
        Column("asked", String(), nullable=False),
        Column("model", String(), nullable=False),
        Column("persona", String(), nullable=False),
        Column("revision", Integer(), nullable=False),
        Column("status", String(), nullable=False),
        Column("input_tokens", Integer(), nullable=False),
        Column("output_tokens", Integer(), nullable=False),
        Column("cached_tokens", Integer(), nullable=False),
        Column("reasoning_tokens", Integer(), nullable=False),
        Column("estimated", Boolean(), nullable=False),
        Column("hold_id", String(), nullable=False),
        Column("charged", Text(), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        Column("ended_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("turn_id"),
    )
    op.create_index("usage_by_hold", "usage", ["hold_id"])
    op.create_index("usage_by_user", "usage", ["user_id", "ended_at"])
    op.create_table(
        "users",
        Column("id", String(), nullable=False),
        Column("name", String(), nullable=False),
        Column("tier", String(), nullable=False),
        Column("suspended", Boolean(), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("name"),
    )
    op.create_table(
        "keys",
        Column("id", String(), nullable=False),
        Column("hash", LargeBinary(), nullable=False),
        Column("hint", String(), nullable=False),
        Column("user_id", String(), nullable=False),
        Column("role", String(), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        Column("expires_at", BigInteger()),
        Column("revoked_at", BigInteger()),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("hash"),
        ForeignKeyConstraint(["user_id"], ["users.id"]),
    )
    op.create_index("keys_by_user", "keys", ["user_id"])
