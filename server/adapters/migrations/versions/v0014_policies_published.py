"""When a revision of the policy was published last, so that the way back leads to what held."""

import json

from alembic import op
from sqlalchemy import BigInteger, Column, MetaData, Table, bindparam, select, update

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("policy_revisions", Column("published_at", BigInteger()))
    link = op.get_bind()
    audit, revisions = (Table(name, MetaData(), autoload_with=link) for name in ("audit", "policy_revisions"))
    told = select(audit.c.at, audit.c.detail).where(audit.c.what == "policy published").order_by(audit.c.id)
    # The newest is told last, and stays.
    published = {json.loads(row.detail)["revision"]: row.at for row in link.execute(told)}
    if published:
        change = update(revisions).where(revisions.c.number == bindparam("of")).values(published_at=bindparam("at"))
        link.execute(change, [{"of": number, "at": at} for number, at in published.items()])
