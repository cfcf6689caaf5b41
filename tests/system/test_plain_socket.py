"""The simplest client there is: one JSON body per frame, chunks back."""

import json
from typing import Any

import pytest
import websockets

from tests.harness import House


def body(text: str = "hi", **more: Any) -> str:
    return json.dumps({"model": "gpt-4", "messages": [{"role": "user", "content": text}], **more})


async def chunks_until_end(socket: websockets.ClientConnection) -> list[dict[str, Any]]:
    """Read chunks up to the one that says why the answer ended."""
    chunks: list[dict[str, Any]] = []
    while not chunks or chunks[-1]["choices"][0]["finish_reason"] is None:
        chunks.append(json.loads(await socket.recv()))
    return chunks


async def test_the_joined_text_is_the_upstreams(running: House) -> None:
    """One body in, chunks out, whose text is what the upstream said, byte for byte."""
    async with running.socket("/v1/chat/completions", await running.key()) as socket:
        await socket.send(body())
        chunks = await chunks_until_end(socket)
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert text == "".join(f" {index:04d}" for index in range(40))
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


async def test_strange_text_survives(running: House) -> None:
    """Text of any script, with controls and quotes, comes back as it went in."""
    strange = 'é\u0000"\\ 日本語 \u202e\r\n\t👩‍👩‍👧 {{ x }} \ud7ff'
    async with running.socket("/v1/chat/completions", await running.key()) as socket:
        await socket.send(body(strange, model="echo"))
        chunks = await chunks_until_end(socket)
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    # The upstream repeats what it got: our line of date and time, then the user's words.
    assert text.split("\n", 1)[1] == strange


async def test_one_lane_answers_in_order(running: House) -> None:
    """Requests without a lane are answered one after another, in the order in which they came."""
    async with running.socket("/v1/chat/completions", await running.key()) as socket:
        for text in ("one", "two", "three"):
            await socket.send(body(text, model="echo"))
        texts = []
        for _ in range(3):
            chunks = await chunks_until_end(socket)
            assert len({chunk["id"] for chunk in chunks}) == 1
            text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
            texts.append(text.split("\n", 1)[1])
    assert texts == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "invalid_json"),
        ("[]", "invalid_json"),
        ('"hi"', "invalid_json"),
        ('{"model": "gpt-4"}', "missing_field"),
        ('{"model": 7, "messages": [{"role": "user", "content": "hi"}]}', "invalid_value"),
        ('{"model": "gpt-4", "messages": []}', "invalid_value"),
        ('{"model": "gpt-4", "messages": [{"role": "wizard", "content": "hi"}]}', "invalid_value"),
        ('{"model": "nope", "messages": [{"role": "user", "content": "hi"}]}', "model_not_found"),
        (
            '{"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}], "stream_id": "a b"}',
            "invalid_stream_id",
        ),
        ('{"a":' * 200 + "1" + "}" * 200, "too_deep"),
        (
            json.dumps({"model": "gpt-4", "messages": [{"role": "user", "content": "x" * 11_000_000}]}),
            "message_too_large",
        ),
    ],
)
async def test_a_bad_frame_gets_an_error_and_the_socket_lives(running: House, frame: str, code: str) -> None:
    """Whatever is wrong with a frame, the error says so and the next request is served."""
    async with running.socket("/v1/chat/completions", await running.key()) as socket:
        await socket.send(frame)
        answer = json.loads(await socket.recv())
        assert answer["error"]["code"] == code
        assert answer["error"]["message"]
        await socket.send(body("still here", model="echo"))
        assert (await chunks_until_end(socket))[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions"])
async def test_a_handshake_is_refused_over_http(running: House, path: str) -> None:
    """Without a valid key the handshake is answered with 401 and the usual error body."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with running.socket(path, "sk-wrong"):
            pass
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body or b"")["error"]["code"] == "invalid_api_key"
    assert refused.value.response.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions"])
async def test_a_foreign_page_may_not_connect(running: House, path: str) -> None:
    """A browser on another origin is refused, whatever key it has."""
    key = await running.key()
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with running.socket(path, key, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403


async def test_a_browser_brings_its_key_as_a_subprotocol(running: House) -> None:
    """The key in a subprotocol is taken, and never echoed."""
    protocols = ["realtime", f"openai-insecure-api-key.{await running.key()}"]
    async with running.socket("/v1/chat/completions", None, subprotocols=protocols) as socket:
        assert socket.subprotocol == "realtime"
        await socket.send(body("hi", model="echo"))
        assert (await chunks_until_end(socket))[-1]["choices"][0]["finish_reason"] == "stop"


async def test_a_binary_frame_closes_the_socket(running: House) -> None:
    """Frames are text; a binary one is answered with 1003."""
    async with running.socket("/v1/chat/completions", await running.key()) as socket:
        await socket.send(b"\x00")
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1003


async def test_get_without_upgrade(running: House) -> None:
    """A plain GET on a socket's path says what is missing."""
    async with running.http(await running.key()) as http:
        answer = await http.get("/v1/responses")
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"
    assert answer.json()["error"]["code"] == "upgrade_required"
