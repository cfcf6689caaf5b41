"""What arrived for one answer and was not read yet."""

import asyncio

import pytest

from client.errors import ConnectionLostError
from client.events import Completed, Created, Delta, Event, Position
from client.inbox import Inbox

CREATED = Created(response_id="resp_1", conversation=None, model="m", position=Position("resp_1", 0))


def delta(text: str, number: int) -> Delta:
    """Return a delta as it comes from the wire."""
    return Delta(text=text, position=Position("resp_1", number))


async def test_deltas_that_wait_are_read_as_one() -> None:
    """A slow reader gets the same text in fewer pieces, at the last one's position."""
    inbox = Inbox[Event]()
    for item in (CREATED, delta("a", 4), delta("b", 5)):
        inbox.put(item)
    assert await inbox.get() == CREATED
    assert await inbox.get() == Delta(text="ab", position=Position("resp_1", 5))


async def test_the_order_of_other_events_is_kept() -> None:
    """Deltas are not joined across another event."""
    inbox = Inbox[Event]()
    end = Completed(response_id="resp_1", status="completed", reason=None, usage=None, position=Position("resp_1", 9))
    for item in (CREATED, delta("a", 4), end):
        inbox.put(item)
    assert [await inbox.get() for _ in range(3)] == [CREATED, Delta(text="a", position=Position("resp_1", 4)), end]


async def test_a_slow_reader_costs_the_text_alone() -> None:
    """However many pieces wait, they are one event."""
    inbox = Inbox[Event]()
    for number in range(10_000):
        inbox.put(delta(f"{number} ", number))
    got = await inbox.get()
    assert got == Delta(text="".join(f"{number} " for number in range(10_000)), position=Position("resp_1", 9_999))
    assert vars(inbox)["_pieces"] == []


async def test_the_texts_of_two_answers_are_not_joined() -> None:
    """A followed conversation may have two turns at once."""
    inbox = Inbox[Event]()
    other = Delta(text="x", position=Position("resp_2", 4))
    for item in (delta("a", 4), delta("b", 5), other, delta("c", 6)):
        inbox.put(item)
    assert len(inbox) == 3
    assert [await inbox.get() for _ in range(3)] == [delta("ab", 5), other, delta("c", 6)]


async def test_a_reader_waits_until_something_arrives() -> None:
    """The reader is woken by what is put."""
    inbox = Inbox[Event]()
    async with asyncio.TaskGroup() as group:
        read = group.create_task(inbox.get())
        await asyncio.sleep(0)
        assert not read.done()
        inbox.put(CREATED)
    assert read.result() == CREATED


async def test_an_error_is_raised_after_what_came_before_it() -> None:
    """Nothing that arrived is lost to a connection that then broke."""
    inbox = Inbox[Event]()
    inbox.put(delta("a", 4))
    inbox.put(ConnectionLostError(code=1006, reason=""))
    assert isinstance(await inbox.get(), Delta)
    with pytest.raises(ConnectionLostError):
        await inbox.get()
