"""A thousand cuts: clients, nodes, Valkey and PostgreSQL fail under running answers, and nobody sees it in the text.

Two nodes, PostgreSQL and Valkey are real processes; clients reach the nodes over lines that can be cut or go dead.
Each round makes 50 cuts over at least 100 turns with three devices each: `make faults` 20 rounds, `make test` one.
"""

import asyncio
import itertools
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

import client.connection
from client import Parley
from server.core.records import TextPart
from tests.databases import CrashingPostgres
from tests.faults.lines import Line, line
from tests.faults.watchers import Seen, Watched
from tests.nodes import Node, Nodes, nodes

pytestmark = pytest.mark.services
FULL = os.environ.get("PARLEY_FAULTS") == "full"
ROUNDS = 20 if FULL else 1
LEASE = 10 if FULL else 3
"""Seconds; 10 is the default of the product."""

SEED = 20_261_127
ROUND = {"cut": 30, "dead": 6, "kill": 5, "end": 3, "pause": 2, "empty": 2, "restart": 2}
"""What fails in one round of 50: a connection is reset, or goes dead; a node is killed, told to end, or stopped for
longer than its lease; Valkey loses its keys; PostgreSQL is crashed and started."""
TURNS = 100
"""The fewest of a round."""

LEASES = {"turns": {"lease": f"{LEASE}s"}, "caps": {"lease": f"{LEASE}s"}}
PEOPLE, AT_ONCE = 8, 3
PATIENCE = 1.5
"""Seconds after which a device turns from a connection that says nothing to the other node."""

HANGS = 120.0
"""Seconds after which an answer that has not ended counts as one that hangs."""

_parts = msgspec.json.Decoder(tuple[TextPart, ...])


@dataclass
class Person:
    """One user with two devices on different nodes, and a program that reads server-sent events."""

    name: str
    first: Parley
    second: Parley
    http: tuple[httpx.AsyncClient, httpx.AsyncClient]


@dataclass
class Run:
    """What happens in one run."""

    house: Nodes
    lines: Sequence[Line]
    postgres: CrashingPostgres
    chance: random.Random
    turns: list[tuple[str, Watched]] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)
    when: list[tuple[float, float, str]] = field(default_factory=list)
    """From when to when each cut was made, of the monotonic clock, and its kind."""
    over: bool = False
    _progress: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def talk(self, person: Person) -> None:
        """Ask until there were turns and cuts enough, each answer seen by three devices."""
        while len(self.turns) < TURNS or not self.over:
            number = next(self._numbers)
            watched = Watched("continuing" if number % 2 else "breaking", f"{SEED}-{number}")
            self.turns.append((person.name, watched))
            made: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(HANGS), asyncio.TaskGroup() as devices:
                devices.create_task(watched.ask(person.first, made))
                devices.create_task(watched.resume(person.second, made))
                devices.create_task(watched.read(person.http if number % 2 else person.http[::-1], made))
            self._progress.set()

    async def cut(self) -> None:
        """Let everything fail that is to fail, in an order that the seed gives, while answers run."""
        kinds = [kind for kind, count in ROUND.items() for _ in range(count)]
        self.chance.shuffle(kinds)
        for kind in kinds:
            # Some cuts in a row, then some progress: both the middle and the edges of answers are hit.
            await self._some_progress()
            began = time.monotonic()
            await self._kinds()[kind]()
            self.when.append((began, time.monotonic(), kind))
            self.made[kind] += 1
            print(f"{sum(self.made.values())} {kind}, {len(self.turns)} turns begun")
        self.over = True

    def _kinds(self) -> dict[str, Callable[[], Awaitable[None]]]:
        node: Node = self.chance.choice(list(self.house))
        return {
            "cut": lambda: self._on_a_line(Line.cut),
            "dead": lambda: self._on_a_line(Line.deaden),
            "kill": lambda: self._kill(node),
            "end": lambda: self._end(node),
            "pause": lambda: self._pause(node),
            "empty": self._empty,
            "restart": self._restart,
        }

    async def _some_progress(self) -> None:
        if self.chance.random() < 0.25:
            self._progress.clear()
            await self._progress.wait()

    async def _on_a_line(self, what: Callable[[Line, random.Random], bool]) -> None:
        while not any(what(one, self.chance) for one in self.chance.sample(self.lines, len(self.lines))):  # noqa: ASYNC110  sockets of others
            await asyncio.sleep(0.01)  # nobody is connected just now

    async def _kill(self, node: Node) -> None:
        await node.kill()
        await node.start()

    async def _end(self, node: Node) -> None:
        node.stop()
        await node.gone()
        await node.start()

    async def _pause(self, node: Node) -> None:
        node.pause()
        await asyncio.sleep(1.2 * LEASE)  # longer than its lease: that is the fault
        node.go_on()

    async def _empty(self) -> None:
        with self.house.valkey() as valkey:
            await asyncio.to_thread(valkey.flushdb)

    async def _restart(self) -> None:
        await asyncio.to_thread(self.postgres.crash)
        await asyncio.to_thread(self.postgres.start)


@asynccontextmanager
async def running(folder: Path, seed: int) -> AsyncIterator[tuple[Run, list[Person]]]:
    """Give two nodes behind lines, and people who are connected to them."""
    async with AsyncExitStack() as stack:
        # Not in the test's folder: the server runs as a user who may not enter it.
        postgres = await asyncio.to_thread(CrashingPostgres, Path(tempfile.mkdtemp(prefix="postgres-")))
        stack.callback(postgres.remove)
        house = await stack.enter_async_context(nodes(folder, 2, LEASES, database=postgres.uri))
        lines = [await stack.enter_async_context(line(int(node.address.rpartition(":")[2]))) for node in house]
        addresses = [f"http://127.0.0.1:{one.port}" for one in lines]
        ways = itertools.cycle([addresses, addresses[::-1]])
        people = [await _person(stack, house, f"person-{number}", next(ways)) for number in range(PEOPLE)]
        yield Run(house, lines, postgres, random.Random(seed)), people  # noqa: S311  a seed to repeat


async def _person(stack: AsyncExitStack, house: Nodes, name: str, addresses: Sequence[str]) -> Person:
    key = await house.key(name)
    https = [
        await stack.enter_async_context(
            httpx.AsyncClient(base_url=address, headers={"authorization": f"Bearer {key}"}, timeout=PATIENCE)
        )
        for address in addresses
    ]
    return Person(
        name=name,
        first=await stack.enter_async_context(Parley(addresses, key, open_timeout=PATIENCE)),
        second=await stack.enter_async_context(Parley(addresses[::-1], key, open_timeout=PATIENCE)),
        http=(https[0], https[1]),
    )


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_a_thousand_cuts(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every device ends with exactly the stored text, soon, every turn is charged once, and no hold is left."""
    monkeypatch.setattr(client.connection, "_HEARTBEAT", PATIENCE / 2)
    async with running(tmp_path, SEED + number) as (run, people):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run.cut())
            for person in people * AT_ONCE:
                tasks.create_task(run.talk(person))
        await run.house.ended()
        stored = {row["client_request_id"]: row for row in await run.house.rows(_STORED)}
        assert sorted(stored) == sorted(watched.request_id for _, watched in run.turns)
        for _, watched in run.turns:
            _check(watched, stored[watched.request_id])
        if FULL:  # the short lease of the one round is shorter than what devices need to turn to another node
            for seen in (one for _, watched in run.turns for one in (watched.asker, watched.device, watched.stream)):
                assert seen.longest_silence <= _bound(run, seen), _meanwhile(run, seen)
        for person in people:
            await _check_caps(run.house, person)
        with capsys.disabled():
            print(_told(SEED + number, run, Counter(row["status"] for row in stored.values())))


def _told(seed: int, run: Run, statuses: Counter[str]) -> str:
    devices = [(turn.asker, turn.device, turn.stream) for _, turn in run.turns]
    seen = [one for all_three in devices for one in all_three]
    longest = [max(alike, key=lambda one: one.longest_silence) for alike in zip(*devices, strict=True)]
    silences = [f"{one.longest_silence:.1f} s{_meanwhile(run, one)}" for one in longest]
    late = [one for one in seen if one.longest_silence > LEASE]
    return (
        f"\nseed {seed}: {sum(run.made.values())} cuts {dict(run.made)}, {len(run.turns)} turns {dict(statuses)}, "
        f"{len(seen)} followers, {sum(len(one.text) for one in seen):,} characters, "
        f"{sum(watched.refused for _, watched in run.turns)} refused and sent again, "
        f"longest silence of who asked {silences[0]}, of another device {silences[1]}, of a stream of events "
        f"{silences[2]}; {len(late)} of them longer than the lease of {LEASE} s"
    )


def _meanwhile(run: Run, seen: Seen) -> str:
    """Return what was cut during the longest silence."""
    kinds = [kind for _, kind in _cuts(run, seen)]
    return f" ({', '.join(kinds)})" if kinds else ""


def _bound(run: Run, seen: Seen) -> float:
    """Return the seconds that the longest silence may last.

    That is a lease, another for each further node that failed meanwhile, and the time for which there was no database.
    """
    cuts = _cuts(run, seen)
    nodes_lost = sum(kind in {"kill", "end", "pause"} for _, kind in cuts)
    return LEASE * max(1, nodes_lost) + sum(seconds for seconds, kind in cuts if kind == "restart")


def _cuts(run: Run, seen: Seen) -> list[tuple[float, str]]:
    """Return how long each cut lasted that was made during the longest silence, and its kind."""
    began = seen.heard_again_at - seen.longest_silence
    return [(end - start, kind) for start, end, kind in run.when if start <= seen.heard_again_at and end >= began]


_STORED = """
    SELECT client_request_id, turns.id, turns.status, messages.parts,
        (SELECT count(*) FROM usage WHERE usage.turn_id = turns.id) AS charges
    FROM turns LEFT JOIN messages ON messages.id = turns.message_id"""


def _check(watched: Watched, row: dict[str, Any]) -> None:
    text = "".join(part.text for part in _parts.decode(row["parts"])) if row["parts"] else ""
    assert watched.response_id == row["id"]
    assert row["charges"] == 1, row
    for seen in (watched.asker, watched.device, watched.stream):
        assert (seen.text, seen.ended) == (text, row["status"]), row
    if watched.model == "continuing" and row["status"] == "completed":
        assert text == "".join(f" {index:04d}" for index in range(60))


async def _check_caps(house: Nodes, person: Person) -> None:
    """What the ledger has of a person is what their usage rows say, once every settling has been heard."""
    rows = await house.rows(
        "SELECT sum((charged::json->>'messages')::int) AS messages, sum((charged::json->>'tokens')::int) AS tokens"
        " FROM usage JOIN users ON users.id = usage.user_id WHERE users.name = $1",
        person.name,
    )
    charged = {unit: amount or 0 for unit, amount in rows[0].items()}
    async with asyncio.timeout(60):
        while True:
            limits = (await person.http[0].get("/v1/usage")).json()["limits"]
            used = {row["unit"]: row["used"] for row in limits}
            held = {row["unit"]: row["held"] for row in limits}
            if not any(held.values()) and used == {**charged, "concurrent-requests": 0}:
                return
            await asyncio.sleep(0.5)  # other processes settle
