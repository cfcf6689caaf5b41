"""Every table of the database, for SQLite and PostgreSQL alike.

Ids are made by the caller; times are integer microseconds since the epoch, UTC. Tables that a turn writes have no
foreign keys: one transaction writes them together, and one deletes them together.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from server.adapters.schema_images import files, image_uses, images
from server.adapters.schema_types import NO_NUL, Name, Words, metadata

__all__ = ["NO_NUL", "files", "image_uses", "images", "metadata"]

VERSION: Final = "0014"
"""The newest revision of `migrations`."""

meta = Table(
    "meta",
    metadata,
    Column("key", Name, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Name, primary_key=True),
    Column("name", Name, nullable=False, unique=True),
    Column("tier", Name, nullable=False),
    Column("suspended", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("organisation", Name),
    Column("tier_before", Name),
    Column("tier_changed_at", BigInteger),
    Column("host_id", Name),
)

extras = Table(
    "extras",
    metadata,
    Column("id", Name, primary_key=True),
    Column("user_id", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("what", Name, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("reason", Words, nullable=False),
    Column("by", Name, nullable=False),
    Column("voided_at", BigInteger),
    Index("extras_by_user", "user_id", "ends_at"),
)

entitlements = Table(
    "entitlements",
    metadata,
    Column("id", Name, primary_key=True),
    Column("digest", Name, nullable=False),
    Column("user_id", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("result", Name, nullable=False),
    Column("extra_id", Name),
    Index("entitlements_by_user", "user_id", "at"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Name, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("hint", Name, nullable=False),
    Column("user_id", Name, ForeignKey("users.id"), nullable=False),
    Column("role", Name, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("kind", Name, nullable=False, server_default="key"),
    Index("keys_by_user", "user_id"),
)

client_secrets = Table(
    "client_secrets",
    metadata,
    Column("id", Name, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("hint", Name, nullable=False),
    Column("user_id", Name, nullable=False),
    Column("name", Name, nullable=False),
    Column("minter_id", Name, nullable=False),
    Column("key_id", Name, nullable=False),
    Column("origin", Name),
    Column("persona", Name),
    Column("model", Name),
    Column("instructions", Words),
    Column("messages", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index("client_secrets_by_minter", "minter_id", "created_at", "id"),
    Index("client_secrets_by_key", "key_id", "expires_at"),
)

login_codes = Table(
    "login_codes",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("user_id", Name, ForeignKey("users.id"), nullable=False),
    Column("role", Name, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Name, primary_key=True),
    Column("user_id", Name, nullable=False),
    Column("title", Words, nullable=False),
    Column("persona", Name),
    Column("revision", Integer),
    Column("greeting", Integer),
    Column("leaf_id", Name),
    Column("metadata", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("archived_at", BigInteger),
    Column("indexed_at", BigInteger),
    Index("conversations_by_use", "user_id", "updated_at", "id"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Name, primary_key=True),
    Column("user_id", Name, nullable=False),
    Column("conversation_id", Name),
    Column("parent_id", Name),
    Column("turn_id", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("status", Name, nullable=False),
    Column("parts", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("messages_by_turn", "turn_id"),
    Index("messages_by_parent", "parent_id"),
    Index("messages_by_conversation", "conversation_id"),
)

# The words of messages and titles; of a title, the message is the conversation.
message_words = Table(
    "message_words",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("message_id", Name, nullable=False),
    Column("user_id", Name, nullable=False),
    Column("conversation_id", Name, nullable=False),
    Column("words", Text, nullable=False),
    UniqueConstraint("message_id", name="message_words_by_message"),
    Index("message_words_by_conversation", "conversation_id"),
    Index("message_words_by_user", "user_id", "id"),
    sqlite_autoincrement=True,
)

SEARCH: Final[Mapping[str, Sequence[str]]] = {
    "sqlite": (
        "CREATE VIRTUAL TABLE message_search USING fts5(words, content='message_words', content_rowid='id')",
        """CREATE TRIGGER message_words_added AFTER INSERT ON message_words BEGIN
        INSERT INTO message_search (rowid, words) VALUES (new.id, new.words); END""",
        """CREATE TRIGGER message_words_gone AFTER DELETE ON message_words BEGIN
        INSERT INTO message_search (message_search, rowid, words) VALUES ('delete', old.id, old.words); END""",
    ),
    "postgresql": ("CREATE INDEX message_words_search ON message_words USING gin (to_tsvector('simple', words))",),
}
"""What finds words, which each database does in its own way."""

for _name, _statements in SEARCH.items():
    for _statement in _statements:
        event.listen(message_words, "after_create", DDL(_statement).execute_if(dialect=_name))  # type: ignore[no-untyped-call]

turns = Table(
    "turns",
    metadata,
    Column("id", Name, primary_key=True),
    Column("user_id", Name, nullable=False),
    Column("conversation_id", Name),
    Column("client_request_id", Name),
    Column("hold_id", Name, nullable=False),
    Column("message_id", Name, nullable=False),
    Column("newest_id", Name),
    Column("facts", Text, nullable=False),
    Column("owner", Integer, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("status", Name, nullable=False),
    Column("outcome", Text),
    Column("trail", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("keep_until", BigInteger),
    Column("completion_at", BigInteger),
    UniqueConstraint("user_id", "client_request_id", name="turns_by_request"),
    Index(
        "turns_completions",
        "user_id",
        "completion_at",
        "id",
        sqlite_where=text("completion_at IS NOT NULL"),
        postgresql_where=text("completion_at IS NOT NULL"),
    ),
    Index("turns_by_conversation", "conversation_id"),
    Index(
        "turns_running", "lease_until", sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")
    ),
    Index(
        "turns_to_forget",
        "keep_until",
        sqlite_where=text("keep_until IS NOT NULL"),
        postgresql_where=text("keep_until IS NOT NULL"),
    ),
)

usage = Table(
    "usage",
    metadata,
    Column("turn_id", Name, primary_key=True),
    Column("user_id", Name, nullable=False),
    Column("asked", Name, nullable=False),
    Column("model", Name, nullable=False),
    Column("persona", Name, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("status", Name, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("reasoning_tokens", Integer, nullable=False),
    Column("estimated", Boolean, nullable=False),
    Column("hold_id", Name, nullable=False),
    Column("charged", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Index("usage_by_user", "user_id", "ended_at"),
    Index("usage_by_hold", "hold_id"),
    Index(
        "usage_unsettled",
        "ended_at",
        sqlite_where=text("settled_at IS NULL"),
        postgresql_where=text("settled_at IS NULL"),
    ),
)

holds = Table(
    "holds",
    metadata,
    Column("hold_id", Name, primary_key=True),
    Column("subject", Name, nullable=False),
    Column("model", Name, nullable=False),
    Column("charges", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("deadline_us", BigInteger, nullable=False),
    Column("keep_until", BigInteger, nullable=False),
    Column("amounts", Text),
    Index("holds_by_age", "keep_until"),
)

# What one commit holds of all turns (SQLite) or of one turn (PostgreSQL, where a reader on another node wants its turn
# and no other, and where the turn's end deletes what is its own).
segments = Table(
    "segments",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("payload", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

turn_segments = Table(
    "turn_segments",
    metadata,
    Column("turn_id", Name, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
)

persona_revisions = Table(
    "persona_revisions",
    metadata,
    Column("persona", Name, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", Name, nullable=False),
    Column("compiled", Text, nullable=False),
    Column("origin", Name, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("source", Words, nullable=False, server_default=""),
    Column("author", Name, nullable=False, server_default=""),
    Column("note", Words, nullable=False, server_default=""),
    Column("published_at", BigInteger),
    Column("recalled_at", BigInteger),
    UniqueConstraint("persona", "digest", name="persona_revisions_by_digest"),
)

persona_labels = Table(
    "persona_labels",
    metadata,
    Column("persona", Name, primary_key=True),
    Column("label", Name, primary_key=True),
    Column("number", Integer, nullable=False),
)

policy_revisions = Table(
    "policy_revisions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", Name, nullable=False),
    Column("policy", Text, nullable=False),
    Column("origin", Name, nullable=False),
    Column("by", Name, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("published_at", BigInteger),
    UniqueConstraint("digest", name="policy_revisions_by_digest"),
)

policy_labels = Table(
    "policy_labels",
    metadata,
    Column("label", Name, primary_key=True),
    Column("number", Integer, nullable=False),
)

refusals = Table(
    "refusals",
    metadata,
    Column("user_id", Name, primary_key=True),
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("code", Name, primary_key=True),
    Column("model", Name, primary_key=True),
    Column("cap", Name, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("next_at", BigInteger),
    Index("refusals_by_age", "minute"),
)

# What beside its labels decides who answers for a persona: what its file held last, and the shares of a rollout.
persona_releases = Table(
    "persona_releases",
    metadata,
    Column("persona", Name, primary_key=True),
    Column("file_number", Integer),
    Column("rollout", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("who", Name, nullable=False),
    Column("what", Name, nullable=False),
    Column("detail", Text, nullable=False),
)
