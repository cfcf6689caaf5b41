"""A connection and the answers that stream over it, against a server that plays a part."""

import asyncio
import json
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
    Parley,
    RefusedError,
    ServedBy,
    UnreachableError,
)
from tests.unit.client.playing import answering, begin, finish, playing, tell


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
