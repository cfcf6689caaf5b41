"""What users have beside their tier: an organisation, the tier before, grants and overrides."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, String, Text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("users", Column("organisation", String()))
    op.add_column("users", Column("tier_before", String()))
    op.add_column("users", Column("tier_changed_at", BigInteger()))
    op.create_table(
        "extras",
        Column("id", String(), nullable=False),
        Column("user_id", String(), nullable=False),
        Column("kind", String(), nullable=False),
        Column("what", String(), nullable=False),
        Column("priority", Integer(), nullable=False),
        Column("starts_at", BigInteger(), nullable=False),
        Column("ends_at", BigInteger(), nullable=False),
        Column("reason", Text(), nullable=False),
        Column("by", String(), nullable=False),
        Column("voided_at", BigInteger()),
        PrimaryKeyConstraint("id"),
    )
    op.create_index("extras_by_user", "extras", ["user_id", "ends_at"])
