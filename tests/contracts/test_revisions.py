"""What every store of revisions promises."""

import asyncio

import pytest

from server.adapters.revisions_sql import SqlRevisions
from server.core.ports_operator import Revision, Revisions
from tests.contracts.conftest import Store


@pytest.fixture
def revisions(store: Store) -> Revisions:
    return SqlRevisions(store.base)


async def publish(revisions: Revisions, content: str, persona: str = "pirate", now: int = 10) -> Revision:
    return await revisions.publish_file(persona, f"digest of {content}", content, now)


async def test_a_file_becomes_the_live_revision(revisions: Revisions) -> None:
    """The first content is revision 1, and it answers."""
    first = await publish(revisions, "a")
    assert first == Revision(
        persona="pirate", number=1, digest="digest of a", compiled="a", origin="file", created_at=10
    )
    assert await revisions.revision("pirate", 1) == first
    assert await revisions.labels() == {"pirate": {"live": 1}}


async def test_the_same_content_is_the_same_revision(revisions: Revisions) -> None:
    """Publishing again changes nothing."""
    first = await publish(revisions, "a")
    assert await publish(revisions, "a", now=99) == first
    assert await revisions.revision("pirate", 2) is None


async def test_new_content_in_the_file_goes_live(revisions: Revisions) -> None:
    """A live revision from a file is followed by the next one from the file, and back again."""
    await publish(revisions, "a")
    assert (await publish(revisions, "b")).number == 2
    assert await revisions.labels() == {"pirate": {"live": 2}}
    assert (await publish(revisions, "a")).number == 1
    assert await revisions.labels() == {"pirate": {"live": 1}}


async def test_a_file_does_not_replace_what_the_console_made_live(store: Store, revisions: Revisions) -> None:
    """It becomes the draft."""
    await publish(revisions, "a")
    await store.execute("UPDATE persona_revisions SET origin = 'console'")
    assert (await publish(revisions, "b")).number == 2
    assert await revisions.labels() == {"pirate": {"live": 1, "draft": 2}}


async def test_numbers_belong_to_a_persona(revisions: Revisions) -> None:
    """Each persona counts from 1, and equal contents of two personas are two revisions."""
    await publish(revisions, "a")
    assert (await publish(revisions, "a", persona="editor")).number == 1
    assert await revisions.labels() == {"pirate": {"live": 1}, "editor": {"live": 1}}


async def test_all_revisions_of_a_persona(revisions: Revisions) -> None:
    """They come newest first, and those of other personas do not."""
    first, _ = await publish(revisions, "a"), await publish(revisions, "x", persona="editor")
    second = await publish(revisions, "b")
    assert await revisions.revisions("pirate") == [second, first]
    assert await revisions.revisions("nobody") == []


async def test_what_is_not_there_is_none(revisions: Revisions) -> None:
    """No persona of the name, or no such number."""
    assert await revisions.labels() == {}
    assert await revisions.revision("pirate", 1) is None


async def test_processes_that_start_together_agree(store: Store) -> None:
    """All who publish the same files at once get the same revisions."""
    shops = [SqlRevisions(store.base) for _ in range(5)]
    published = await asyncio.gather(*(publish(shop, content) for shop in shops for content in ("a", "b")))
    assert {(revision.compiled, revision.number) for revision in published} in (
        {("a", 1), ("b", 2)},
        {("a", 2), ("b", 1)},
    )
