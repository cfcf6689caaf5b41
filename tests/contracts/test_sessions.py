"""What every store of sessions promises."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.adapters.ids_system import SystemIds
from server.adapters.schema import metadata
from server.adapters.sessions_sql import SqlSessions
from server.core.errors import Refused
from server.core.ports_operator import Identity, Key
from server.core.ports_sessions import PREFIX, Sessions
from server.core.records import Role
from tests.contracts.conftest import Store

LASTS = {Role.USER: 1000, Role.DEVELOPER: 1000, Role.OPERATOR: 50}


@pytest.fixture
def sessions(store: Store) -> Sessions:
    return SqlSessions(store.base, ids=SystemIds())


@pytest.fixture
async def identity(store: Store) -> AsyncIterator[Identity]:
    async with store.identity() as identity:
        yield identity


async def code(sessions: Sessions, user: str = "ada", *, role: Role = Role.USER, tier: str | None = None) -> str:
    """Make a code that is good from 100 until 200."""
    return await sessions.make_code(
        user=user, tier=tier, default_tier="free", role=role, until=200, by="tests", now=100
    )


async def begun(sessions: Sessions, **how: Role) -> tuple[str, Key]:
    """Begin a session at 150."""
    found = await sessions.begin(await code(sessions, **how), lasts=LASTS, now=150)
    assert found is not None
    return found


async def test_a_code_begins_one_session(sessions: Sessions, identity: Identity) -> None:
    """The secret that it gives is known as the user's, with the role of the code; the code is spent."""
    made = await code(sessions, role=Role.DEVELOPER, tier="plus")
    found = await sessions.begin(made, lasts=LASTS, now=150)
    assert found is not None
    secret, session = found
    assert secret.startswith(PREFIX)
    actor = await identity.actor(secret, 160)
    assert (actor.name, actor.tier, actor.role) == ("ada", "plus", Role.DEVELOPER)
    assert actor.key_id == session.id
    assert await sessions.begin(made, lasts=LASTS, now=150) is None


async def test_of_calls_at_once_one_gets_the_session(sessions: Sessions) -> None:
    """A code that is sent eight times at once begins one session."""
    made = await code(sessions)
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(sessions.begin(made, lasts=LASTS, now=150)) for _ in range(8)]
    assert len([one for one in asked if one.result() is not None]) == 1


@pytest.mark.parametrize("wrong", ["", "x", "\x00", "\ud800", "x" * 10_000])
async def test_what_is_no_code_begins_nothing(sessions: Sessions, wrong: str) -> None:
    """Whatever somebody types, it is None and never a fault."""
    await code(sessions)
    assert await sessions.begin(wrong, lasts=LASTS, now=150) is None


async def test_a_code_is_good_until_its_time_and_not_at_it(sessions: Sessions) -> None:
    """Later it begins nothing."""
    assert await sessions.begin(await code(sessions), lasts=LASTS, now=199) is not None
    assert await sessions.begin(await code(sessions), lasts=LASTS, now=200) is None


async def test_a_session_lasts_as_long_as_its_role_says(sessions: Sessions, identity: Identity) -> None:
    """At its end nobody comes in with it."""
    secret, session = await begun(sessions, role=Role.OPERATOR)
    assert session.expires_at == 200
    await identity.actor(secret, 199)
    with pytest.raises(Refused) as refused:
        await identity.actor(secret, 200)
    assert refused.value.code == "invalid_api_key"


async def test_a_session_ends_when_it_is_ended(sessions: Sessions, identity: Identity) -> None:
    """At once, once, and no other with it."""
    secret, _ = await begun(sessions)
    other, _ = await begun(sessions)
    assert await sessions.end(secret, 160)
    assert not await sessions.end(secret, 160)
    assert not await sessions.end("session-none", 160)
    with pytest.raises(Refused):
        await identity.actor(secret, 160)
    await identity.actor(other, 160)


async def test_sessions_that_are_over_leave_nothing(store: Store, sessions: Sessions) -> None:
    """The next one that begins takes them away, and codes whose time is over go with the next code."""
    await begun(sessions, role=Role.OPERATOR)
    await code(sessions)
    await sessions.make_code(user="ada", tier=None, default_tier="free", role=Role.USER, until=400, by="t", now=300)
    assert await store.rows("SELECT expires_at FROM login_codes") == [(400,)]
    last = await sessions.make_code(
        user="ada", tier=None, default_tier="free", role=Role.USER, until=400, by="t", now=300
    )
    await sessions.begin(last, lasts=LASTS, now=350)
    assert await store.rows("SELECT kind, expires_at FROM keys") == [("session", 1350)]


async def test_codes_and_sessions_are_stored_only_as_hashes(store: Store, sessions: Sessions) -> None:
    """Neither is anywhere in the database."""
    waiting = await code(sessions)
    secret, _ = await begun(sessions)
    for table in metadata.tables:
        stored = str(await store.rows(f"SELECT * FROM {table}"))  # noqa: S608  our own names
        assert waiting not in stored
        assert secret.removeprefix(PREFIX) not in stored


async def test_signing_in_and_out_is_audited(store: Store, sessions: Sessions) -> None:
    """Who made the link, and which session of whom began and ended."""
    secret, session = await begun(sessions)
    await sessions.end(secret, 160)
    assert await store.rows("SELECT at, who, what FROM audit ORDER BY id") == [
        (100, "tests", "user created"),
        (100, "tests", "login link created"),
        (150, f"ada {session.id}", "signed in"),
        (160, f"ada {session.id}", "signed out"),
    ]
