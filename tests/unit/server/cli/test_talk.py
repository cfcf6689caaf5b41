"""A conversation in the terminal, against a server that plays a part."""

import asyncio
import io
import json
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from server.cli.lines import Lines
from server.cli.talk import Talk, cap_lines

Part = Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]


@contextmanager
def playing(part: Part) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Run a server on a thread whose answer to each message is `part`; yield its address and the messages."""
    asked: list[dict[str, Any]] = []
    ready = Event()
    where: list[Any] = []

    async def connection(socket: ServerConnection) -> None:
        async for text in socket:
            asked.append(json.loads(text))
            await part(socket, asked[-1])

    async def main() -> None:
        stop = asyncio.Event()
        async with serve(connection, "127.0.0.1", 0) as server:
            where.extend([server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stop])
            ready.set()
            await stop.wait()

    thread = Thread(target=asyncio.run, args=(main(),))
    thread.start()
    ready.wait()
    try:
        yield f"http://127.0.0.1:{where[0]}", asked
    finally:
        where[1].call_soon_threadsafe(where[2].set)
        thread.join()


async def tell(socket: ServerConnection, asked: dict[str, Any], kind: str, **members: Any) -> None:
    """Send one frame on the lane of what was asked."""
    frame = {"type": kind, "sequence_number": 0, "stream_id": asked["stream_id"], **members}
    await socket.send(json.dumps(frame))


async def begin(socket: ServerConnection, asked: dict[str, Any]) -> None:
    """Begin an answer in a stored conversation."""
    response = {"id": "resp_1", "model": "local", "conversation": {"id": "conv_1"}}
    await tell(socket, asked, "response.created", response=response)


async def echo(socket: ServerConnection, asked: dict[str, Any]) -> None:
    """Answer with what was said."""
    await begin(socket, asked)
    await tell(socket, asked, "response.output_text.delta", delta=f"you said {asked['input']}")
    caps = [{"id": "local.messages", "cap": 10, "remaining": 1, "next_at": None}, {"id": "at_once", "cap": None}]
    await tell(socket, asked, "response.completed", response={"id": "resp_1", "status": "completed"})
    await socket.send(json.dumps({"type": "parley:usage", "tier": "plus", "limits": caps}))


async def refuse(socket: ServerConnection, asked: dict[str, Any]) -> None:
    """Refuse the message at a cap."""
    error = {"code": "usage_cap_reached", "message": "The cap is reached.", "next_at": "2026-11-23T14:31:10Z"}
    await socket.send(json.dumps({"type": "error", "status": 429, "stream_id": asked["stream_id"], "error": error}))


def talk(url: str, typed: str, *, patience: float = 60, **options: str | None) -> tuple[int, str, str]:
    """Type `typed` and return the exit code, the answers and the notes."""
    answers, notes = io.StringIO(), io.StringIO()
    lines = Lines(io.StringIO(typed), answers, notes)
    chosen = {"persona": None, "model": None, "conversation": None} | options
    with asyncio.Runner() as runner:
        code = Talk(url, "sk-1", lines=lines, run=runner.run, patience=patience, **chosen).go_on()
    return code, answers.getvalue(), notes.getvalue()


def test_messages_go_on_in_one_stored_conversation() -> None:
    """The first message begins a conversation; the next one names it."""
    with playing(echo) as (url, asked):
        code, answers, _ = talk(url, "one\ntwo\n", persona="pirate")
    assert (code, answers) == (0, "you said one\nyou said two\n")
    assert [frame["conversation"] for frame in asked] == ["new", "conv_1"]
    assert asked[0]["prompt"] == {"id": "pirate"}


def test_commands_change_who_answers_and_where() -> None:
    """Another persona means a new conversation; another model does not."""
    with playing(echo) as (url, asked):
        talk(url, "a\n/model gpt-4\nb\n/persona pirate\nc\n/new\nd\n/quit\nnever sent\n")
    assert [frame["conversation"] for frame in asked] == ["new", "conv_1", "new", "new"]
    assert [frame.get("model") for frame in asked] == [None, "gpt-4", "gpt-4", "gpt-4"]
    assert [frame.get("prompt") for frame in asked] == [None, None, {"id": "pirate"}, {"id": "pirate"}]


def test_a_cap_that_runs_low_is_told_after_the_answer() -> None:
    """The note says how much is left; caps without a number are not mentioned."""
    with playing(echo) as (url, _):
        _, _, notes = talk(url, "hi\n")
    assert "local.messages: 1 of 10 left." in notes
    assert "at_once" not in notes


def test_a_refusal_is_a_note_and_the_last_one_decides_the_exit_code() -> None:
    """The conversation goes on after a refusal; a script can tell whether its last message was answered."""
    with playing(refuse) as (url, asked):
        code, answers, notes = talk(url, "one\ntwo\n")
    assert (code, answers) == (1, "")
    assert notes.count("The cap is reached. Again at ") == 2
    assert len(asked) == 2


def test_ctrl_c_stops_the_answer_and_not_the_conversation() -> None:
    """The server is asked to cancel, and the next message is sent as usual."""

    async def interrupted(socket: ServerConnection, asked: dict[str, Any]) -> None:
        if asked["type"] == "parley:cancel":
            response = {"id": "resp_1", "status": "cancelled"}
            await tell(socket, asked | {"stream_id": "lane-0"}, "response.incomplete", response=response)
            await socket.close()
            return
        if asked["input"] == "two":
            await echo(socket, asked)
            return
        await begin(socket, asked)
        await tell(socket, asked, "response.output_text.delta", delta="as lo")
        os.kill(os.getpid(), signal.SIGINT)

    with playing(interrupted) as (url, asked):
        code, answers, notes = talk(url, "one\ntwo\n")
    assert code == 0
    assert answers == "as lo\nyou said two\n"
    assert "Stopped." in notes
    assert {"type": "parley:cancel", "response_id": "resp_1"} in asked


def test_a_cancel_that_nobody_answers_is_not_waited_for() -> None:
    """The person gets the prompt back even if the server hangs."""

    async def hanging(socket: ServerConnection, asked: dict[str, Any]) -> None:
        if asked["type"] != "parley:cancel":
            await begin(socket, asked)
            os.kill(os.getpid(), signal.SIGINT)

    with playing(hanging) as (url, _):
        code, _, notes = talk(url, "one\n", patience=0.05)
    assert code == 1
    assert "does not say that it stopped" in notes


def test_another_model_and_an_answer_cut_short_are_noted() -> None:
    """What a reader should know of an answer is told beside it."""

    async def part(socket: ServerConnection, asked: dict[str, Any]) -> None:
        await begin(socket, asked)
        served = {"asked": "gpt-4", "served": "local", "because": "usage_cap_reached"}
        frame = {"type": "parley:served_by", "stream_id": asked["stream_id"], **served}
        await socket.send(json.dumps(frame))
        response = {"id": "resp_1", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        await tell(socket, asked, "response.incomplete", response=response)
        await socket.close()

    with playing(part) as (url, _):
        _, _, notes = talk(url, "hi\n")
    assert "local answers instead of gpt-4: usage cap reached." in notes
    assert "The answer ends here (max output tokens)." in notes


def test_help_lists_every_command() -> None:
    """An unknown command shows them too."""
    _, _, notes = talk("http://127.0.0.1:9", "/help\n/unknown\n")
    for word in ("/persona", "/model", "/new", "/usage", "/quit"):
        assert notes.count(f"{word} ") == 2, word


def test_nobody_at_the_address_is_a_note() -> None:
    """A server that does not run is told in a line."""
    with playing(echo) as (url, _):
        pass
    code, _, notes = talk(url, "hi\n")
    assert code == 1
    assert "No Parley answers at" in notes


@pytest.mark.parametrize("usage", [{"tier": "plus"}, {"tier": "plus", "limits": []}])
def test_usage_without_caps_is_the_tier(usage: dict[str, Any]) -> None:
    """A tier without finite caps has one line."""
    assert cap_lines(usage) == ["Tier plus."]
