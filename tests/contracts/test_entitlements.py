"""What every store of entitlements promises."""

import asyncio
from dataclasses import replace

import pytest

from server.adapters.accounts_sql import SqlAccounts
from server.adapters.audit_sql import SqlAudit
from server.adapters.entitlements_sql import SqlEntitlements
from server.adapters.extras_sql import SqlExtras
from server.adapters.ids_system import SystemIds, new_secret
from server.core.errors import Refused
from server.core.ports_entitlements import Effect, Entitlement, Entitlements, Give, SetTier, TakeBack
from server.core.ports_extras import Extra
from server.core.ports_operator import User
from server.core.records import Role
from tests.contracts.conftest import Store
from tests.contracts.test_identity import FixedClock

GRANT = Extra(
    id="extra_1", user_id="", kind="grant", what="$5", starts_at=1, ends_at=99, reason="", by="entitlement e1"
)


def event(number: int, change: SetTier | Give | TakeBack, *, at: int = 0) -> Entitlement:
    """Return an event that happened at its number, or at another time."""
    return Entitlement(
        id=f"e{number}", digest=str(change), at=at or number, received_at=10, by=f"entitlement e{number}", change=change
    )


@pytest.fixture
async def accounts(store: Store) -> SqlAccounts:
    accounts = SqlAccounts(store.base, ids=SystemIds(), clock=FixedClock(), new_secret=new_secret, by="tests")
    await accounts.create_key(user="ana", tier="free", default_tier="free", role=Role.USER, expires_at=None, now=1)
    return accounts


@pytest.fixture
async def entitlements(store: Store, accounts: SqlAccounts) -> Entitlements:
    return SqlEntitlements(store.base)


async def ana(accounts: SqlAccounts) -> User:
    found = await accounts.user("ana")
    assert found is not None
    return found


async def test_a_tier_is_set_once(entitlements: Entitlements, accounts: SqlAccounts) -> None:
    """The same event again changes nothing, even after somebody else has; the tier before is remembered."""
    first = event(1, SetTier(user="ana", tier="plus"))
    assert await entitlements.apply(first) == Effect(result="done")
    assert ((await ana(accounts)).tier, (await ana(accounts)).tier_before) == ("plus", "free")
    await accounts.change_user("ana", tier="pro")
    assert await entitlements.apply(first) == Effect(result="done", repeated=True)
    assert (await ana(accounts)).tier == "pro"


async def test_an_event_that_comes_late_does_not_undo_a_later_one(
    entitlements: Entitlements, accounts: SqlAccounts
) -> None:
    """What counts is when it happened, as the payment system says, not when it came."""
    await entitlements.apply(event(2, SetTier(user="ana", tier="pro"), at=200))
    assert (await entitlements.apply(event(1, SetTier(user="ana", tier="plus"), at=199))).result == "outdated"
    assert (await ana(accounts)).tier == "pro"
    assert (await entitlements.apply(event(3, SetTier(user="ana", tier="free"), at=200))).result == "done"
    assert (await ana(accounts)).tier == "free"


async def test_a_grant_is_given_and_taken_back_once(
    entitlements: Entitlements, accounts: SqlAccounts, store: Store
) -> None:
    """The second event names the first; what is taken back already is nothing."""
    given = event(1, Give(user="ana", grant=GRANT))
    for repeated in (False, True):
        assert await entitlements.apply(given) == Effect(result="done", extra_id="extra_1", repeated=repeated)
    extras = SqlExtras(store.base)
    (found,) = await extras.of((await ana(accounts)).id, 50)
    assert found == replace(GRANT, user_id=found.user_id)
    assert await entitlements.apply(event(2, TakeBack(event_id="e1"))) == Effect(result="done", extra_id="extra_1")
    assert await entitlements.apply(event(3, TakeBack(event_id="e1"))) == Effect(result="nothing", extra_id="extra_1")
    assert await extras.of(None, 50) == []


async def test_an_event_sent_twice_at_once_is_done_once(entitlements: Entitlements, store: Store) -> None:
    """However many nodes take it at the same moment."""
    async with asyncio.TaskGroup() as tasks:
        sent = [
            tasks.create_task(
                entitlements.apply(
                    replace(event(1, Give(user="ana", grant=replace(GRANT, id=f"extra_{n}"))), digest="d")
                )
            )
            for n in range(8)
        ]
    effects = [one.result() for one in sent]
    assert [one.repeated for one in effects].count(False) == 1
    assert len({one.extra_id for one in effects}) == 1
    assert len(await SqlExtras(store.base).of(None, 50)) == 1


async def test_what_cannot_be_done_is_not_remembered(entitlements: Entitlements, accounts: SqlAccounts) -> None:
    """An unknown user or event, or an id that came with something else; the sender may come again."""
    later = event(1, SetTier(user="bo", tier="plus"))
    for wrong in (later, event(2, Give(user="bo", grant=GRANT)), event(3, TakeBack(event_id="e1"))):
        with pytest.raises(Refused) as refused:
            await entitlements.apply(wrong)
        assert refused.value.code == "not_found"
    await accounts.create_key(user="bo", tier="free", default_tier="free", role=Role.USER, expires_at=None, now=1)
    assert (await entitlements.apply(later)).result == "done"
    with pytest.raises(Refused) as refused:
        await entitlements.apply(event(1, SetTier(user="bo", tier="pro")))
    assert refused.value.code == "idempotency_conflict"


async def test_each_event_is_in_the_audit(entitlements: Entitlements, store: Store) -> None:
    """With its id, once."""
    for change in (SetTier(user="ana", tier="plus"), SetTier(user="ana", tier="plus")):
        await entitlements.apply(event(1, change))
    await entitlements.apply(event(2, Give(user="ana", grant=GRANT)))
    await entitlements.apply(event(3, TakeBack(event_id="e2")))
    entries = await SqlAudit(store.base).entries(before=None, limit=3)
    assert [(entry.who, entry.what) for entry in entries] == [
        ("entitlement e3", "extra voided"),
        ("entitlement e1", "grant given"),
        ("entitlement e1", "user changed"),
    ]
