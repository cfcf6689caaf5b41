"""Events of payment systems, so that each is done once."""

from alembic import op
from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, String

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "entitlements",
        Column("id", String(), nullable=False),
        Column("digest", String(), nullable=False),
        Column("user_id", String(), nullable=False),
        Column("kind", String(), nullable=False),
        Column("at", BigInteger(), nullable=False),
        Column("received_at", BigInteger(), nullable=False),
        Column("result", String(), nullable=False),
        Column("extra_id", String()),
        PrimaryKeyConstraint("id"),
    )
    op.create_index("entitlements_by_user", "entitlements", ["user_id", "at"])
