"""What every store of grants and overrides promises."""

from dataclasses import replace

import pytest

from server.adapters.audit_sql import SqlAudit
from server.adapters.extras_sql import SqlExtras
from server.core.ports_extras import Extra, Extras
from tests.contracts.conftest import Store

GRANT = Extra(
    id="extra_1",
    user_id="user_1",
    kind="grant",
    what="20 gpt-4 messages",
    priority=2,
    starts_at=100,
    ends_at=200,
    reason="bought \x00 it",
    by="cli",
)
OVERRIDE = replace(GRANT, id="extra_2", user_id="user_2", kind="override", what="gpt-4: 9 messages / 3h", starts_at=101)


@pytest.fixture
def extras(store: Store) -> Extras:
    return SqlExtras(store.base)


async def test_what_was_given_is_found_while_it_holds(extras: Extras) -> None:
    """Of one user or of all, the oldest first, until the moment at which it ends."""
    for extra in (OVERRIDE, GRANT):
        await extras.add(extra)
    assert [one.id for one in await extras.of(None, 199)] == ["extra_1", "extra_2"]
    (found,) = await extras.of("user_1", 199)
    assert replace(found, reason="") == replace(GRANT, reason="")
    assert await extras.of("user_1", 200) == []
    assert await extras.of("user_3", 0) == []


async def test_what_is_void_holds_no_more(extras: Extras) -> None:
    """It is taken back once, and what has ended cannot be."""
    for extra in (GRANT, OVERRIDE):
        await extras.add(extra)
    assert await extras.void("extra_1", by="op", now=150)
    assert not await extras.void("extra_1", by="op", now=151)
    assert not await extras.void("extra_2", by="op", now=200)
    assert not await extras.void("extra_9", by="op", now=150)
    assert [one.id for one in await extras.of(None, 150)] == ["extra_2"]


async def test_each_change_is_in_the_audit(extras: Extras, store: Store) -> None:
    """Who gave what to whom and why, and who took it back."""
    await store.execute("INSERT INTO users (id, name, tier, suspended, created_at) VALUES ('user_2','bo','p',false,1)")
    await extras.add(OVERRIDE)
    await extras.void("extra_2", by="op key_1", now=150)
    entries = await SqlAudit(store.base).entries(before=None, limit=9)
    assert [(entry.at, entry.who, entry.what) for entry in entries] == [
        (150, "op key_1", "extra voided"),
        (101, "cli", "override given"),
    ]
    assert (entries[1].detail["user"], entries[1].detail["override"]) == ("bo", "gpt-4: 9 messages / 3h")
