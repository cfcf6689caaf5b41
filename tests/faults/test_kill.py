"""The server is killed while it answers: what clients had seen is there after it, and nothing is charged twice."""

import asyncio
import json
import os
import random
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import websockets

from server.settings import Settings
from tests.harness import House, settings_in
from tests.processes import served

ROUNDS = 20 if os.environ.get("PARLEY_FAULTS") == "full" else 4
SEED = 20_260_314
SOCKETS, LANES = 5, 10

MODELS = {
    "breaking": {"upstream": "mock", "id": "t60-d20", "context": 8000},
    "continuing": {"upstream": "mock", "id": "t60-d20", "context": 8000, "prefill": True},
}
CHANGES = {
    "models": MODELS,
    "default_model": "breaking",
    "groups": {},
    "tiers": {
        "plus": {
            "breaking": "10000 messages / 3h",
            "continuing": "10000 messages / 3h",
            "tokens": "9M / 24h",
            "at_once": 500,
        }
    },
    "default_tier": "plus",
}
WHOLE = "".join(f" {index:04d}" for index in range(60))


@dataclass
class Seen:
    """What a client had received of one answer when the server died."""

    model: str
    request_id: str
    response_id: str = ""
    text: str = ""
    completed: bool = False


@dataclass
class Client:
    """Fifty answers over a few sockets."""

    seen: dict[tuple[int, str], Seen] = field(default_factory=dict)

    async def talk(self, number: int, address: str, key: str, mark: str) -> None:
        """Ask in every lane of one socket and note what comes, until the socket breaks."""
        url = address.replace("http", "ws") + "/v1/responses"
        headers = {"authorization": f"Bearer {key}"}
        async with websockets.connect(url, additional_headers=headers, compression=None) as socket:
            for lane in range(LANES):
                model = "continuing" if lane % 2 else "breaking"
                seen = Seen(model, f"{mark}-{number}-{lane}")
                self.seen[number, str(lane)] = seen
                frame = {"type": "response.create", "stream_id": str(lane), "model": model, "input": "hi"}
                await socket.send(json.dumps(frame | {"client_request_id": seen.request_id}))
            while True:
                self._note(number, json.loads(await socket.recv()))

    def _note(self, number: int, frame: dict[str, Any]) -> None:
        seen = self.seen[number, frame["stream_id"]]
        match frame["type"]:
            case "response.created":
                seen.response_id = frame["response"]["id"]
            case "response.output_text.delta":
                seen.text += frame["delta"]
            case "response.completed":
                seen.completed = True
            case "error" | "response.failed":
                raise AssertionError(frame)
            case _:
                pass


async def ended(http: httpx.AsyncClient, response_id: str) -> dict[str, Any]:
    """Return the stored response, once it has ended."""
    for _ in range(600):
        answer = await http.get(f"/v1/responses/{response_id}")
        assert answer.status_code == 200, answer.text
        response: dict[str, Any] = answer.json()
        if response["status"] != "in_progress":
            return response
        await asyncio.sleep(0.05)
    raise AssertionError(f"{response_id} never ended")


def text_of(response: dict[str, Any]) -> str:
    return "".join(part["text"] for item in response["output"] for part in item["content"])


async def check(address: str, key: str, seen: list[Seen]) -> None:
    """Hold what clients had received against what the store has."""
    async with httpx.AsyncClient(base_url=address, headers={"authorization": f"Bearer {key}"}, timeout=30) as http:
        for one in seen:
            if not one.response_id:
                assert not one.text
                continue
            stored = await ended(http, one.response_id)
            text = text_of(stored)
            assert text.startswith(one.text), (one.text, text)
            assert WHOLE.startswith(text)
            if one.model == "continuing" or one.completed:
                assert (stored["status"], text) == ("completed", WHOLE)
            else:
                assert stored["status"] in {"incomplete", "completed"}
        again = await http.get("/v1/usage")
        for row in again.json()["limits"]:
            assert row.get("held", 0) == 0, row
            assert row["id"] != "at_once" or row["used"] == 0, row


def charged(settings: Settings) -> dict[str, int]:
    """Return the units that usage rows charge, by dimension; a turn has one row at most."""
    with closing(sqlite3.connect(settings.data / "parley.db")) as database:
        rows = database.execute("SELECT turn_id, charged FROM usage").fetchall()
    assert len({turn for turn, _ in rows}) == len(rows)
    sums: dict[str, int] = {}
    for _, units in rows:
        for unit, amount in json.loads(units).items():
            sums[unit] = sums.get(unit, 0) + amount
    return sums


async def test_kill_while_fifty_answers_stream(tmp_path: Path) -> None:
    """No text that a client had received is missing, no hold is left, and every turn is charged once at most."""
    settings = settings_in(tmp_path, CHANGES)
    config = tmp_path / "parley.yaml"
    chance = random.Random(SEED)  # noqa: S311  moments of death, repeatable
    key = ""
    everything: list[Seen] = []
    for number in range(ROUNDS):
        client = Client()
        async with served(config) as (address, process):
            if not key:
                key = await House.key_in(settings)
            talks = [asyncio.ensure_future(client.talk(one, address, key, f"round-{number}")) for one in range(SOCKETS)]
            await asyncio.sleep(chance.uniform(0.15, 1.3))
            process.send_signal(signal.SIGKILL)
            broken = await asyncio.gather(*talks, return_exceptions=True)
            assert all(isinstance(one, websockets.ConnectionClosed) for one in broken), broken
        everything += client.seen.values()
        async with served(config) as (address, _):
            await check(address, key, list(client.seen.values()))
            await repeat(address, key, [one for one in client.seen.values() if one.response_id][:5])
            async with httpx.AsyncClient(base_url=address, headers={"authorization": f"Bearer {key}"}) as http:
                limits = (await http.get("/v1/usage")).json()["limits"]
            used = {"messages": sum(row["used"] for row in limits if row["unit"] == "messages")}
            used["tokens"] = next(row["used"] for row in limits if row["id"] == "tokens")
            paid = charged(settings)
            assert used == {unit: paid.get(unit, 0) for unit in used}
    received = sum(len(one.text) for one in everything)
    print(f"seed {SEED}: {ROUNDS} kills, {len(everything)} turns, {received} characters had been received")
    assert received


async def repeat(address: str, key: str, seen: list[Seen]) -> None:
    """Send requests again with their ids: they name the turns that they made, and none runs again."""
    url = address.replace("http", "ws") + "/v1/responses"
    async with websockets.connect(url, additional_headers={"authorization": f"Bearer {key}"}) as socket:
        for one in seen:
            frame = {"type": "response.create", "model": one.model, "input": "hi", "client_request_id": one.request_id}
            await socket.send(json.dumps(frame))
            first = json.loads(await socket.recv())
            assert (first["type"], first["response"]["id"]) == ("response.created", one.response_id)
            while json.loads(await socket.recv())["type"] not in {"response.completed", "response.incomplete"}:
                pass
