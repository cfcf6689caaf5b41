"""What users were refused: by minute, so that their number is bounded whatever a client does."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, String

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "refusals",
        Column("user_id", String(), nullable=False),
        Column("minute", BigInteger(), nullable=False),
        Column("code", String(), nullable=False),
        Column("model", String(), nullable=False),
        Column("cap", String(), nullable=False),
        Column("count", Integer(), nullable=False),
        Column("last_at", BigInteger(), nullable=False),
        Column("next_at", BigInteger(), nullable=True),
        PrimaryKeyConstraint("user_id", "minute", "code", "model", "cap"),
    )
    op.create_index("refusals_by_age", "refusals", ["minute"])
