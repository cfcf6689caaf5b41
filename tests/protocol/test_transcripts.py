"""Dialogues of docs/protocol.md, held against a socket.

A transcript in `transcripts/` is lines: `door:` names the door, `>` quotes the sentence of the page that the lines
after it show, `C:` is sent, `S:` is received (with at least the members shown; null is also absent), `E:` is what the
engine does.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.events import Delta, Opened, last_seq
from server.core.records import Actor, Conversation, ServedBy, TurnStatus
from server.core.requests import TurnRequest
from server.edge import completions_ws, responses_ws
from server.edge.socket import Socket
from tests.unit.server.edge.doors import ANA, World, quiet
from tests.unit.server.edge.stories import a_turn, an_outcome, deltas, ending, opening
from tests.unit.server.edge.wires import Wire

HERE = Path(__file__).parent
PAGE = " ".join((HERE.parents[1] / "docs" / "protocol.md").read_text(encoding="utf-8").split())
DOORS = {"responses": responses_ws.DOOR, "chat": completions_ws.DOOR}
ENDINGS = {
    "completed": an_outcome(),
    "cancelled": an_outcome(TurnStatus.CANCELLED),
    "too_long": an_outcome(TurnStatus.INCOMPLETE, reason="max_output_tokens"),
    "failed": an_outcome(TurnStatus.FAILED, error_code="upstream_timeout", error_message="It took too long."),
}


class Engine:
    """Does what the `E:` lines say."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._turns = world.turns
        self._served: ServedBy | None = None
        self._refusals: list[Refused] = []
        self._turns.accept = self._accept

    def does(self, line: str) -> None:
        """Do one line.

        `resp_1 says "x"`, `resp_1 ends completed`, `refuses with model_not_found`, `falls back`, `conv_1 exists`,
        `conv_1 runs resp_9`.
        """
        subject, verb, *rest = line.split(" ", 2)
        if subject == "refuses":
            self._refusals.append(Refused(rest[0], "No."))
        elif subject == "falls":
            self._served = ServedBy("gpt-4", "local", "usage_cap_reached")
        elif verb == "exists":
            kept = Conversation(id=subject, user_id=ANA.user_id, created_at=0, updated_at=0, title="Sky")
            self._world.store.kept.append(kept)
        elif verb == "runs":
            turn = a_turn(rest[0].removeprefix("resp_"), conversation_id=subject)
            self._turns.lives[turn.id] = LiveTurn(turn, [Opened(0)])
            self._world.following.changed(subject)
        elif verb == "says":
            self._say(self._turns.lives[subject], json.loads(rest[0]))
        else:
            live = self._turns.lives[subject]
            live.add(ending(last_seq(live.events[-1]) + 1, ENDINGS[rest[0]])[0 if live.items else 1 :])

    def _accept(self, request: TurnRequest) -> LiveTurn:
        if self._refusals:
            raise self._refusals.pop(0)
        opened = self._turns.open(request)
        turn = a_turn(opened.turn.id.removeprefix("resp_"), served_by=self._served)
        return LiveTurn(turn, opened.events)

    @staticmethod
    def _say(live: LiveTurn, text: str) -> None:
        if not live.items:
            live.add(opening(live.turn)[1:])
        number = last_seq(live.events[-1]) + 1
        live.add([Delta(number, 0, text)] if len(text) < 2 else deltas(list(text), number))


def transcripts() -> list[Path]:
    return sorted((HERE / "transcripts").glob("*.txt"))


def test_there_are_transcripts() -> None:
    """The folder is found."""
    assert len(transcripts()) >= 5


@pytest.mark.parametrize("path", transcripts(), ids=lambda path: path.stem)
async def test_the_server_says_what_the_page_says(path: Path) -> None:
    """Each dialogue goes as written, and each quoted sentence stands in the page."""
    lines = _lines(path)
    door, extended = _options(lines.pop(0))
    world, wire = World(), Wire()
    engine = Engine(world)

    async def who() -> Actor:
        return ANA

    socket = Socket(
        websocket=await wire.accepted(), door=DOORS[door], services=world.services, who=who, extended=extended
    )
    async with world.following, asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(socket.run())
        for line in lines:
            await _play(line, wire, engine)
        await quiet()
        assert wire.silent
        if not running.done():
            wire.hang_up()


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


async def _play(line: str, wire: Wire, engine: Engine) -> None:
    who, _, what = line.partition(" ")
    if who == ">":
        assert what in PAGE, f"not in docs/protocol.md: {what}"
    elif who == "C:":
        wire.send_text(what)
    elif who == "S:":
        await quiet()
        assert _shows(await wire.frame(), json.loads(what)), line
    elif who == "E:":
        await quiet()
        engine.does(what)
    else:
        pytest.fail(f"not a line of a transcript: {line}")


def _shows(frame: Any, expected: Any) -> bool:
    """Return whether `frame` has what is expected; null stands for absence too."""
    if isinstance(expected, dict):
        return isinstance(frame, dict) and all(_shows(frame.get(name), value) for name, value in expected.items())
    return bool(frame == expected)


def _options(line: str) -> tuple[str, bool]:
    found = re.fullmatch(r"door: (\w+)( with extensions)?", line)
    assert found is not None, line
    return found[1], found[2] is not None
