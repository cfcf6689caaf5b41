"""What every store of images and files promises."""

import pytest

from server.adapters.conversations_sql import SqlConversations
from server.adapters.images_sql import SqlImages
from server.adapters.turns_sql import SqlTurns
from server.core.ports import Journal
from server.core.ports_images import File, Picture, Size
from tests.contracts.conftest import Store
from tests.contracts.test_conversations import begin
from tests.contracts.turn_records import a_conversation, a_turn, turn_end


@pytest.fixture
def images(store: Store) -> SqlImages:
    return SqlImages(store.base)


def a_picture(name: str) -> Picture:
    size = Size(id=f"file-{name}", media_type="image/png", width=3, height=2, bytes=len(name))
    return Picture(size=size, data=name.encode())


async def kept(store: Store) -> list[str]:
    return [row[0] for row in await store.rows("SELECT id FROM images ORDER BY id")]


async def add(images: SqlImages, user: str, name: str, *, most: int = 9, now: int = 10) -> File | None:
    return await images.add(user, a_picture(name), name=f"{name}.png", most=most, now=now)


async def test_images_are_kept_with_a_turn(images: SqlImages) -> None:
    """New ones, and those that the user has; whoever is not the user does not find them."""
    await add(images, "ana", "file")
    assert await images.keep("resp_1", "ana", ["file-file", "file-new"], [a_picture("new")], 10)
    assert await images.find("ana", ["file-new", "file-file", "file-none"]) == {
        f"file-{name}": a_picture(name).size for name in ("new", "file")
    }
    assert await images.find("bo", ["file-new", "file-file"]) == {}
    assert await images.content(["file-new", "file-none"]) == {"file-new": a_picture("new")}


async def test_what_has_gone_is_not_kept(store: Store, images: SqlImages) -> None:
    """If one that was not sent again is no longer there, nothing is stored."""
    assert not await images.keep("resp_1", "ana", ["file-gone", "file-new"], [a_picture("new")], 10)
    assert await kept(store) == []


async def test_an_image_goes_with_the_last_that_needs_it(store: Store, images: SqlImages) -> None:
    """It is stored once, for all users; a turn that was not stored, and files, let it go."""
    await add(images, "ana", "one")
    await add(images, "bo", "one")
    await images.keep("resp_1", "cy", ["file-one"], [a_picture("one")], 10)
    assert await kept(store) == ["file-one"]
    assert await images.remove("ana", "file-one")
    assert not await images.remove("ana", "file-one")
    assert await images.find("ana", ["file-one"]) == {}
    await images.drop("resp_1")
    assert await kept(store) == ["file-one"]
    assert await images.remove("bo", "file-one")
    assert await kept(store) == []


async def test_images_are_deleted_with_the_conversation(store: Store, journal: Journal, images: SqlImages) -> None:
    """Those of its turns, unless another turn shows them; a turn that runs keeps its own until it is forgotten."""
    turn = a_turn("1", conversation_id="conv_1")
    pictures = [a_picture(name) for name in "ab"]
    await images.keep("resp_1", "user_1", ["file-a", "file-b"], pictures, 10)
    await images.keep("resp_2", "user_1", ["file-b"], pictures, 10)
    log = await begin(journal, "1", a_conversation())
    conversations, turns = SqlConversations(store.base), SqlTurns(store.base)
    await conversations.delete("conv_1", "user_1")
    assert await kept(store) == ["file-a", "file-b"]
    await log.end(turn_end(turn, "hello"))
    assert await turns.forget(1, 10) == 1
    assert await kept(store) == ["file-b"]
    await (await begin(journal, "2", a_conversation("2"))).end(turn_end(a_turn("2", conversation_id="conv_2"), "hello"))
    await conversations.delete("conv_2", "user_1")
    assert await kept(store) == []


async def test_files_are_listed_by_age(images: SqlImages) -> None:
    """One user's, either way round and page by page; the same image again is the same file."""
    for age, name in enumerate("abc"):
        await add(images, "ana", name, now=age)
    await add(images, "bo", "d")
    again = await add(images, "ana", "a", now=9)
    assert again == File(size=a_picture("a").size, name="a.png", created_at=0)

    async def listed(after: str | None = None, limit: int = 9, *, newest_first: bool = True) -> list[str]:
        found = await images.files("ana", after=after, limit=limit, newest_first=newest_first)
        return [one.name for one in found]

    assert await listed() == ["c.png", "b.png", "a.png"]
    assert await listed(newest_first=False, limit=2) == ["a.png", "b.png"]
    assert await listed("file-b") == ["a.png"]
    assert await listed("file-b", newest_first=False) == ["c.png"]
    assert await images.file("ana", "file-c") == File(size=a_picture("c").size, name="c.png", created_at=2)
    assert await images.file("bo", "file-c") is None


async def test_a_user_has_no_more_files_than_may_be(store: Store, images: SqlImages) -> None:
    """One more is not kept; one that is there already is."""
    assert await add(images, "ana", "a", most=1)
    assert await add(images, "ana", "b", most=1) is None
    assert await add(images, "ana", "a", most=1)
    assert await add(images, "bo", "b", most=1)
    assert await kept(store) == ["file-a", "file-b"]
