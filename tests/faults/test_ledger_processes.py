"""Processes that share a ledger: they admit no more than one would, die without a trace, and may have any clock."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ratelimit.ledger import Charge, Demand, Ledger
from tests import services
from tests.contracts.ledgers import Opener, postgres, valkey

ROOT = Path(__file__).parents[2]
HOUR = 3_600_000_000
LEASE = 5_000_000
MESSAGES = Charge(key="ana|m", unit="messages", amount=1, window_us=HOUR)
TOKENS = Charge(key="ana|t", unit="tokens", amount=100, window_us=HOUR)
PLACE = Charge(key="ana|c", unit="concurrent-requests", amount=1, window_us=0)
pytestmark = pytest.mark.services

CHILD = """
import asyncio, json, sys, time

kind, url, skew, work = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
for name, scale in (("time", 1), ("time_ns", 10**9), ("monotonic", 1)):
    setattr(time, name, lambda real=getattr(time, name), scale=scale: real() + type(scale)(skew * scale))

import os
from ratelimit.ledger import Demand, HoldRequest, Taken
from tests.faults.test_ledger_processes import LEASE, MESSAGES, PLACE, TOKENS

if kind == "valkey":
    from ratelimit.ledgers.redis import opened
else:
    from ratelimit.ledgers.postgres import opened


async def hammer(ledger):
    demands = (Demand(charge=MESSAGES, cap=50), Demand(charge=TOKENS, cap=10**6), Demand(charge=PLACE, cap=10**6))

    async def one(task):
        name = f"{os.getpid()} {task}"
        hold = HoldRequest(hold_id=name, subject="ana", model="gpt-4", demands=demands, lease_us=LEASE)
        taken = await ledger.take(hold)
        return isinstance(taken, Taken) and await ledger.settle(name, {"tokens": 7})

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(task)) for task in range(100)]
    print(json.dumps(sum(task.result() for task in tasks)))


async def same_ids(ledger):
    demands = (Demand(charge=MESSAGES, cap=50), Demand(charge=TOKENS, cap=10**6), Demand(charge=PLACE, cap=10**6))

    async def one(number):
        hold = HoldRequest(hold_id=f"h{number}", subject="ana", model="gpt-4", demands=demands, lease_us=LEASE)
        taken = await ledger.take(hold)
        return taken.at_us, await ledger.settle(f"h{number}", {"tokens": 7})

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(40)]
    print(json.dumps([task.result() for task in tasks]))


async def hold_and_wait(ledger):
    demands = (Demand(charge=MESSAGES, cap=50), Demand(charge=TOKENS, cap=10**6), Demand(charge=PLACE, cap=8))
    for number in range(8):
        name = f"{os.getpid()} {number}"
        hold = HoldRequest(hold_id=name, subject="ana", model="gpt-4", demands=demands, lease_us=LEASE)
        await ledger.take(hold)
        if number < 3:
            await ledger.settle(name, {"tokens": 11})
        elif number < 5:
            await ledger.renew([name], {name: {"tokens": 20}}, lease_us=LEASE)
    print(json.dumps(5), flush=True)
    await asyncio.Event().wait()


async def main():
    async with opened(url) as ledger:
        await {"hammer": hammer, "hold": hold_and_wait, "same": same_ids}[work](ledger)


asyncio.run(main())
"""


@pytest.fixture(params=[valkey, postgres], ids=lambda opener: opener.__name__)
def opener(request: pytest.FixtureRequest) -> Opener:
    """Each shared ledger in turn."""
    kind: Opener = request.param
    return kind


def real_time() -> int:
    """Return the time of the machine, on which the servers run."""
    return time.time_ns() // 1_000


def start(opener: Opener, work: str, *, skew: float = 0.0) -> subprocess.Popen[bytes]:
    """Start a process that shares the ledger, with its own clock off by some seconds."""
    url = services.valkey() if opener is valkey else services.postgres()
    kind = "valkey" if opener is valkey else "postgres"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, kind, url, str(skew), work]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)


def answer(child: subprocess.Popen[bytes]) -> Any:
    """Return what a process prints."""
    assert child.stdout is not None
    return json.loads(child.stdout.readline())


async def counts(ledger: Ledger, charges: Sequence[Charge]) -> list[tuple[int, int]]:
    """Return what is used and held on each counter."""
    reading = await ledger.levels([Demand(charge=charge, cap=10**6) for charge in charges])
    return [(level.used, level.held) for level in reading.levels.values()]


@pytest.mark.parametrize("skew", [0.0, 3_600.0, -3_600.0])
async def test_two_processes_admit_what_one_would(opener: Opener, skew: float) -> None:
    """Two processes with 100 tasks each admit exactly 50 under a cap of 50, even if the clock of one is an hour off."""
    async with opener(real_time) as ledger:
        with start(opener, "hammer") as one, start(opener, "hammer", skew=skew) as other:
            admitted = answer(one) + answer(other)
        assert admitted == 50
        assert await counts(ledger, [MESSAGES, TOKENS, PLACE]) == [(50, 0), (350, 0), (0, 0)]


async def test_an_id_is_one_hold_for_all_processes(opener: Opener) -> None:
    """Two processes that take and settle the same ids at once hear the same outcomes, and charge each id once."""
    async with opener(real_time) as ledger:
        with start(opener, "same") as one, start(opener, "same") as other:
            ours, theirs = answer(one), answer(other)
        assert [at for at, _ in ours] == [at for at, _ in theirs]
        assert [settled + also for (_, settled), (_, also) in zip(ours, theirs, strict=True)] == [1] * 40
        assert await counts(ledger, [MESSAGES, TOKENS, PLACE]) == [(40, 0), (280, 0), (0, 0)]


async def test_a_killed_process_leaves_nothing_held(opener: Opener) -> None:
    """After the lease of a process that was killed, what it settled counts and, of the rest, only its progress."""
    ahead = 0
    async with opener(lambda: real_time() + ahead) as ledger:
        with start(opener, "hold") as child:
            held = answer(child)
            child.kill()
        assert child.returncode < 0
        assert await counts(ledger, [MESSAGES, TOKENS, PLACE]) == [(3, held), (33, held * 100), (0, held)]
        ahead = LEASE
        assert await counts(ledger, [MESSAGES, TOKENS, PLACE]) == [(3, 0), (33 + 2 * 20, 0), (0, 0)]
