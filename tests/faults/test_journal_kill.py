"""A journal whose process is killed at any moment keeps everything that it said was durable."""

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from server.adapters import database
from server.adapters.journal_sqlite import SqliteJournal
from server.adapters.turns_sql import SqlTurns
from server.core import trail
from server.core.events import Delta

ROOT = Path(__file__).parents[2]
ROUNDS = 100 if os.environ.get("PARLEY_FAULTS") == "full" else 10

CHILD = """
import asyncio, json, random, sys
from pathlib import Path

from ratelimit.ledger import Charge, Held, Released, Settled
from server.adapters.journal_sqlite import SqliteJournal
from server.core.events import Delta
from tests.contracts.turn_records import Sink, new_turn, turn_end

CHARGE = Charge(key="u", unit="messages", amount=1, window_us=10**15)


def say(*facts):
    sys.stdout.write(json.dumps(facts) + "\\n")
    sys.stdout.flush()


class Telling(Sink):
    def __init__(self, name):
        super().__init__()
        self.name = name

    def committed(self, events):
        say("shown", self.name, "".join(e.text for e in events), events[-1].seq)


async def one(journal, name, chance):
    await asyncio.sleep(chance.random() / 100)
    at_us = int(name.split("_")[1])
    hold = f"hold_{name}"
    journal.record(Held(hold_id=hold, subject="u", model="m", charges=(CHARGE,), at_us=at_us, deadline_us=0))
    if chance.random() < 0.1:
        journal.record(Released(hold_id=hold))
        return
    new = new_turn(name, client_request_id=name)
    log = await journal.begin(new, Telling(name))
    say("begun", name)
    texts = [f"{name}:{n} " for n in range(chance.randrange(40))]
    for n, text in enumerate(texts):
        log.append(Delta(4 + n, 0, text))
        await asyncio.sleep(0 if chance.random() < 0.5 else 0.001)
    await log.end(turn_end(new.turn, *texts))
    say("ended", name, "".join(texts))
    journal.record(Settled(hold_id=hold, amounts={"messages": 1}))


async def main(path, seed):
    chance = random.Random(seed)
    async with SqliteJournal(Path(path)) as journal:
        say("ready")
        number = 0
        while True:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(20):
                    number += 1
                    tasks.create_task(one(journal, f"{seed}_{number}", chance))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def run_and_kill(path: Path, seed: int) -> list[list[str]]:
    """Let a child write, kill it at a moment that the seed chooses, and return what it had reported."""
    chance = random.Random(seed)  # noqa: S311  the same moments in every run
    command = [sys.executable, "-c", CHILD, str(path), str(seed)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child, child.stdout as reports:
        lines = [reports.readline() for _ in range(1 + chance.randrange(600))]
        child.kill()
        lines += reports.readlines()
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_what_was_reported_is_there_after_a_kill(tmp_path: Path, seed: int) -> None:
    """Turns that began, text that was shown and ends are found again, in order, and holds stand as their turns do."""
    path = tmp_path / database.FILE
    database.migrate(path)
    reports = run_and_kill(path, seed)
    shown: dict[str, str] = defaultdict(str)
    for kind, *facts in reports:
        if kind == "shown":
            shown[facts[0]] += facts[1]
    begun = {facts[0] for kind, *facts in reports if kind == "begun"}
    ended = {facts[0]: facts[1] for kind, *facts in reports if kind == "ended"}
    assert reports

    async with SqliteJournal(path) as journal, database.opened(path) as engine:
        turns = SqlTurns(engine)
        holds = {hold.hold_id: hold.state for hold in await journal.stored_holds()}
        orphans = {orphan.turn.id: orphan for orphan in await journal.adopt(0, 0, everyone=True)}
        for name in begun:
            orphan = orphans.get(f"resp_{name}")
            if orphan is not None:
                assert name not in ended
                assert holds[f"hold_{name}"] == "held"
                text = "".join(event.text for event in orphan.events if isinstance(event, Delta))
                assert text.startswith(shown[name])
                assert text == "".join(f"{name}:{n} " for n in range(text.count(" ")))
                continue
            stored = await turns.turn(f"resp_{name}", "user_1")
            assert stored is not None
            assert stored.outcome is not None
            text = stored.reply.text if stored.reply else ""
            assert text.startswith(shown[name])
            assert text == ended.get(name, text)
            assert trail.Kept(stored.trail, [text]).events
            assert holds[f"hold_{name}"] == "settled"
        rows = await turns.usage_rows("user_1", 0)
        assert len({row.turn_id for row in rows}) == len(rows)
        assert {f"resp_{name}" for name in ended} <= {row.turn_id for row in rows}
