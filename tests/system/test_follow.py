"""Two devices of one user on one conversation."""

import json
from typing import Any

import websockets

from server.adapters.script import Script
from tests.harness import House

Socket = websockets.ClientConnection


async def send(socket: Socket, **frame: Any) -> None:
    await socket.send(json.dumps(frame))


async def until(socket: Socket, *kinds: str) -> list[Any]:
    """Return the frames up to the first of a kind: a type, or an event of a conversation."""
    frames: list[Any] = []
    while True:
        frame = json.loads(await socket.recv())
        frames.append(frame)
        if {frame["type"], frame.get("event")} & set(kinds):
            return frames


def text(frames: list[Any]) -> str:
    return "".join(one["delta"] for one in frames if one["type"] == "response.output_text.delta")


async def test_two_devices_see_the_same(running: House) -> None:
    """The words, the title, a cancel from the other device and the deletion, as they happen."""
    key = await running.key()
    path = "/v1/responses?extensions=parley"
    async with running.http(key) as http, running.socket(path, key) as desk, running.socket(path, key) as phone:
        await send(desk, type="response.create", conversation="new", input="Hello", model="gpt-4")
        first = await until(desk, "response.completed")
        conversation = first[0]["response"]["conversation"]["id"]
        await send(phone, type="parley:follow", conversation=conversation)
        (standing,) = await until(phone, "followed")
        assert (standing["title"], standing["running"]) == ("Hello", [])
        assert standing["leaf"] == first[-1]["response"]["output"][0]["id"]

        await send(desk, type="response.create", conversation=conversation, input="And?", model="gpt-4", stream_id="d")
        turn = (await until(phone, "turn"))[-1]
        assert (turn["parent"], turn["input"][0]["content"][0]["text"]) == (standing["leaf"], "And?")
        seen = await until(phone, "response.completed")
        asked = await until(desk, "response.completed")
        assert text(seen) == text(asked) != ""
        assert {one["stream_id"] for one in seen if one["type"].startswith("response.")} == {turn["response_id"]}
        reply = seen[-1]["response"]["output"][0]["id"]
        assert [one["leaf"] for one in await until(phone, "leaf") if "leaf" in one] == [reply]

        await http.post(f"/v1/conversations/{conversation}", json={"title": "Greetings"})
        assert (await until(phone, "title"))[-1]["title"] == "Greetings"

        running.scripts["free"] = Script(chunks=["x"], first=3600)
        await send(desk, type="response.create", conversation=conversation, input="More?", model="free")
        begun = (await until(phone, "response.in_progress"))[-1]["stream_id"]
        await send(phone, type="parley:cancel", response_id=begun)
        for device in (desk, phone):
            assert (await until(device, "response.incomplete"))[-1]["response"]["status"] == "cancelled"
        assert (running.upstream.open, running.upstream.aborted) == (0, 1)

        await http.delete(f"/v1/conversations/{conversation}")
        assert (await until(phone, "deleted"))[-1]["conversation"] == conversation


async def test_joining_from_the_chat_socket_in_the_middle(running: House) -> None:
    """A second device gets the text so far and then the rest, and keeps the turn going when the first has left."""
    key = await running.key()
    async with running.socket("/v1/chat/completions?extensions=parley", key) as phone:
        async with running.socket("/v1/responses", key) as desk:
            await send(desk, type="response.create", conversation="new", input="Hello", model="slow")
            first = (await until(desk, "response.output_text.delta"))[0]["response"]
            await send(phone, type="parley:follow", conversation=first["conversation"]["id"])
            assert json.loads(await phone.recv())["running"] == [first["id"]]
            assert json.loads(await phone.recv())["event"] == "turn"
        said, finish = "", None
        while finish is None:
            chunk = json.loads(await phone.recv())
            if "choices" in chunk:
                said += chunk["choices"][0]["delta"].get("content") or ""
                finish = chunk["choices"][0]["finish_reason"]
    assert said == "".join(f" {index:04d}" for index in range(400))
