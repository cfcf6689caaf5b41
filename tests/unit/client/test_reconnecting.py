"""A client whose connections are lost, against servers that play a part."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from client import (
    Completed,
    ConnectionLostError,
    Created,
    Deleted,
    Delta,
    Event,
    Followed,
    Happening,
    Interrupted,
    Parley,
    ParleyError,
    Position,
    TurnBegun,
)
from tests.unit.client import wire
from tests.unit.client.playing import Part, answering, begin, finish, parley, playing, tell


def taking_turns(*parts: Part) -> Part:
    """Return a part that plays each of `parts` for one connection, and the last one from then on."""
    left = list(parts)

    async def part(socket: ServerConnection) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(socket)

    return part


async def cut(socket: ServerConnection) -> None:
    """Begin an answer and drop the connection in the middle of it."""
    asked = json.loads(await socket.recv())
    await begin(socket, asked)
    await tell(socket, asked, "response.output_text.delta", 4, delta="first ")
    socket.transport.abort()


async def test_an_answer_goes_on_over_the_next_connection() -> None:
    """The reader sees an interruption, and the text once; the server is asked for what comes after its position."""
    resumed: list[dict[str, Any]] = []

    async def rest(socket: ServerConnection) -> None:
        resumed.append(asked := json.loads(await socket.recv()))
        await tell(socket, asked, "response.output_text.delta", 5, delta="second")
        await finish(socket, asked, asked["response_id"])
        await socket.wait_closed()

    async with playing(taking_turns(cut, rest)) as url, parley(url) as client:
        events = [event async for event in client.send("1")]
    assert [type(event) for event in events] == [Created, Delta, Interrupted, Delta, Completed]
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "first second"
    assert [(one["type"], one["response_id"], one["starting_after"]) for one in resumed] == [
        ("parley:resume", "resp_1", 4)
    ]


async def test_a_message_that_was_not_answered_is_sent_again_with_its_id() -> None:
    """Whatever became of the first one, the server can tell that it is the same."""
    sent: list[dict[str, Any]] = []

    async def drop(socket: ServerConnection) -> None:
        sent.append(json.loads(await socket.recv()))
        await socket.close(1012, "restarting")

    async def answer(socket: ServerConnection) -> None:
        sent.append(asked := json.loads(await socket.recv()))
        await begin(socket, asked)
        await finish(socket, asked, "resp_1")
        await socket.wait_closed()

    async with playing(taking_turns(drop, drop, answer)) as url, parley(url) as client:
        await client.ask("1")
    assert sent[0] == sent[1] == sent[2]
    assert sent[0]["client_request_id"]


async def test_an_answer_of_another_client_can_be_resumed() -> None:
    """A position is enough, and a second loss does not disturb it."""

    async def part(socket: ServerConnection) -> None:
        asked = json.loads(await socket.recv())
        number = asked["starting_after"] + 1
        await tell(socket, asked, "response.output_text.delta", number, delta=f"{number} ")
        if number < 6:
            socket.transport.abort()
        await finish(socket, asked, asked["response_id"])
        await socket.wait_closed()

    async with playing(part) as url, parley(url) as client:
        events = [event async for event in client.resume(Position("resp_1", 3))]
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "4 5 6 "


async def test_another_node_takes_over() -> None:
    """A client that knows several addresses goes on at one that answers."""

    async def rest(socket: ServerConnection) -> None:
        asked = json.loads(await socket.recv())
        await tell(socket, asked, "response.output_text.delta", 5, delta="second")
        await finish(socket, asked, asked["response_id"])
        await socket.wait_closed()

    async with playing(rest) as gone:
        pass
    async with playing(cut) as first, playing(rest) as second, parley([gone, first, gone, second]) as client:
        assert await client.ask("1") == "first second"


async def test_a_server_that_stays_away_is_given_up_with_the_position() -> None:
    """The answer is the server's; the error says how far it was seen, and the client can be used again."""
    async with playing(cut) as url:
        port = int(url.rpartition(":")[2])
        client = await parley(url, patience=0.0).__aenter__()
        answer = client.send("1")
        with pytest.raises(ConnectionLostError) as caught:
            [event async for event in answer]
    assert caught.value.position == Position("resp_1", 4)
    assert caught.value.come_back
    async with serve(answering, "127.0.0.1", port):
        assert await client.ask("2") == "you said 2 \n"
    await client.__aexit__(None, None, None)


async def test_a_client_without_a_connection_comes_back_when_it_is_needed() -> None:
    """A server that restarts while nobody asks is no error."""

    async def leave(socket: ServerConnection) -> None:
        await socket.close(1012, "restarting")

    async with playing(taking_turns(leave, answering)) as url, parley(url) as client:
        with pytest.raises(ConnectionLostError):
            await client.usage_after()
        assert await client.ask("1") == "you said 1 \n"


async def test_a_close_for_good_ends_every_answer_with_the_reason() -> None:
    """Nobody comes back with a key that was revoked; answers and who waits for the caps hear of it."""

    async def part(socket: ServerConnection) -> None:
        await begin(socket, json.loads(await socket.recv()))
        await socket.close(4401, "credential expired")

    async with playing(part) as url, parley(url) as client:
        with pytest.raises(ConnectionLostError) as caught:
            await client.ask("hi")
        assert (caught.value.code, caught.value.reason, caught.value.come_back) == (4401, "credential expired", False)
        with pytest.raises(ConnectionLostError):
            await client.usage_after()


async def test_answers_end_with_their_client() -> None:
    """Who still reads when the block ends is told, and so is who waits for the caps."""

    async def part(socket: ServerConnection) -> None:
        await begin(socket, json.loads(await socket.recv()))
        await socket.wait_closed()

    async with playing(part) as url, asyncio.TaskGroup() as group, parley(url) as client:
        answer = client.send("1")
        assert isinstance(await anext(answer), Created)
        reader, waiter = group.create_task(drained(answer)), group.create_task(told_caps(client))
        await asyncio.sleep(0)
    assert isinstance(reader.result(), ConnectionLostError)
    assert isinstance(waiter.result(), ConnectionLostError)


async def drained(answer: AsyncIterator[Event]) -> ParleyError | None:
    """Read an answer to its end; return its error."""
    try:
        async for _ in answer:
            pass
    except ParleyError as error:
        return error
    return None


async def told_caps(client: Parley) -> ParleyError | None:
    """Wait for the caps; return the error."""
    try:
        await client.usage_after()
    except ParleyError as error:
        return error
    return None


async def test_a_conversation_is_followed() -> None:
    """What happens in it comes until it is deleted; a reader who leaves early is not sent more."""
    unfollowed = asyncio.Event()

    async def part(socket: ServerConnection) -> None:
        asked = json.loads(await socket.recv())
        assert (asked["type"], asked["conversation"]) == ("parley:follow", "conv_1")
        for frame in (wire.followed(), wire.turn(), wire.created() | {"stream_id": "resp_1"}):
            await socket.send(json.dumps(frame))
        assert json.loads(await socket.recv()) == {"type": "parley:unfollow", "conversation": "conv_1"}
        unfollowed.set()
        await socket.send(json.dumps(wire.happened("unfollowed")))
        await socket.recv()
        for frame in (wire.followed(), wire.happened("deleted")):
            await socket.send(json.dumps(frame))
        await socket.wait_closed()

    async with playing(part) as url, parley(url) as client:
        following = client.follow("conv_1")
        assert [type(await anext(following)) for _ in range(3)] == [Followed, TurnBegun, Created]
        await following.aclose()  # type: ignore[attr-defined]  # it is a generator
        await unfollowed.wait()
        assert [type(one) async for one in client.follow("conv_1")] == [Followed, Deleted]


async def test_a_follower_who_does_not_read_is_left_behind() -> None:
    """What waits for a reader has a bound; the error comes after what had come."""

    async def part(socket: ServerConnection) -> None:
        await socket.recv()
        for number in range(2000):
            await socket.send(json.dumps(wire.happened("title", title=str(number))))
        assert json.loads(await socket.recv())["type"] == "parley:unfollow"
        await socket.send(json.dumps({"type": "parley:usage"}))
        await socket.wait_closed()

    titles: list[Happening] = []
    async with playing(part) as url, parley(url) as client:
        following = client.follow("conv_1")
        titles.append(await anext(following))
        await client.usage_after()
        with pytest.raises(ConnectionLostError, match="slow_consumer"):
            titles.extend([title async for title in following])
    assert len(titles) < 1100
