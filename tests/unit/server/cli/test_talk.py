"""A conversation in the terminal, against a server that plays a part."""

import asyncio
import io
import itertools
import json
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from threading import Event, Thread
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from server.cli.lines import Lines
from server.cli.slash import Choice
from server.cli.talk import Talk

LISTS: dict[str, Any] = {
    "/v1/personas": [{"id": "pirate", "title": "Captain Marrow"}, {"id": "tutor", "title": "Tutor"}],
    "/v1/models": [{"id": "gpt-4"}, {"id": "local", "description": "Small."}, {"id": "persona:pirate"}],
    "/v1/conversations": [{"id": "conv_1", "title": "Of the sea"}],
    "/v1/conversations/conv_1/items": [
        {"role": "assistant", "content": [{"type": "output_text", "text": "Salt."}]},
        {"role": "user", "content": [{"type": "input_image"}, {"type": "input_text", "text": "What is in it?"}]},
    ],
}
ANSWERS = {path: {"data": data} for path, data in LISTS.items()} | {
    "/v1/conversations/conv_1": {"title": "Of the sea"},
    "/v1/usage": {"tier": "plus"},
}

NUMBERS = itertools.count()

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

    def over_http(connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if request.headers.get("Upgrade"):
            return None
        if path in ANSWERS:
            return connection.respond(HTTPStatus.OK, json.dumps(ANSWERS[path]))
        return connection.respond(HTTPStatus.NOT_FOUND, json.dumps({"error": {"code": "not_found", "message": "No."}}))

    async def main() -> None:
        stop = asyncio.Event()
        async with serve(connection, "127.0.0.1", 0, process_request=over_http) as server:
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
    frame = {"type": kind, "sequence_number": next(NUMBERS), "stream_id": asked["stream_id"], **members}
    await socket.send(json.dumps(frame))


async def begin(socket: ServerConnection, asked: dict[str, Any]) -> None:
    """Begin an answer in a stored conversation."""
    response = {"id": "resp_1", "model": "local", "conversation": {"id": "conv_1"}}
    await tell(socket, asked, "response.created", response=response)


async def echo(socket: ServerConnection, asked: dict[str, Any]) -> None:
    """Answer with what was said."""
    await begin(socket, asked)
    await tell(socket, asked, "response.output_text.delta", delta=f"you said {asked['input']}")
    caps = [{"id": "local.messages", "cap": 10, "remaining": 1, "window_seconds": 60}, {"id": "at_once", "cap": None}]
    await tell(socket, asked, "response.completed", response={"id": "resp_1", "status": "completed"})
    await socket.send(json.dumps({"type": "parley:usage", "tier": "plus", "limits": caps}))


async def refuse(socket: ServerConnection, asked: dict[str, Any]) -> None:
    """Refuse the message at a cap."""
    error = {
        "code": "usage_cap_reached",
        "message": "The cap is reached.",
        "next_at": "2026-11-23T14:31:10Z",
        "retry_after_seconds": 4265,
    }
    await socket.send(json.dumps({"type": "error", "status": 429, "stream_id": asked["stream_id"], "error": error}))


class Keyboard(io.StringIO):
    """Somebody types."""

    def isatty(self) -> bool:
        return True


def talk(
    url: str, typed: str | Keyboard, choice: Choice | None = None, *, patience: float = 60
) -> tuple[int, str, str]:
    """Type `typed` and return the exit code, the answers and the notes."""
    answers, notes = io.StringIO(), io.StringIO()
    lines = Lines(typed if isinstance(typed, Keyboard) else io.StringIO(typed), answers, notes)
    with asyncio.Runner() as runner:
        code = Talk(url, "sk-1", lines=lines, run=runner.run, patience=patience, choice=choice or Choice()).go_on()
    return code, answers.getvalue(), notes.getvalue()


def test_messages_go_on_in_one_stored_conversation() -> None:
    """The first message begins a conversation; the next one names it."""
    with playing(echo) as (url, asked):
        code, answers, _ = talk(url, "one\ntwo\n", Choice(persona="pirate"))
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
    assert notes.count("The cap is reached. That is in 1 h 11 min.") == 2
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


def test_an_answer_goes_on_after_a_lost_connection_in_one_quiet_line() -> None:
    """The person hears of it; the answer in the pipe is whole."""

    async def dropping(socket: ServerConnection, asked: dict[str, Any]) -> None:
        if asked["type"] == "parley:resume":
            await tell(socket, asked, "response.output_text.delta", delta="ng as it is")
            await tell(socket, asked, "response.completed", response={"id": "resp_1", "status": "completed"})
            await socket.close()
            return
        await begin(socket, asked)
        await tell(socket, asked, "response.output_text.delta", delta="as lo")
        await socket.close(1012, "restarting")

    with playing(dropping) as (url, _):
        code, answers, notes = talk(url, "one\n")
    assert (code, answers) == (0, "as long as it is\n")
    assert notes == "Connection lost, going on…\n"


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


def test_two_slashes_begin_a_message_with_one() -> None:
    """Every text can be said."""
    with playing(echo) as (url, asked):
        talk(url, "//etc is a folder\n")
    assert asked[0]["input"] == "/etc is a folder"


def test_who_talks_at_a_terminal_learns_how_to_come_back() -> None:
    """The last line names the conversation; into a pipe it is not written."""
    with playing(echo) as (url, _):
        assert talk(url, Keyboard("hi\n"))[2].endswith("To go on with it another time: --conversation conv_1\n")
        assert "To go on" not in talk(url, "hi\n")[2]


def test_a_stored_conversation_shows_where_it_stands() -> None:
    """Its title and its last two messages come first; the next message goes on there."""
    with playing(echo) as (url, asked):
        code, _, notes = talk(url, Keyboard("more\n"), Choice(conversation="conv_1"))
    assert code == 0
    assert notes.startswith('Going on with "Of the sea".\n> [image]What is in it?\nSalt.\nType a message.')
    assert asked[0]["conversation"] == "conv_1"


def test_what_is_not_there_is_told_before_anything_is_typed() -> None:
    """A persona, a model, a conversation or a server that is not there ends a sitting at once."""
    with playing(echo) as (url, asked):
        for wrong, told in (
            (Choice(persona="pirat"), "There is no persona pirat. Name one of: pirate, tutor.\n"),
            (Choice(model="persona:pirate"), "There is no model persona:pirate. Name one of: gpt-4, local.\n"),
            (Choice(conversation="conv_2"), "No.\n"),
        ):
            assert talk(url, Keyboard("hi\n"), wrong) == (1, "", told)
    assert asked == []
    code, _, notes = talk(url, Keyboard("hi\n"))
    assert code == 1
    assert notes.endswith("Start one with `parley serve`, or name another with --url.\n")


def test_nobody_at_the_address_is_a_note() -> None:
    """A server that does not run is told in a line."""
    with playing(echo) as (url, _):
        pass
    code, _, notes = talk(url, "hi\n")
    assert code == 1
    assert "No Parley answers at" in notes
