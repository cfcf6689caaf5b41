"""The tables of images: each image once, which turns show it, and which files users have."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from server.adapters.schema_types import Name, metadata

images = Table(
    "images",
    metadata,
    Column("id", String, primary_key=True),
    Column("media_type", String, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

image_uses = Table(
    "image_uses",
    metadata,
    Column("turn_id", String, primary_key=True),
    Column("image_id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Index("image_uses_by_image", "image_id", "user_id"),
)

files = Table(
    "files",
    metadata,
    Column("user_id", String, primary_key=True),
    Column("image_id", String, primary_key=True),
    Column("name", Name, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("files_by_age", "user_id", "created_at", "image_id"),
    Index("files_by_image", "image_id"),
)
