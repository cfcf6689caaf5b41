"""Which turns are completions that a client had stored, to list them by age."""

from alembic import op
from sqlalchemy import BigInteger, Column, text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("turns", Column("completion_at", BigInteger()))
    op.create_index(
        "turns_completions",
        "turns",
        ["user_id", "completion_at", "id"],
        sqlite_where=text("completion_at IS NOT NULL"),
        postgresql_where=text("completion_at IS NOT NULL"),
    )
    # The underscores stand for colons, behind which SQLAlchemy would see parameters.
    op.execute(
        "UPDATE turns SET completion_at = created_at "
        """WHERE facts LIKE '%"door"_"chat-%' AND facts LIKE '%"store"_true%'"""
    )
