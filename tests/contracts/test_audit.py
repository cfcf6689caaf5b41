"""What every audit promises."""

import pytest

from server.adapters.audit_sql import SqlAudit
from server.core.ports_operator import Audit, AuditEntry
from tests.contracts.conftest import Store


@pytest.fixture
def audit(store: Store) -> Audit:
    return SqlAudit(store.base)


async def test_a_note_is_kept_as_it_was_made(audit: Audit) -> None:
    """Who, what, when and the detail come back, whatever characters are in them."""
    detail = {"persona": "pirate", "revision": 3, "note": "\x00 “quoted” 🏴‍☠️"}
    await audit.note(who="ana key_1", what="persona published", at=7, detail=detail)
    assert await audit.entries(before=None, limit=5) == [
        AuditEntry(id=1, at=7, who="ana key_1", what="persona published", detail=detail)
    ]


async def test_the_newest_come_first(audit: Audit) -> None:
    """Entries are read backwards, from the one that was read last."""
    for number in range(5):
        await audit.note(who="ana", what=f"thing {number}", at=number, detail={})
    newest = await audit.entries(before=None, limit=2)
    assert [entry.what for entry in newest] == ["thing 4", "thing 3"]
    older = await audit.entries(before=newest[-1].id, limit=9)
    assert [entry.what for entry in older] == ["thing 2", "thing 1", "thing 0"]
