"""What every identity and every store of accounts promises."""

from collections.abc import AsyncIterator

import pytest

from server.adapters.accounts_sql import SqlAccounts
from server.adapters.extras_sql import SqlExtras
from server.adapters.ids_system import SystemIds, new_secret
from server.adapters.schema import metadata
from server.core.errors import Refused
from server.core.ports_extras import Extra
from server.core.ports_operator import Accounts, Identity, Key
from server.core.records import Role
from tests.contracts.conftest import Store


class FixedClock:
    """A clock that stands still."""

    def now(self) -> int:
        return 500

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def accounts(store: Store) -> Accounts:
    return SqlAccounts(store.base, ids=SystemIds(), clock=FixedClock(), new_secret=new_secret, by="tests")


@pytest.fixture
async def identity(store: Store) -> AsyncIterator[Identity]:
    async with store.identity() as identity:
        yield identity


async def create(
    accounts: Accounts,
    user: str = "ada",
    *,
    tier: str | None = None,
    role: Role = Role.USER,
    expires_at: int | None = None,
    now: int = 100,
) -> tuple[str, Key]:
    return await accounts.create_key(
        user=user, tier=tier, default_tier="free", role=role, expires_at=expires_at, now=now
    )


async def refusal(identity: Identity, secret: str, now: int = 200) -> str:
    with pytest.raises(Refused) as refused:
        await identity.actor(secret, now)
    return refused.value.code


async def test_a_secret_tells_who_holds_it(accounts: Accounts, identity: Identity) -> None:
    """The actor has the user's name and tier, and the role and the id of the key."""
    secret, key = await create(accounts, tier="plus", role=Role.DEVELOPER)
    actor = await identity.actor(secret, 200)
    (user,) = await accounts.users()
    assert (actor.user_id, actor.name, actor.tier) == (user.id, "ada", "plus")
    assert (actor.role, actor.signature) == (Role.DEVELOPER, f"ada {key.id}")


@pytest.mark.parametrize("secret", ["", "sk-unknown", "sk-\ud800", "sk-\x00", "sk-" + "x" * 10_000])
async def test_an_unknown_secret_is_refused(accounts: Accounts, identity: Identity, secret: str) -> None:
    """Whatever a client sends, it is a refusal and never a fault."""
    await create(accounts)
    assert await refusal(identity, secret) == "invalid_api_key"


async def test_a_revoked_key_is_refused_at_once(accounts: Accounts, identity: Identity) -> None:
    """Revoking counts from the next request on and happens once."""
    secret, key = await create(accounts)
    await identity.actor(secret, 200)
    assert await accounts.revoke_key(key.id, 150)
    assert await refusal(identity, secret) == "invalid_api_key"
    assert not await accounts.revoke_key(key.id, 160)
    assert not await accounts.revoke_key("key_none", 160)


async def test_a_key_expires(accounts: Accounts, identity: Identity) -> None:
    """It is good until its time and not at it."""
    secret, _ = await create(accounts, expires_at=300)
    await identity.actor(secret, 299)
    assert await refusal(identity, secret, 300) == "invalid_api_key"


async def test_a_suspended_user_is_refused_until_resumed(accounts: Accounts, identity: Identity) -> None:
    """Suspending counts for all keys of the user, from the next request on."""
    secret, _ = await create(accounts)
    await accounts.change_user("ada", suspended=True)
    assert await refusal(identity, secret) == "user_suspended"
    await accounts.change_user("ada", suspended=False)
    await identity.actor(secret, 200)


async def test_a_change_of_tier_counts_at_once(accounts: Accounts, identity: Identity) -> None:
    """The actor has the tier of the moment."""
    secret, _ = await create(accounts)
    changed = await accounts.change_user("ada", tier="pro")
    assert changed is not None
    assert (await identity.actor(secret, 200)).tier == changed.tier == "pro"


async def test_a_change_of_tier_remembers_the_one_before(accounts: Accounts, identity: Identity) -> None:
    """The tier before and the time of the change go with the actor; the same tier again is no change."""
    secret, _ = await create(accounts, tier="plus")
    before = await identity.actor(secret, 200)
    assert (before.tier_before, before.tier_changed_at) == (None, None)
    for tier in ("pro", "pro"):
        await accounts.change_user("ada", tier=tier)
    actor = await identity.actor(secret, 600)
    assert (actor.tier, actor.tier_before, actor.tier_changed_at) == ("pro", "plus", 500)
    await create(accounts, tier="free", now=700)
    actor = await identity.actor(secret, 800)
    assert (actor.tier, actor.tier_before, actor.tier_changed_at) == ("free", "pro", 700)


async def test_a_user_may_belong_to_an_organisation(accounts: Accounts, identity: Identity) -> None:
    """It counts from the next request on, until they are taken out of it."""
    secret, _ = await create(accounts)
    for name, expected in (("acme", "acme"), ("", None)):
        changed = await accounts.change_user("ada", organisation=name)
        assert changed is not None
        assert (await identity.actor(secret, 200)).organisation == changed.organisation == expected


async def test_an_actor_is_known_to_have_extras(store: Store, accounts: Accounts, identity: Identity) -> None:
    """From the first grant or override on, until it is void, without asking for what it is."""
    secret, _ = await create(accounts)
    actor = await identity.actor(secret, 200)
    assert not actor.has_extras
    extra = Extra(id="e", user_id=actor.user_id, kind="grant", what="$5", starts_at=0, ends_at=9, reason="", by="cli")
    await SqlExtras(store.base).add(extra)
    assert (await identity.actor(secret, 200)).has_extras
    await store.execute("UPDATE extras SET voided_at = 5")
    assert not (await identity.actor(secret, 200)).has_extras


async def test_a_key_made_by_another_process_is_seen(store: Store, accounts: Accounts, identity: Identity) -> None:
    """What another connection commits is there at the next look."""
    secret, _ = await create(accounts)
    await store.execute("UPDATE keys SET revoked_at = 1")
    assert await refusal(identity, secret) == "invalid_api_key"


async def test_secrets_are_stored_only_as_hashes(store: Store, accounts: Accounts) -> None:
    """A secret is long, its beginning is the hint, and the rest is nowhere in the database."""
    secret, key = await create(accounts)
    assert secret.startswith("sk-")
    assert len(secret) >= 46
    assert secret.startswith(key.hint)
    assert len(key.hint) <= 8
    for table in metadata.tables:
        assert secret[8:] not in str(await store.rows(f"SELECT * FROM {table}"))  # noqa: S608  our own names


async def test_a_second_key_belongs_to_the_same_user(accounts: Accounts) -> None:
    """A key for a name that exists makes no second user and keeps the tier unless one is given."""
    await create(accounts, tier="plus")
    await create(accounts, now=101)
    (user,) = await accounts.users()
    assert (user.tier, user.created_at) == ("plus", 100)
    await create(accounts, tier="pro", now=102)
    (user,) = await accounts.users()
    assert user.tier == "pro"


async def test_a_new_user_without_a_tier_has_the_default_one(accounts: Accounts) -> None:
    """The caller says what the default is."""
    await create(accounts)
    assert [user.tier for user in await accounts.users()] == ["free"]


async def test_all_keys_are_listed_oldest_first(accounts: Accounts) -> None:
    """Revoked and expired ones too."""
    _, second = await create(accounts, "bob", now=200, expires_at=201)
    _, first = await create(accounts, "ada", now=100, role=Role.OPERATOR)
    await accounts.revoke_key(first.id, 300)
    keys = await accounts.keys()
    assert [(key.id, key.user, key.role) for key in keys] == [
        (first.id, "ada", Role.OPERATOR),
        (second.id, "bob", Role.USER),
    ]
    assert [(key.expires_at, key.revoked_at) for key in keys] == [(None, 300), (201, None)]


async def test_users_are_listed_by_name(accounts: Accounts) -> None:
    """In the order of the alphabet."""
    for name in ("eve", "ada", "bob"):
        await create(accounts, name)
    assert [user.name for user in await accounts.users()] == ["ada", "bob", "eve"]


async def test_users_are_found_by_a_part_of_their_name(accounts: Accounts) -> None:
    """In any case, signs of patterns as they are, page by page; and each user's keys by themselves."""
    for name in ("Bob", "ada 100%", "bo", "eve"):
        await create(accounts, name)
    found = await accounts.users(holding="BO")
    assert [user.name for user in found] == ["Bob", "bo"]
    assert [user.name for user in await accounts.users(holding="BO", after=found[0].id)] == ["bo"]
    assert [user.name for user in await accounts.users(holding="0%")] == ["ada 100%"]
    assert await accounts.users(holding="_") == []
    assert len(await accounts.users(limit=3)) == 3
    assert [key.user for key in await accounts.keys(user="bo")] == ["bo"]


async def test_nobody_is_changed_by_an_unknown_name(accounts: Accounts) -> None:
    """A name without a user gives None."""
    await create(accounts)
    assert await accounts.change_user("nobody", tier="pro") is None
    assert [user.tier for user in await accounts.users()] == ["free"]


async def test_changes_are_audited(store: Store, accounts: Accounts) -> None:
    """Every change says who made it, when and to what."""
    _, key = await create(accounts)
    await accounts.change_user("ada", suspended=True)
    await accounts.revoke_key(key.id, 900)
    assert await store.rows("SELECT at, who, what FROM audit ORDER BY id") == [
        (100, "tests", "user created"),
        (100, "tests", "key created"),
        (500, "tests", "user changed"),
        (900, "tests", "key revoked"),
    ]
