"""Hints between processes, on every backend."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import redis

from server.adapters.wakeups_memory import MemoryWakeups
from server.adapters.wakeups_redis import RedisWakeups
from server.core.ports import Happened, Wakeups


class Silent:
    def saw(self, happened: Happened) -> None:
        pass


@asynccontextmanager
async def memory() -> AsyncIterator[tuple[Wakeups, Wakeups]]:
    one = MemoryWakeups()
    yield one, one


@asynccontextmanager
async def valkey() -> AsyncIterator[tuple[Wakeups, Wakeups]]:
    from tests import services

    async with AsyncExitStack() as stack:
        nodes = [RedisWakeups(services.valkey(), node=name, observer=Silent()) for name in (b"node-001", b"node-002")]
        for node in nodes:
            await stack.enter_async_context(node)
        yield nodes[0], nodes[1]


@pytest.fixture(params=[memory, pytest.param(valkey, marks=pytest.mark.services)], ids=["memory", "valkey"])
async def nodes(request: Any) -> AsyncIterator[tuple[Wakeups, Wakeups]]:
    """Two processes that can tell each other."""
    make: Callable[[], Any] = request.param
    async with make() as pair:
        yield pair


async def said_until(heard: asyncio.Queue[bytes], say: Callable[[], None], wanted: bytes) -> None:
    """Say something again and again, as hints may be lost, until it is heard."""
    async with asyncio.timeout(10):
        while True:
            say()
            try:
                async with asyncio.timeout(0.05):
                    while await heard.get() != wanted:
                        pass
                    return
            except TimeoutError:
                continue


async def test_a_hint_reaches_the_other_process(nodes: tuple[Wakeups, Wakeups]) -> None:
    """Who listens to a topic hears what any process publishes there, whatever bytes it is."""
    one, other = nodes
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    other.subscribe("turn:a", heard.put_nowait)
    await said_until(heard, lambda: one.publish("turn:a", b"\x00\xff"), b"\x00\xff")


async def test_a_process_hears_itself_once(nodes: tuple[Wakeups, Wakeups]) -> None:
    """A hint to one's own topic comes once, and before one that another process sends after it."""
    one, other = nodes
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    one.subscribe("t", heard.put_nowait)
    await said_until(heard, lambda: other.publish("t", b"joined"), b"joined")
    while not heard.empty():
        heard.get_nowait()
    one.publish("t", b"mine")
    async with asyncio.timeout(5):
        hints = [await heard.get()]
        other.publish("t", b"fence")
        while hints[-1] != b"fence":
            hints.append(await heard.get())
    assert hints.count(b"mine") == 1


async def test_topics_are_apart(nodes: tuple[Wakeups, Wakeups]) -> None:
    """A hint reaches the listeners of its topic only, each of them."""
    one, other = nodes
    first: asyncio.Queue[bytes] = asyncio.Queue()
    second: asyncio.Queue[bytes] = asyncio.Queue()
    elsewhere: asyncio.Queue[bytes] = asyncio.Queue()
    other.subscribe("a", first.put_nowait)
    other.subscribe("a", second.put_nowait)
    other.subscribe("ab", elsewhere.put_nowait)
    await said_until(elsewhere, lambda: one.publish("ab", b"x"), b"x")
    await said_until(first, lambda: one.publish("a", b"y"), b"y")
    async with asyncio.timeout(5):
        assert await second.get() == b"y"
    assert b"y" not in [elsewhere.get_nowait() for _ in range(elsewhere.qsize())]


async def test_who_has_left_hears_nothing(nodes: tuple[Wakeups, Wakeups]) -> None:
    """After leaving, twice if need be, a listener is not called; the others of its topic still are."""
    one, other = nodes
    stays: asyncio.Queue[bytes] = asyncio.Queue()
    leaves: asyncio.Queue[bytes] = asyncio.Queue()
    other.subscribe("a", stays.put_nowait)
    leave = other.subscribe("a", leaves.put_nowait)
    await said_until(leaves, lambda: one.publish("a", b"x"), b"x")
    leave()
    leave()
    while not leaves.empty():
        leaves.get_nowait()
    await said_until(stays, lambda: one.publish("a", b"y"), b"y")
    assert b"y" not in [leaves.get_nowait() for _ in range(leaves.qsize())]


@pytest.mark.services
async def test_a_lost_connection_is_made_again() -> None:
    """After the server has dropped every connection, hints flow again by themselves."""
    from tests import services

    async with valkey() as (one, other):
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        other.subscribe("a", heard.put_nowait)
        await said_until(heard, lambda: one.publish("a", b"x"), b"x")
        with redis.Redis.from_url(services.valkey()) as client:
            for kind in ("normal", "pubsub"):
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        await said_until(heard, lambda: one.publish("a", b"y"), b"y")


@pytest.mark.services
async def test_a_server_that_comes_back_finds_both_tasks_waiting() -> None:
    """Subscriptions that are wanted while the server is away are made when it is back, and nothing else fails."""
    from tests import services

    async def hardly(_: float) -> None:
        await asyncio.sleep(0.001)

    server = services.StoppingValkey()
    try:
        async with AsyncExitStack() as stack:
            one, other = [
                await stack.enter_async_context(RedisWakeups(server.url, node=name, observer=Silent(), sleep=hardly))
                for name in (b"node-001", b"node-002")
            ]
            for number in range(8):
                heard: asyncio.Queue[bytes] = asyncio.Queue()
                other.subscribe(f"before-{number}", heard.put_nowait)
                await said_until(heard, lambda topic=f"before-{number}": one.publish(topic, b"x"), b"x")  # type: ignore[misc]
                await asyncio.to_thread(server.kill)
                other.subscribe(f"meanwhile-{number}", heard.put_nowait)
                await asyncio.to_thread(server.start)
                await said_until(heard, lambda topic=f"meanwhile-{number}": one.publish(topic, b"y"), b"y")  # type: ignore[misc]
    finally:
        server.stop()


@pytest.mark.services
async def test_what_came_and_went_while_the_server_was_away_is_not_told() -> None:
    """Turns begin and end by the thousand in an outage; a new subscription does not wait behind them."""
    from tests import services

    server = services.StoppingValkey()
    try:
        async with (
            RedisWakeups(server.url, node=b"node-001", observer=Silent()) as one,
            RedisWakeups(server.url, node=b"node-002", observer=Silent()) as other,
        ):
            heard: asyncio.Queue[bytes] = asyncio.Queue()
            other.subscribe("before", heard.put_nowait)
            await said_until(heard, lambda: one.publish("before", b"x"), b"x")
            await asyncio.to_thread(server.kill)
            for number in range(2_000):
                other.subscribe(f"turn-{number}", heard.put_nowait)()
                if number % 100 == 0:
                    await asyncio.sleep(0)
            other.subscribe("after", heard.put_nowait)
            await asyncio.to_thread(server.start)
            await said_until(heard, lambda: one.publish("after", b"y"), b"y")
            with redis.Redis.from_url(server.url) as client:
                stats = client.info("commandstats")
        assert sum(stats[name]["calls"] for name in ("cmdstat_subscribe", "cmdstat_unsubscribe") if name in stats) < 50
    finally:
        server.stop()
