"""Whether the caps ledger has been told what a turn cost."""

from alembic import op
from sqlalchemy import BigInteger, Column, text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("usage", Column("settled_at", BigInteger()))
    op.execute("UPDATE usage SET settled_at = ended_at")
    op.create_index(
        "usage_unsettled",
        "usage",
        ["ended_at"],
        sqlite_where=text("settled_at IS NULL"),
        postgresql_where=text("settled_at IS NULL"),
    )
