"""What every store of revisions promises."""

import asyncio

import pytest

from server.adapters.audit_sql import SqlAudit
from server.adapters.releases_sql import SqlReleases
from server.adapters.revisions_sql import SqlRevisions
from server.core.ports_operator import Draft, Origin, Revision, Revisions
from tests.contracts.conftest import Store


@pytest.fixture
def revisions(store: Store) -> Revisions:
    return SqlRevisions(store.base)


def draft(content: str, persona: str = "pirate") -> Draft:
    """Return content, which is its own digest."""
    return Draft(persona=persona, digest=f"digest of {content}", compiled=content, source=f"source of {content}")


async def add(
    revisions: Revisions, content: str, persona: str = "pirate", *, origin: Origin = "console", now: int = 10
) -> Revision:
    return await revisions.add(draft(content, persona), origin=origin, author="ana key_1", note="why", now=now)


async def test_what_is_added_is_the_draft(store: Store, revisions: Revisions) -> None:
    """The first content is revision 1, which nobody gets yet, and the audit has it."""
    first = await add(revisions, "a")
    assert first == Revision(
        persona="pirate",
        number=1,
        digest="digest of a",
        compiled="a",
        source="source of a",
        origin="console",
        author="ana key_1",
        note="why",
        created_at=10,
    )
    assert await revisions.revision("pirate", 1) == first
    assert (await SqlReleases(store.base).standings())["pirate"].labels == {"draft": 1}
    (entry,) = await SqlAudit(store.base).entries(before=None, limit=9)
    assert (entry.who, entry.what, entry.at) == ("ana key_1", "persona drafted", 10)
    assert entry.detail == {"persona": "pirate", "revision": 1}


async def test_the_same_content_is_the_same_revision(store: Store, revisions: Revisions) -> None:
    """Adding again stores nothing, whoever adds it, and makes it the draft again."""
    first = await add(revisions, "a")
    await add(revisions, "b")
    assert await add(revisions, "a", origin="import", now=99) == first
    assert [one.number for one in await revisions.revisions("pirate")] == [2, 1]
    assert (await SqlReleases(store.base).standings())["pirate"].labels == {"draft": 1}


async def test_numbers_belong_to_a_persona(revisions: Revisions) -> None:
    """Each persona counts from 1, and equal contents of two personas are two revisions."""
    await add(revisions, "a")
    assert (await add(revisions, "a", persona="editor")).number == 1


async def test_all_revisions_of_a_persona(revisions: Revisions) -> None:
    """They come newest first, and those of other personas do not."""
    first, _ = await add(revisions, "a"), await add(revisions, "x", persona="editor")
    second = await add(revisions, "b")
    assert await revisions.revisions("pirate") == [second, first]
    assert await revisions.revisions("nobody") == []


async def test_some_revisions(revisions: Revisions) -> None:
    """Those that exist come, however many are asked for, and nothing for the others."""
    kept = [await add(revisions, f"content {number}") for number in range(3)]
    wanted = {("pirate", number) for number in range(2, 1200)} | {("editor", 1)}
    assert sorted(await revisions.some(wanted), key=lambda one: one.number) == kept[1:]
    assert await revisions.some(set()) == []


async def test_what_is_not_there_is_none(revisions: Revisions) -> None:
    """No persona of the name, or no such number."""
    assert await revisions.revision("pirate", 1) is None


async def test_text_of_any_kind_is_kept(revisions: Revisions) -> None:
    """Source and note come back byte for byte."""
    text = "Ahoy — “aye” 🏴\u200d☠️\r\n\ttabs"
    added = await revisions.add(
        Draft(persona="pirate", digest="d", compiled="{}", source=text), origin="console", author="ä", note=text, now=1
    )
    found = await revisions.revision("pirate", added.number)
    assert found
    assert (found.source, found.note, found.author) == (text, text, "ä")


async def test_processes_that_add_at_once_agree(store: Store) -> None:
    """All who add the same contents at once get the same revisions."""
    shops = [SqlRevisions(store.base) for _ in range(5)]
    added = await asyncio.gather(*(add(shop, content) for shop in shops for content in ("a", "b")))
    assert {(revision.compiled, revision.number) for revision in added} in ({("a", 1), ("b", 2)}, {("a", 2), ("b", 1)})
