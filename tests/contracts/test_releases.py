"""What every store of releases promises: labels, files, rollouts, recalls and the way back."""

import asyncio
from collections.abc import Collection

import pytest

from server.adapters.audit_sql import SqlAudit
from server.adapters.releases_sql import SqlReleases
from server.adapters.revisions_sql import SqlRevisions
from server.core.errors import Refused
from server.core.ports_operator import Draft, Releases, Standing
from server.core.rollout import Share
from tests.contracts.conftest import Store
from tests.contracts.test_revisions import add, draft


@pytest.fixture
def releases(store: Store) -> Releases:
    return SqlReleases(store.base)


@pytest.fixture
def shop(store: Store) -> SqlRevisions:
    return SqlRevisions(store.base)


async def standing(releases: Releases, persona: str = "pirate") -> Standing:
    return (await releases.standings())[persona]


async def files(releases: Releases, *contents: str, now: int = 10, vetoed: Collection[str] = ()) -> list[str]:
    """Let the pirate's file hold these contents, one after the other, and tell what became of each."""
    became = []
    for content in contents:
        taken = await releases.take_files([draft(content)], vetoed=vetoed, now=now)
        became.append("".join(f"{one.revision.number} {one.became}" for one in taken))
        now += 1
    return became


async def publish(releases: Releases, *numbers: int, now: int = 100) -> None:
    for number in numbers:
        await releases.move("pirate", "live", number, by="ana key_1", now=now)
        now += 1


async def refused(work: object) -> str:
    with pytest.raises(Refused) as why:
        await work  # type: ignore[misc]  # a coroutine of any of the methods
    return why.value.code


async def test_a_file_answers(store: Store, releases: Releases, shop: SqlRevisions) -> None:
    """What a file holds first is live, and the audit says that files did it."""
    assert await files(releases, "a") == ["1 live"]
    revision = await shop.revision("pirate", 1)
    assert revision
    assert (revision.origin, revision.source, revision.published_at) == ("file", "source of a", 10)
    assert await standing(releases) == Standing(labels={"live": 1}, recalled=frozenset())
    (entry,) = await SqlAudit(store.base).entries(before=None, limit=9)
    assert (entry.who, entry.what) == ("files", "persona file taken")


async def test_a_file_that_changes_is_followed(releases: Releases) -> None:
    """New content goes live, and so does what the file held once, when it holds it again."""
    assert await files(releases, "a", "b", "b", "a") == ["1 live", "2 live", "", "1 live"]


async def test_a_file_does_not_replace_what_the_console_made_live(releases: Releases, shop: SqlRevisions) -> None:
    """It becomes the draft, and nothing is lost."""
    await files(releases, "a")
    await add(shop, "from the console")
    await publish(releases, 2)
    assert await files(releases, "b") == ["3 draft"]
    assert (await standing(releases)).labels == {"live": 2, "draft": 3}


async def test_a_console_edit_that_is_put_into_the_file_is_the_files_own(
    releases: Releases, shop: SqlRevisions
) -> None:
    """After it the file is followed again."""
    await files(releases, "a")
    await add(shop, "b")
    await publish(releases, 2)
    assert await files(releases, "b", "c") == ["2 nothing", "3 live"]


async def test_an_operators_decision_outlives_a_restart(releases: Releases) -> None:
    """A file that holds what it held changes nothing, whatever is live by now."""
    await files(releases, "a", "b")
    await releases.roll_back("pirate", recall=False, by="ana", now=50)
    assert await files(releases, "b") == [""]
    assert (await standing(releases)).labels["live"] == 1


@pytest.mark.parametrize("vetoed", [True, False])
async def test_content_that_may_not_answer_becomes_the_draft(releases: Releases, *, vetoed: bool) -> None:
    """Neither a veto nor a recall is undone by a file."""
    await files(releases, "a", "b", "c")
    if not vetoed:
        await releases.recall("pirate", 2, by="ana", now=50)
    assert await files(releases, "b", vetoed=["digest of b"] if vetoed else []) == ["2 draft"]
    assert (await standing(releases)).labels == {"live": 3, "draft": 2}


async def test_files_are_taken_together(store: Store, releases: Releases, shop: SqlRevisions) -> None:
    """New personas and a known one in one go: each answers or is a draft, and each is in the audit."""
    await files(releases, "a")
    drafts = [draft("b"), draft("c", "cook"), draft("d", "diver"), draft("e", "editor")]
    taken = await releases.take_files(drafts, vetoed=["digest of d"], now=20)
    told = {(one.revision.persona, one.revision.number, one.became) for one in taken}
    assert told == {("pirate", 2, "live"), ("cook", 1, "live"), ("diver", 1, "draft"), ("editor", 1, "live")}
    labels = {persona: one.labels for persona, one in (await releases.standings()).items()}
    assert labels == {"pirate": {"live": 2}, "cook": {"live": 1}, "diver": {"draft": 1}, "editor": {"live": 1}}
    cook, diver = await shop.revision("cook", 1), await shop.revision("diver", 1)
    assert cook
    assert diver
    assert (cook.source, cook.published_at, diver.published_at) == ("source of c", 20, None)
    entries = await SqlAudit(store.base).entries(before=None, limit=4)
    assert {(entry.who, entry.what, entry.at, entry.detail["persona"]) for entry in entries} == {
        ("files", "persona file taken", 20, persona) for persona in labels
    }
    assert set(await releases.held()) == set(labels)
    assert not await releases.take_files(drafts, vetoed=["digest of d"], now=30)


async def test_a_label_is_moved(store: Store, releases: Releases, shop: SqlRevisions) -> None:
    """Each label points at the revision that it was moved to, and the audit says from where and by whom."""
    await files(releases, "a")
    await add(shop, "b")
    await releases.move("pirate", "staging", 2, by="ana key_1", now=20)
    moved = await releases.move("pirate", "live", 2, by="ana key_1", now=21)
    assert (moved.number, moved.published_at) == (2, 21)
    assert (await standing(releases)).labels == {"live": 2, "staging": 2}
    entry, *_ = await SqlAudit(store.base).entries(before=None, limit=1)
    assert (entry.who, entry.what, entry.at) == ("ana key_1", "persona published", 21)
    assert entry.detail == {"persona": "pirate", "revision": 2, "label": "live", "was": 1}


async def test_what_is_published_is_no_draft_any_more(releases: Releases, shop: SqlRevisions) -> None:
    """The label goes with the publishing, by hand or because a file has the same text; an older draft keeps it."""
    await add(shop, "a")
    await publish(releases, 1)
    assert (await standing(releases)).labels == {"live": 1}
    await add(shop, "b")
    await publish(releases, 1, now=200)
    assert (await standing(releases)).labels == {"live": 1, "draft": 2}


async def test_the_way_back(releases: Releases, shop: SqlRevisions) -> None:
    """Each step back leads to what was live before it; drafts that never answered are passed over."""
    for content in ("a", "b", "c", "d"):
        await add(shop, content)
    await publish(releases, 1, 2, 4)
    steps = [(await releases.roll_back("pirate", recall=False, by="ana", now=200)).number for _ in range(2)]
    assert steps == [2, 1]
    assert await refused(releases.roll_back("pirate", recall=False, by="ana", now=201)) == "release_refused"
    await publish(releases, 3, now=300)
    assert (await releases.roll_back("pirate", recall=False, by="ana", now=301)).number == 4


async def test_what_was_wrong_is_recalled_on_the_way_back(releases: Releases, shop: SqlRevisions) -> None:
    """The revision that was live cannot be used, nor gone back to."""
    for content in ("a", "b", "c"):
        await add(shop, content)
    await publish(releases, 1, 2, 3)
    await releases.roll_back("pirate", recall=True, by="ana", now=200)
    assert (await standing(releases)).recalled == {3}
    await publish(releases, 1, now=300)
    assert (await releases.roll_back("pirate", recall=False, by="ana", now=301)).number == 2


async def test_a_recalled_revision_answers_nobody(releases: Releases, shop: SqlRevisions) -> None:
    """No label and no share points at it; publishing it takes the recall back."""
    for content in ("a", "b"):
        await add(shop, content)
    await publish(releases, 1)
    await releases.roll_out("pirate", [Share(2, 10)], by="ana", now=150)
    assert (await releases.recall("pirate", 2, by="ana", now=151)).recalled_at == 151
    assert await standing(releases) == Standing(labels={"live": 1}, rollout=(), recalled=frozenset({2}))
    assert await refused(releases.move("pirate", "staging", 2, by="ana", now=152)) == "release_refused"
    assert await refused(releases.roll_out("pirate", [Share(2, 10)], by="ana", now=152)) == "release_refused"
    assert (await releases.move("pirate", "live", 2, by="ana", now=153)).recalled_at is None
    assert (await standing(releases)).recalled == frozenset()


async def test_a_recalled_live_revision_is_withdrawn(releases: Releases) -> None:
    """Nobody answers for the persona until something else is published."""
    await files(releases, "a")
    await releases.recall("pirate", 1, by="ana", now=50)
    assert await standing(releases) == Standing(labels={}, recalled=frozenset({1}))
    assert await files(releases, "a", "b") == ["", "2 live"]


async def test_a_rollout_is_kept_until_it_ends(releases: Releases, shop: SqlRevisions) -> None:
    """Its shares keep their order; publishing, going back and an empty list end it."""
    for content in ("a", "b", "c"):
        await add(shop, content)
    assert await refused(releases.roll_out("pirate", [Share(2, 5)], by="ana", now=90)) == "release_refused"
    await publish(releases, 1)
    shares = (Share(3, 10), Share(2, 20))
    await releases.roll_out("pirate", shares, by="ana", now=110)
    assert (await standing(releases)).rollout == shares
    await releases.roll_out("pirate", [], by="ana", now=111)
    assert (await standing(releases)).rollout == ()
    await releases.roll_out("pirate", shares, by="ana", now=112)
    await publish(releases, 3, now=113)
    assert (await standing(releases)).rollout == ()
    await releases.roll_out("pirate", shares, by="ana", now=114)
    await releases.roll_back("pirate", recall=False, by="ana", now=115)
    assert (await standing(releases)).rollout == ()


async def test_what_does_not_exist_cannot_be_released(releases: Releases, shop: SqlRevisions) -> None:
    """Every change names a revision that there is, and a refused one leaves nothing."""
    await add(shop, "a")
    before = await releases.version(), await releases.standings()
    for work in (
        releases.move("pirate", "live", 2, by="ana", now=1),
        releases.move("nobody", "live", 1, by="ana", now=1),
        releases.recall("pirate", 7, by="ana", now=1),
        releases.roll_out("pirate", [Share(9, 1)], by="ana", now=1),
    ):
        assert await refused(work) == "persona_not_found"
    assert await refused(releases.roll_back("nobody", recall=True, by="ana", now=1)) == "release_refused"
    assert (await releases.version(), await releases.standings()) == before


async def test_each_change_raises_the_version(releases: Releases, shop: SqlRevisions) -> None:
    """Whoever remembers the version sees that there is something new; files that stay raise nothing."""
    seen = [await releases.version()]
    await files(releases, "a")
    seen.append(await releases.version())
    await add(shop, "b")
    seen.append(await releases.version())
    await publish(releases, 2)
    seen.append(await releases.version())
    await releases.roll_out("pirate", [Share(1, 1)], by="ana", now=1)
    seen.append(await releases.version())
    await releases.roll_back("pirate", recall=True, by="ana", now=2)
    seen.append(await releases.version())
    await releases.recall("pirate", 1, by="ana", now=3)
    seen.append(await releases.version())
    assert seen == sorted(set(seen))
    await files(releases, "a")
    assert await releases.version() == seen[-1]


async def test_processes_that_start_together_agree(store: Store) -> None:
    """All who take the same files at once see one revision of each, live."""
    contents = [Draft(persona=name, digest=name, compiled="{}", source="") for name in ("editor", "pirate")]
    nodes = [SqlReleases(store.base) for _ in range(4)]
    await asyncio.gather(*(node.take_files(contents, vetoed=(), now=1) for node in nodes))
    assert await nodes[0].standings() == {
        name: Standing(labels={"live": 1}, recalled=frozenset()) for name in ("editor", "pirate")
    }
