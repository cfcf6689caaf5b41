"""Conversations that are put away, messages that came without a turn, and words to search for."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, String, Text, UniqueConstraint

from server.adapters.schema import SEARCH

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("conversations", Column("archived_at", BigInteger()))
    op.add_column("conversations", Column("indexed_at", BigInteger()))
    op.create_index("messages_by_conversation", "messages", ["conversation_id"])
    op.create_table(
        "message_words",
        Column("id", Integer(), nullable=False, autoincrement=True),
        Column("message_id", String(), nullable=False),
        Column("user_id", String(), nullable=False),
        Column("conversation_id", String(), nullable=False),
        Column("words", Text(), nullable=False),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("message_id", name="message_words_by_message"),
        sqlite_autoincrement=True,
    )
    op.create_index("message_words_by_conversation", "message_words", ["conversation_id"])
    op.create_index("message_words_by_user", "message_words", ["user_id", "id"])
    for statement in SEARCH[op.get_bind().dialect.name]:
        op.execute(statement)
