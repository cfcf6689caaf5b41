"""Labels that move while answers stream: no answer breaks, and each says truly which revision it was made from."""

import asyncio
import json
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx

from server.core.ports import Said
from server.core.records import Role, TextPart
from tests.harness import CONFIG, House, house

SOCKETS, LANES = 20, 10
CHUNKS = 40
WHOLE = "".join(f" {number:04d}" for number in range(CHUNKS))
MODELS = {**CONFIG["models"], "streamed": {"upstream": "mock", "id": f"t{CHUNKS}-d20", "context": 8000}}
TIERS = {"plus": {"streamed": "unlimited"}}


def text(word: str) -> str:
    """Return a persona whose instructions have this word."""
    return f"---\nspec: persona/1\nname: mover\nsummary: For a test.\n---\nYou are the {word} one.\n"


def text_of(said: Said) -> str:
    """Return the text of a message as the upstream got it."""
    return "".join(part.text for part in said.parts if isinstance(part, TextPart))


async def socketful(running: House, key: str, number: int) -> dict[str, str]:
    """Ask in each lane of a socket, one after another, and follow all; return the response id of each question."""
    texts: Counter[str] = Counter()
    said: dict[str, str] = {}
    found: dict[str, str] = {}
    unanswered = {f"q{number}-{lane}" for lane in range(LANES)}
    waiting = iter(sorted(unanswered))

    async with running.socket("/v1/responses", key) as socket:

        async def ask() -> None:
            if (name := next(waiting, None)) is not None:
                body = {"type": "response.create", "stream_id": name, "model": "streamed", "input": name}
                await socket.send(json.dumps(body | {"prompt": {"id": "mover"}}))

        await ask()
        while unanswered:
            frame: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 60))
            assert frame["type"] != "error", frame
            lane = frame["stream_id"]
            if frame["type"] == "response.created":
                found[lane] = frame["response"]["id"]
                await ask()
            elif frame["type"] == "response.output_text.delta":
                said[lane] = said.get(lane, "") + frame["delta"]
            elif frame["type"] in {"response.completed", "response.incomplete", "response.failed"}:
                texts[frame["type"]] += 1
                unanswered.remove(lane)
    assert texts == {"response.completed": LANES}
    assert set(said.values()) == {WHOLE}
    return found


async def moving(desk: httpx.AsyncClient, done: asyncio.Event) -> int:
    """Move `live` forth and back until `done`, now by publishing and now by rolling back; return how often."""
    ways = cycle([("publish", {"revision": 2}), ("rollback", {})])
    moved = 0
    while not done.is_set():
        way, body = next(ways)
        answer = await desk.post(f"/admin/personas/mover/{way}", json=body)
        assert answer.status_code == httpx.codes.OK, answer.text
        moved += 1
    return moved


async def test_a_label_that_moves_under_load_breaks_nothing(tmp_path: Path) -> None:
    """200 answers stream while `live` moves: each is whole, and its revision is the one whose words were sent."""
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "mover.md").write_text(text("red"), encoding="utf-8")
    words = {1: "red", 2: "blue"}
    changes = {"personas": [str(tmp_path / "personas")], "models": MODELS, "tiers": TIERS, "default_tier": "plus"}
    async with house(tmp_path, changes) as running:
        key = await running.key()
        async with running.http(await running.key("op", role=Role.OPERATOR)) as desk:
            written = await desk.post("/admin/personas/mover/revisions", json={"source": text("blue")})
            assert written.json()["revision"] == 2, written.text
            done = asyncio.Event()
            mover = asyncio.create_task(moving(desk, done))
            found = await asyncio.gather(*(socketful(running, key, number) for number in range(SOCKETS)))
            done.set()
            moved = await mover
            sent = {
                text_of(call.messages[-1]).split("\n")[-1]: text_of(call.messages[0]) for call in running.upstream.calls
            }
            answering: Counter[int] = Counter()
            for name, response in (pair for one in found for pair in one.items()):
                again = (await desk.get(f"/admin/responses/{response}/prompt")).json()
                assert again["match"] == "same"
                assert f"You are the {words[again['revision']]} one." in sent[name]
                answering[again["revision"]] += 1
    assert moved > 2
    assert answering.total() == SOCKETS * LANES
    assert min(answering[1], answering[2]) > 0
