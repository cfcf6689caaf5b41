"""Who made a revision of a persona, of what, and which of them answer."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, String, Text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for name, kind in (("source", Text()), ("author", String()), ("note", Text())):
        op.add_column("persona_revisions", Column(name, kind, nullable=False, server_default=""))
    for name in ("published_at", "recalled_at"):
        op.add_column("persona_revisions", Column(name, BigInteger()))
    # What is live was published when it was made, as far as anybody can tell.
    op.execute(
        "UPDATE persona_revisions SET published_at = created_at WHERE EXISTS (SELECT 1 FROM persona_labels AS l "
        "WHERE l.persona = persona_revisions.persona AND l.number = persona_revisions.number AND l.label = 'live')"
    )
    op.create_table(
        "persona_releases",
        Column("persona", String(), nullable=False),
        Column("file_number", Integer()),
        Column("rollout", Text(), nullable=False),
        PrimaryKeyConstraint("persona"),
    )
