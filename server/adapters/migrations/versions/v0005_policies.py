"""Revisions of the policy: what each user may use, and which of them holds."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, String, Text, UniqueConstraint

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "policy_revisions",
        Column("number", Integer(), autoincrement=False, nullable=False),
        Column("digest", String(), nullable=False),
        Column("policy", Text(), nullable=False),
        Column("origin", String(), nullable=False),
        Column("by", String(), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("number"),
        UniqueConstraint("digest", name="policy_revisions_by_digest"),
    )
    op.create_table(
        "policy_labels",
        Column("label", String(), nullable=False),
        Column("number", Integer(), nullable=False),
        PrimaryKeyConstraint("label"),
    )
