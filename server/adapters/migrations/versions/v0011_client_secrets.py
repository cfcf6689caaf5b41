"""Credentials that applications make for the browsers of their users, and whose users these are."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, PrimaryKeyConstraint, String, Text, UniqueConstraint

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("users", Column("host_id", String()))
    op.create_table(
        "client_secrets",
        Column("id", String(), nullable=False),
        Column("hash", LargeBinary(), nullable=False),
        Column("hint", String(), nullable=False),
        Column("user_id", String(), nullable=False),
        Column("name", String(), nullable=False),
        Column("minter_id", String(), nullable=False),
        Column("key_id", String(), nullable=False),
        Column("origin", String()),
        Column("persona", String()),
        Column("model", String()),
        Column("instructions", Text()),
        Column("messages", Integer()),
        Column("created_at", BigInteger(), nullable=False),
        Column("expires_at", BigInteger(), nullable=False),
        Column("revoked_at", BigInteger()),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("hash"),
    )
    op.create_index("client_secrets_by_minter", "client_secrets", ["minter_id", "created_at", "id"])
    op.create_index("client_secrets_by_key", "client_secrets", ["key_id", "expires_at"])
