"""What every store of client secrets promises, and what an identity makes of them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from server.adapters.accounts_sql import SqlAccounts
from server.adapters.client_secrets_sql import KEPT_US, SqlClientSecrets
from server.adapters.ids_system import SystemIds, new_client_secret, new_secret
from server.adapters.schema import metadata
from server.core.errors import Refused
from server.core.ports_operator import Accounts, Identity
from server.core.ports_secrets import ClientSecret, ClientSecrets, NewSecret
from server.core.records import Actor, Binding, Role
from tests.contracts.conftest import Store
from tests.contracts.test_identity import FixedClock


@pytest.fixture
def accounts(store: Store) -> Accounts:
    return SqlAccounts(store.base, ids=SystemIds(), clock=FixedClock(), new_secret=new_secret, by="tests")


@pytest.fixture
def secrets(store: Store) -> ClientSecrets:
    return SqlClientSecrets(store.base, ids=SystemIds(), new_secret=new_client_secret)


@pytest.fixture
async def identity(store: Store) -> AsyncIterator[Identity]:
    async with store.identity() as identity:
        yield identity


NUMBERS = count()


async def developer(accounts: Accounts, identity: Identity, name: str = "shop") -> Actor:
    """Return somebody who may make client secrets."""
    key, _ = await accounts.create_key(
        user=name, tier="pro", default_tier="free", role=Role.DEVELOPER, expires_at=None, now=100
    )
    return await identity.actor(key, 100)


async def mint(
    secrets: ClientSecrets, by: Actor, user: str = "", *, tier: str | None = None, **bound: Any
) -> tuple[str, ClientSecret]:
    """Make a secret at 200 that ends at 300."""
    binding = Binding(**{"id": f"secret_{next(NUMBERS):04}", "created_at": 200, "expires_at": 300, **bound})
    return await secrets.mint(NewSecret(binding=binding, by=by, user=user, tier=tier, default_tier="free"))


async def refusal(identity: Identity, secret: str, now: int = 250) -> str:
    with pytest.raises(Refused) as refused:
        await identity.actor(secret, now)
    return refused.value.code


async def test_a_client_secret_is_a_user_of_the_application(
    accounts: Accounts, identity: Identity, secrets: ClientSecrets
) -> None:
    """The user is made once, in the application's organisation, and called as the application calls them."""
    shop = replace(await developer(accounts, identity), organisation="shops")
    secret, made = await mint(
        secrets, shop, "ana", persona="tutor", model="gpt-4", instructions="Be brief.", messages=2
    )
    again, _ = await mint(secrets, shop, "ana")
    actor = await identity.actor(secret, 250)
    assert (actor.name, actor.tier, actor.role, actor.organisation) == ("ana", "free", Role.USER, "shops")
    assert actor.binding == made.binding
    assert (await identity.actor(again, 250)).user_id == actor.user_id
    found = await accounts.user("shop/ana")
    assert found is not None
    assert (found.id, found.host_id) == (actor.user_id, shop.user_id)


async def test_a_secret_without_a_user_is_the_key_s_own(
    accounts: Accounts, identity: Identity, secrets: ClientSecrets
) -> None:
    """It has the user of the key, and may do no more than any user."""
    shop = await developer(accounts, identity)
    secret, _ = await mint(secrets, shop)
    actor = await identity.actor(secret, 250)
    assert (actor.user_id, actor.name, actor.tier, actor.role) == (shop.user_id, "shop", "pro", Role.USER)


async def test_the_tier_of_a_user_is_the_one_named_last(
    accounts: Accounts, identity: Identity, secrets: ClientSecrets
) -> None:
    """Secrets that were made before have it too; the tier before is kept in mind."""
    shop = await developer(accounts, identity)
    first, _ = await mint(secrets, shop, "ana", tier="plus")
    assert (await identity.actor(first, 250)).tier == "plus"
    _, made = await mint(secrets, shop, "ana", tier="pro")
    actor = await identity.actor(first, 250)
    assert (actor.tier, actor.tier_before, made.tier) == ("pro", "plus", "pro")
    _, same = await mint(secrets, shop, "ana")
    assert same.tier == "pro"


async def test_nobody_takes_over_another_s_user(accounts: Accounts, identity: Identity, secrets: ClientSecrets) -> None:
    """A name that an operator gave, or that another application's user has, is refused and nothing is made."""
    shop = await developer(accounts, identity)
    await accounts.create_key(
        user="shop/boss", tier=None, default_tier="free", role=Role.OPERATOR, expires_at=None, now=1
    )
    with pytest.raises(Refused) as refused:
        await mint(secrets, shop, "boss")
    assert (refused.value.code, refused.value.param) == ("invalid_value", "user")
    assert await secrets.of(shop.user_id, 250, user=None, after=None, limit=9) == []


@pytest.mark.parametrize("now", [300, 400])
async def test_a_secret_expires(accounts: Accounts, identity: Identity, secrets: ClientSecrets, now: int) -> None:
    """It is good until its time and not at it."""
    secret, _ = await mint(secrets, await developer(accounts, identity), "ana")
    await identity.actor(secret, 299)
    assert await refusal(identity, secret, now) == "invalid_api_key"


async def test_a_secret_is_revoked_by_its_minter_only(
    accounts: Accounts, identity: Identity, secrets: ClientSecrets
) -> None:
    """At once, and once."""
    shop, other = await developer(accounts, identity), await developer(accounts, identity, "other")
    secret, made = await mint(secrets, shop, "ana")
    assert not await secrets.revoke(made.binding.id, other.user_id, 250)
    await identity.actor(secret, 250)
    assert await secrets.revoke(made.binding.id, shop.user_id, 250)
    assert await refusal(identity, secret) == "invalid_api_key"
    assert not await secrets.revoke(made.binding.id, shop.user_id, 250)


async def test_a_secret_ends_with_the_key_that_made_it(
    accounts: Accounts, identity: Identity, secrets: ClientSecrets
) -> None:
    """Whoever loses a key loses all that was made with it; other keys' secrets stay."""
    shop = await developer(accounts, identity)
    secret, _ = await mint(secrets, shop, "ana")
    second, _ = await mint(secrets, await developer(accounts, identity), "ana")
    await accounts.revoke_key(shop.key_id, 240)
    assert await refusal(identity, secret) == "invalid_api_key"
    await identity.actor(second, 250)


@pytest.mark.parametrize("name", ["shop", "shop/ana"])
async def test_suspending_counts_for_secrets(
    accounts: Accounts, identity: Identity, secrets: ClientSecrets, name: str
) -> None:
    """A suspended user has no secret that works, and a suspended application none of its users."""
    secret, _ = await mint(secrets, await developer(accounts, identity), "ana")
    await accounts.change_user(name, suspended=True)
    assert await refusal(identity, secret) == "user_suspended"


async def test_an_unknown_secret_is_refused(accounts: Accounts, identity: Identity, secrets: ClientSecrets) -> None:
    """Whatever a client sends, it is a refusal and never a fault."""
    await mint(secrets, await developer(accounts, identity), "ana")
    for secret in ("ek_", "ek_unknown", "ek_\ud800", "ek_\x00"):
        assert await refusal(identity, secret) == "invalid_api_key"


async def test_secrets_are_listed_newest_first(accounts: Accounts, identity: Identity, secrets: ClientSecrets) -> None:
    """A page of those that can be used, of one user or all, and of nobody else's keys."""
    shop, other = await developer(accounts, identity), await developer(accounts, identity, "other")
    ids = [(await mint(secrets, shop, user, created_at=200 + n))[1].binding.id for n, user in enumerate("abab")]
    await mint(secrets, other, "a")
    await mint(secrets, shop, "a", expires_at=210)

    async def listed(user: str | None = None, after: str | None = None, limit: int = 9) -> list[str]:
        found = await secrets.of(shop.user_id, 250, user=user, after=after, limit=limit)
        return [one.binding.id for one in found]

    assert await listed() == ids[::-1]
    assert await listed(limit=1) == [ids[3]]
    assert await listed(after=ids[2]) == [ids[1], ids[0]]
    assert await listed(user="a") == [ids[2], ids[0]]


async def test_what_ended_long_ago_is_deleted(
    store: Store, accounts: Accounts, identity: Identity, secrets: ClientSecrets
) -> None:
    """Secrets last minutes and are made all day: a key's old ones go when it makes another."""
    shop = await developer(accounts, identity)
    for late in (0, KEPT_US, 2 * KEPT_US):
        await mint(secrets, shop, "ana", created_at=200 + late, expires_at=300 + late)
    assert await store.rows("SELECT expires_at FROM client_secrets ORDER BY 1") == [
        (300 + KEPT_US,),
        (300 + 2 * KEPT_US,),
    ]


async def test_secrets_are_stored_only_as_hashes(
    store: Store, accounts: Accounts, identity: Identity, secrets: ClientSecrets
) -> None:
    """A secret is long, its beginning is the hint, and the rest is nowhere in the database."""
    secret, made = await mint(secrets, await developer(accounts, identity), "ana")
    assert secret.startswith("ek_")
    assert len(secret) >= 46
    assert secret.startswith(made.hint)
    for table in metadata.tables:
        assert secret[8:] not in str(await store.rows(f"SELECT * FROM {table}"))  # noqa: S608  our own names
