"""Sessions of browsers among the keys, and the codes that begin them."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, LargeBinary, PrimaryKeyConstraint, String

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("keys", Column("kind", String(), nullable=False, server_default="key"))
    op.create_table(
        "login_codes",
        Column("hash", LargeBinary(), nullable=False),
        Column("user_id", String(), nullable=False),
        Column("role", String(), nullable=False),
        Column("expires_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("hash"),
        ForeignKeyConstraint(["user_id"], ["users.id"]),
    )
