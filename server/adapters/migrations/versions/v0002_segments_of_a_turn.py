"""What a commit holds of one turn, for databases that several nodes write."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, String

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "turn_segments",
        Column("turn_id", String(), nullable=False),
        Column("number", BigInteger(), autoincrement=False, nullable=False),
        Column("payload", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("turn_id", "number"),
    )
