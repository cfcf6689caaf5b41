"""A connection and the answers that stream over it, against a server that plays a part."""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from client import (
    Completed,
    ConnectionLostError,
    Created,
    Delta,
    Event,
    Interrupted,
    Parley,
    ParleyError,
    Position,
    RefusedError,
    ServedBy,
    UnreachableError,
)
from tests.unit.client.playing import Part, answering, begin, finish, playing, tell


async def test_an_answer_arrives_event_by_event() -> None:
    """Created first, the notice of another model, the text byte for byte, and the end with its usage."""
    async with playing(answering) as url, Parley(url, "sk-1") as parley:
        events = [event async for event in parley.send("hi", model="gpt-4")]
        assert isinstance(events[0], Created)
        assert isinstance(events[1], ServedBy)
        text = "".join(event.text for event in events if isinstance(event, Delta))
        assert text == "you said hi \n"
        end = events[-1]
        assert isinstance(end, Completed)
        assert end.usage is not None
        assert end.usage.output_tokens == 2
        assert await parley.usage_after() == {"tier": "plus"}
        assert parley.usage == {"tier": "plus"}


async def test_the_key_and_the_extensions_are_in_the_handshake() -> None:
    """The key is a bearer token, and the server is told that we know its extensions."""
    seen: list[Request] = []

    async def part(socket: ServerConnection) -> None:
        assert socket.request is not None
        seen.append(socket.request)
        await answering(socket)

    async with playing(part) as url, Parley(url, "sk-1") as parley:
        assert await parley.ask("hi") == "you said hi \n"
    assert seen[0].headers["Authorization"] == "Bearer sk-1"
    assert seen[0].path == "/v1/responses?extensions=parley"


async def test_answers_stream_at_the_same_time_without_mixing() -> None:
    """Frames of two lanes interleave; each `send` sees its own."""

    async def part(socket: ServerConnection) -> None:
        first, second = json.loads(await socket.recv()), json.loads(await socket.recv())
        assert first["stream_id"] != second["stream_id"]
        for asked in (second, first):
            await begin(socket, asked)
        for number, piece in enumerate("xy", start=4):
            for asked in (first, second):
                delta = piece + asked["input"]
                await tell(socket, asked, "response.output_text.delta", number, delta=delta)
        for asked in (first, second):
            await finish(socket, asked, f"resp_{asked['input']}")
        await socket.wait_closed()

    async with playing(part) as url, Parley(url) as parley, asyncio.TaskGroup() as group:
        one, two = group.create_task(parley.ask("1")), group.create_task(parley.ask("2"))
    assert (one.result(), two.result()) == ("x1y1", "x2y2")


async def test_more_answers_than_lanes_wait_for_a_free_one() -> None:
    """The seventeenth message is sent when one of the sixteen before it has ended."""
    asked: list[dict[str, Any]] = []

    async def part(socket: ServerConnection) -> None:
        asked.extend([json.loads(await socket.recv()) for _ in range(16)])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await socket.recv()
        await finish(socket, asked[0], "resp_0")
        asked.append(json.loads(await socket.recv()))
        for later in asked[1:]:
            await finish(socket, later, "resp")
        await socket.wait_closed()

    async with playing(part) as url, Parley(url) as parley, asyncio.TaskGroup() as group:
        for number in range(17):
            group.create_task(parley.ask(str(number)))
    assert asked[16]["stream_id"] == asked[0]["stream_id"]


async def test_a_refusal_is_raised_and_the_connection_lives() -> None:
    """An error frame belongs to its lane alone."""

    async def part(socket: ServerConnection) -> None:
        refused = json.loads(await socket.recv())
        error = {"code": "usage_cap_reached", "message": "cap", "next_at": "2026-11-23T14:31:10Z"}
        frame = {"type": "error", "status": 429, "stream_id": refused["stream_id"], "error": error}
        await socket.send(json.dumps(frame))
        await answering(socket)

    async with playing(part) as url, Parley(url) as parley:
        with pytest.raises(RefusedError) as caught:
            await parley.ask("hi")
        assert caught.value.code == "usage_cap_reached"
        assert await parley.ask("again") == "you said again \n"


async def test_a_refusal_without_a_lane_answers_what_was_not_accepted() -> None:
    """A frame that the server could not read is refused without naming its lane."""

    async def part(socket: ServerConnection) -> None:
        running = json.loads(await socket.recv())
        name = await begin(socket, running)
        await socket.recv()
        error = {"code": "message_too_large", "message": "too large"}
        await socket.send(json.dumps({"type": "error", "status": 413, "error": error}))
        await finish(socket, running, name)
        await socket.wait_closed()

    async with playing(part) as url, Parley(url) as parley:
        running = parley.send("1")
        assert isinstance(await anext(running), Created)
        with pytest.raises(RefusedError, match="message_too_large"):
            await parley.ask("2")
        assert [type(event) async for event in running] == [Completed]


def parley(url: str | list[str], key: str | None = None, *, patience: float = 60.0) -> Parley:
    """Return a client that does not wait before it connects again."""
    return Parley(url, key, chance=lambda: 0.0, patience=patience)


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


async def test_an_answer_can_be_cancelled() -> None:
    """The cancel names the response; the answer then ends as cancelled."""

    async def part(socket: ServerConnection) -> None:
        asked = json.loads(await socket.recv())
        name = await begin(socket, asked)
        assert json.loads(await socket.recv()) == {"type": "parley:cancel", "response_id": name}
        await finish(socket, asked, name, "cancelled")
        await socket.wait_closed()

    async with playing(part) as url, Parley(url) as parley:
        answer = parley.send("1")
        created = await anext(answer)
        assert isinstance(created, Created)
        await parley.cancel(created.response_id)
        (end,) = [event async for event in answer]
        assert isinstance(end, Completed)
        assert end.status == "cancelled"


async def test_what_the_server_sends_wrongly_ends_the_connection_not_the_program() -> None:
    """A frame without the members it needs is a lost connection that says so."""

    async def part(socket: ServerConnection) -> None:
        asked = json.loads(await socket.recv())
        await tell(socket, asked, "response.created", 0)
        await socket.wait_closed()

    async with playing(part) as url, Parley(url) as parley:
        with pytest.raises(ConnectionLostError, match="does not understand"):
            await parley.ask("1")


async def test_a_refused_handshake_is_the_refusal_in_its_body() -> None:
    """A wrong key is told as the server tells it at every door."""
    body = json.dumps({"error": {"code": "invalid_api_key", "message": "unknown key", "type": "authentication_error"}})

    def refuse(socket: ServerConnection, _: Request) -> Response:
        return socket.respond(HTTPStatus.UNAUTHORIZED, body)

    async with serve(answering, "127.0.0.1", 0, process_request=refuse) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(RefusedError) as caught:
            await Parley(f"http://127.0.0.1:{port}").__aenter__()
    assert (caught.value.code, caught.value.status) == ("invalid_api_key", 401)


async def test_nobody_at_the_address_is_told() -> None:
    """A server that does not run is an error of its own."""
    async with playing(answering) as url:
        pass
    with pytest.raises(UnreachableError, match=r"No Parley answers at \S+ \(Connection refused\)\."):
        await Parley(url).__aenter__()
    with pytest.raises(UnreachableError, match="async with"):
        await Parley(url).ask("hi")


async def test_the_callers_own_error_leaves_the_block_as_it_is() -> None:
    """What is raised inside `async with` is not wrapped."""
    async with playing(answering) as url:
        with pytest.raises(ZeroDivisionError):
            async with Parley(url):
                raise ZeroDivisionError
