"""Nodes that share PostgreSQL: they are killed or paused, and the server crashes, at any moment."""

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from server.adapters import database_postgres
from server.adapters.journal_postgres import PostgresJournal
from server.adapters.turns_sql import SqlTurns
from server.core import trail
from server.core.events import Delta
from server.core.ports import Orphan
from tests.contracts.turn_records import Sink, turn_end
from tests.databases import CrashingPostgres

pytestmark = pytest.mark.services

ROOT = Path(__file__).parents[2]
ROUNDS = 20 if os.environ.get("PARLEY_FAULTS") == "full" else 3

NODE = """
import asyncio, json, random, sys

from server.adapters.journal_postgres import PostgresJournal
from server.core.events import Delta
from server.core.ports import Fenced
from tests.contracts.turn_records import Sink, new_turn, turn_end


def say(*facts):
    sys.stdout.write(json.dumps(facts) + "\\n")
    sys.stdout.flush()


class Telling(Sink):
    def __init__(self, name):
        super().__init__()
        self.name = name

    def committed(self, events):
        say("shown", self.name, "".join(e.text for e in events))

    def fenced(self):
        say("fenced", self.name)

    def broken(self, why):
        say("broken", self.name, str(why))


async def one(journal, name, chance):
    await asyncio.sleep(chance.random() / 50)
    new = new_turn(name, client_request_id=name)
    log = await journal.begin(new, Telling(name))
    say("begun", name)
    texts = [f"{name}:{n} " for n in range(chance.randrange(60))]
    for n, text in enumerate(texts):
        log.append(Delta(4 + n, 0, text))
        await asyncio.sleep(0 if chance.random() < 0.5 else 0.002)
    try:
        await log.end(turn_end(new.turn, *texts))
        say("ended", name, "".join(texts))
    except Fenced:
        say("fenced", name)


async def main(uri, node, seed):
    chance = random.Random(seed)
    async with PostgresJournal(uri, clock=lambda: 0, patience=60.0) as journal:
        say("ready", "")
        number = 0
        while True:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(20):
                    number += 1
                    tasks.create_task(one(journal, f"{node}_{seed}_{number}", chance))


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@dataclass
class Node:
    """A process that writes turns, and what it has reported."""

    process: asyncio.subprocess.Process
    begun: set[str] = field(default_factory=set)
    shown: dict[str, str] = field(default_factory=lambda: defaultdict(str))
    ended: dict[str, str] = field(default_factory=dict)
    fenced: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    lines: int = 0

    async def hear(self, count: int = sys.maxsize) -> None:
        """Take down what it reports, up to a number of lines."""
        assert self.process.stdout
        for _ in range(count):
            line = await self.process.stdout.readline()
            if not line.endswith(b"\n"):
                return
            self.lines += 1
            kind, name, *rest = json.loads(line)
            match kind:
                case "begun":
                    self.begun.add(name)
                case "shown":
                    self.shown[name] += rest[0]
                case "ended":
                    self.ended[name] = rest[0]
                case "fenced":
                    self.fenced.add(name)
                case "broken":
                    self.broken.append(rest[0])
                case _:
                    pass


@pytest.fixture(scope="module")
def server() -> Iterator[CrashingPostgres]:
    server = CrashingPostgres(Path(tempfile.mkdtemp(prefix="postgres-")))
    yield server
    server.remove()


@pytest.fixture
async def uri(server: CrashingPostgres) -> str:
    await database_postgres.migrate(server.uri)
    return server.uri


@asynccontextmanager
async def running(uri: str, name: str, seed: int) -> AsyncIterator[Node]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", NODE, uri, name, str(seed), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Node(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def text_of(orphan: Orphan) -> str:
    return "".join(event.text for event in orphan.events if isinstance(event, Delta))


def is_beginning(text: str, name: str) -> bool:
    """Return whether the text is what the turn says, up to some word."""
    return text == "".join(f"{name}:{n} " for n in range(text.count(" ")))


async def check(uri: str, *nodes: Node) -> None:
    """Hold what nodes reported against what is stored, and end what had not ended."""
    async with PostgresJournal(uri, clock=lambda: 0) as journal, database_postgres.opened(uri) as base:
        turns = SqlTurns(base)
        orphans = {orphan.turn.id: orphan for orphan in await journal.adopt(0, 0, everyone=True)}
        for node in nodes:
            assert node.begun
            for name in node.begun - node.fenced:
                orphan = orphans.get(f"resp_{name}")
                if orphan is not None:
                    assert name not in node.ended
                    assert text_of(orphan).startswith(node.shown[name])
                    assert is_beginning(text_of(orphan), name)
                    continue
                stored = await turns.turn(f"resp_{name}", "user_1")
                assert stored is not None
                assert stored.outcome is not None
                text = stored.reply.text if stored.reply else ""
                assert text.startswith(node.shown[name])
                assert text == node.ended.get(name, text)
                assert trail.Kept(stored.trail, [text]).events
        charged = [row.turn_id for row in await turns.usage_rows("user_1", 0)]
        assert {f"resp_{name}" for node in nodes for name in node.ended} <= set(charged)
        for orphan in orphans.values():
            await journal.resume(orphan, Sink()).end(turn_end(orphan.turn, "x", owner=orphan.owner))


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_what_was_reported_is_there_after_a_kill(uri: str, seed: int) -> None:
    """Turns that began, text that was shown and ends of two nodes are found again when both are killed."""
    chance = random.Random(seed)  # noqa: S311  the same moments in every run
    async with running(uri, "kill_a", seed) as one, running(uri, "kill_b", seed) as two:
        for node in (one, two):
            await node.hear(100 + chance.randrange(500))
            node.process.kill()
            await node.hear()
    await check(uri, one, two)


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_a_crash_of_the_server_is_a_pause(server: CrashingPostgres, uri: str, seed: int) -> None:
    """Turns that run go on as if nothing had been, and nothing is lost or written twice."""
    chance = random.Random(seed)  # noqa: S311  the same moments in every run
    async with running(uri, "crash", seed) as node:
        for _ in range(2):
            await node.hear(100 + chance.randrange(300))
            await asyncio.to_thread(server.crash)
            await asyncio.to_thread(server.start)
        await node.hear(2000)
        node.process.kill()
        await node.hear()
    assert not node.broken
    assert not node.fenced
    await check(uri, node)


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_a_node_that_wakes_late_writes_nothing_more(uri: str, seed: int) -> None:
    """A node is stopped, its turns are adopted, and it goes on: its turns are fenced and stay as they were adopted."""
    chance = random.Random(seed)  # noqa: S311  the same moments in every run
    async with running(uri, "pause", seed) as node, PostgresJournal(uri, clock=lambda: 0) as journal:
        adopted: Sequence[Orphan] = ()
        while not adopted:
            # The moment may be one in which no turn runs, or in which the server is just writing for all of them.
            await node.hear(100 + chance.randrange(300))
            node.process.send_signal(signal.SIGSTOP)
            adopted = await journal.adopt(0, 0, everyone=True)
            node.process.send_signal(signal.SIGCONT)
        orphans = {orphan.turn.id.removeprefix("resp_"): orphan for orphan in adopted}
        while not node.begun & orphans.keys() <= node.fenced | node.ended.keys():
            await node.hear(10)
        node.process.kill()
        await node.hear()
        for name, orphan in orphans.items():
            events, _ = await journal.read(f"resp_{name}", 0)
            assert events == orphan.events
            assert name not in node.ended
            assert text_of(orphan).startswith(node.shown[name])
            await journal.resume(orphan, Sink()).end(turn_end(orphan.turn, "x", owner=orphan.owner))
    await check(uri, node)
