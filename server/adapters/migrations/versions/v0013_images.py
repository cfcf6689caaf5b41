"""Images of messages, and files of users."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, PrimaryKeyConstraint, String

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "images",
        Column("id", String(), nullable=False),
        Column("media_type", String(), nullable=False),
        Column("width", Integer(), nullable=False),
        Column("height", Integer(), nullable=False),
        Column("bytes", Integer(), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        Column("data", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "image_uses",
        Column("turn_id", String(), nullable=False),
        Column("image_id", String(), nullable=False),
        Column("user_id", String(), nullable=False),
        PrimaryKeyConstraint("turn_id", "image_id"),
    )
    op.create_index("image_uses_by_image", "image_uses", ["image_id", "user_id"])
    op.create_table(
        "files",
        Column("user_id", String(), nullable=False),
        Column("image_id", String(), nullable=False),
        Column("name", String(), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("user_id", "image_id"),
    )
    op.create_index("files_by_age", "files", ["user_id", "created_at", "image_id"])
    op.create_index("files_by_image", "files", ["image_id"])
