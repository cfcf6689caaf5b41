"""Measure the streams of one server: `python bench/streams.py [resume followers lanes delay slow memory]`.

    resume      the server's CPU for showing a finished answer of 10,000 deltas again, whole and from its middle
    followers   the CPU of 1,000 followers of one answer, each on a socket of its own, against a server that only
                encodes the same frames once and sends them
    lanes       the same of 1,008 followers in the lanes of 63 sockets
    delay       how late deltas are at 200 paced streams (20 ms each) on one core, each on disk before it is shown
    slow        what a client that reads a byte a second does to 200 paced streams beside it, and what becomes of it
    memory      what an idle socket and a running answer take

Needs what `bench/run.py` needs; `docs/performance.md` says how to read it.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import websockets
from relay import prepared
from relay.contestants import SERVER_CORE, free_port, mock, parley, running
from relay.load import Door, LoadFailed, measure
from slow_reader import SlowReader

ROUNDS = 3
PACE = 0.1
"""Seconds between the deltas that followers are sent."""

EXTENDED = "/v1/responses?extensions=parley"
LONG, PACED, FOLLOWED = "mock-t10000-d0", "mock-t150-d20", "mock-t200-d100"


def cpu(pid: int) -> float:
    """Return the seconds of CPU that the process has used."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def connect(door: Door, path: str = EXTENDED, **more: Any) -> websockets.connect:
    """Return a connection of the first user."""
    key = door.keys.read_text().split()[0] if door.keys else ""
    headers = {"authorization": f"Bearer {key}"}
    return websockets.connect(
        f"ws://127.0.0.1:{door.port}{path}", additional_headers=headers, compression=None, max_size=None, **more
    )


async def send(socket: websockets.ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": kind, **fields}))


async def until_end(socket: websockets.ClientConnection, ends: int = 1) -> tuple[str, int]:
    """Read to the end of so many answers; return the id of the last one and how many frames came."""
    count, response_id = 0, ""
    async for text in socket:
        if '"parley:' in text[:20]:
            continue
        count += 1
        if text.startswith(('{"type":"response.completed"', '{"type":"response.created"')):
            response_id = json.loads(text)["response"]["id"]
            ends -= text.startswith('{"type":"response.completed"')
        if not ends:
            break
    return response_id, count


async def resume(door: Door, _: Door) -> None:
    async with connect(door) as socket:
        await send(socket, "response.create", model=LONG, input="hi")
        response_id, _count = await until_end(socket)
        for name, after in (("whole", {}), ("from the middle", {"starting_after": 5_000})):
            began, frames = cpu(door.pid), 0
            for _ in range(300):
                await send(socket, "parley:resume", response_id=response_id, **after)
                frames += (await until_end(socket))[1]
            row(f"resume, {name}", f"{(cpu(door.pid) - began) / 300 * 1000:.2f} ms of CPU, {frames / 300:g} frames")


async def followed(door: Door, sockets: int, lanes: int) -> float:
    """Return the CPU microseconds per follower and frame, all followers in the lanes of one user's sockets."""
    async with AsyncExitStack() as stack:
        connected = [await stack.enter_async_context(connect(door)) for _ in range(sockets)]
        asking = await stack.enter_async_context(connect(door))
        await send(asking, "response.create", model=FOLLOWED, input="hi")
        created = json.loads(await asking.recv())
        for one in connected:
            for lane in range(lanes):
                await send(one, "parley:resume", response_id=created["response"]["id"], stream_id=f"f{lane}")
        async with asyncio.TaskGroup() as tasks:
            readers = [tasks.create_task(until_end(one, lanes)) for one in connected]
            await asyncio.sleep(5)  # by now all of them follow
            used = await used_in(door.pid, 8)
        frames = sum(reader.result()[1] for reader in readers)
    figure = used / (sockets * lanes * 8 / PACE) * 1e6
    row("followers", f"{figure:.2f} us for each follower and delta; {frames:,} frames came in all")
    return figure


async def sent_only(sockets: int, lanes: int) -> float:
    """Return the same for a server that does nothing but encode the frames once and send them."""
    port = free_port()
    script = Path(__file__).with_name("followers_floor.py")
    command = [sys.executable, script, *map(str, (port, sockets, lanes, PACE))]
    with running(command, port, core=SERVER_CORE, log=prepared.OUT / "followers-floor.log", cwd=Path.cwd()) as pid:
        door = Door(port=port, mode="ws", path="/", pid=pid)
        async with AsyncExitStack() as stack:
            connected = [await stack.enter_async_context(connect(door, "/")) for _ in range(sockets)]
            async with asyncio.TaskGroup() as tasks:
                readers = [tasks.create_task(drained(one)) for one in connected]
                await asyncio.sleep(1)
                used = await used_in(pid, 8)
                for reader in readers:
                    reader.cancel()
    figure = used / (sockets * lanes * 8 / PACE) * 1e6
    row("encoding and sending", f"{figure:.2f} us for each follower and delta")
    return figure


async def used_in(pid: int, seconds: int) -> float:
    """Return the CPU that the process uses in what should be so many seconds, and made so if they were more."""
    began, at = cpu(pid), time.monotonic()
    await asyncio.sleep(seconds)
    return (cpu(pid) - began) * seconds / (time.monotonic() - at)


async def drained(socket: websockets.ClientConnection) -> None:
    async for _ in socket:
        pass


async def followers(door: Door, _: Door) -> None:
    await against_floor(door, 1_000, 1)


async def lanes(door: Door, _: Door) -> None:
    await against_floor(door, 63, 16)


async def against_floor(door: Door, sockets: int, of_each: int) -> None:
    ratios = [await followed(door, sockets, of_each) / await sent_only(sockets, of_each) for _ in range(ROUNDS)]
    row("followers / encoding and sending", f"{median(ratios):.2f} (of {', '.join(f'{one:.2f}' for one in ratios)})")


def late(door: Door) -> Mapping[str, float]:
    """Return the percentiles of lateness of 200 paced streams, in milliseconds."""
    got = measure(door, PACED, 200, "--n", 200, "--ramp", 1, "--step", 20, "--timeout", 60)
    if got["err"] or got["bad"]:
        raise LoadFailed(f"{got['err']} failed, {got['bad']} wrong transcripts: {got['first_error']}")
    figures: Mapping[str, float] = got["late_ms"]
    return figures


async def delay(door: Door, direct: Door) -> None:
    for _ in range(ROUNDS):
        straight, through = await asyncio.to_thread(late, direct), await asyncio.to_thread(late, door)
        row("delay, the upstream itself", f"p50 {straight['p50']:.1f} ms, p99 {straight['p99']:.1f} ms")
        row("delay, parley", f"p50 {through['p50']:.1f} ms, p99 {through['p99']:.1f} ms")


async def slow(door: Door, _: Door) -> None:
    alone, beside = [], []
    for _round in range(ROUNDS):
        alone.append((await asyncio.to_thread(late, door))["p99"])
        async with SlowReader(door, LONG) as reader:
            beside.append((await asyncio.to_thread(late, door))["p99"])
            if _round == ROUNDS - 1:
                row("slow reader", await reader.fate(120))
    change = median(beside) / median(alone) - 1
    row("200 streams", f"p99 {median(alone):.1f} ms alone, {median(beside):.1f} ms beside it: {change:+.0%}")


async def memory(door: Door, _: Door) -> None:
    got = await asyncio.to_thread(measure, door, PACED, 2_000, "--n", 1, "--settle", 1.5, mode="idle")
    row("an idle socket", f"{got['kb_per_conn']:.1f} kB")
    process = psutil.Process(door.pid)
    await asyncio.to_thread(late, door)
    before = process.memory_info().rss
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asyncio.to_thread(late, door))
        await asyncio.sleep(3)
        row("a running answer and its socket", f"{(process.memory_info().rss - before) / 200 / 1000:.1f} kB")


PARTS: Mapping[str, Callable[[Door, Door], Coroutine[Any, Any, None]]] = {
    "resume": resume,
    "followers": followers,
    "lanes": lanes,
    "delay": delay,
    "slow": slow,
    "memory": memory,
}


def row(what: str, figure: str) -> None:
    print(f"{what:<36} {figure}", flush=True)


@contextmanager
def doors() -> Iterator[tuple[Door, Door]]:
    prepared.build()
    with mock() as direct, parley("parley", mode="ws").start(direct.port) as door:
        yield door, direct


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure; all of it by default")
    for name in parser.parse_args().parts or PARTS:
        with doors() as (door, direct):
            asyncio.run(PARTS[name](door, direct))


if __name__ == "__main__":
    main()
