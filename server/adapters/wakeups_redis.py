"""Hints between nodes, over publish and subscribe of Valkey or Redis."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports`

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from server.adapters.wakeups_memory import MemoryWakeups
from server.core.happenings import Happening
from server.core.ports import Happened, Observer

PREFIX: Final = b"parley:"

WAITING: Final = 10_000
"""Hints that may wait for the server; the oldest are dropped, as hints may be."""

AT_ONCE: Final = 500

PAUSE: Final = 0.5
"""Seconds before a lost connection is tried again."""

PATIENCE: Final = 5.0
"""Seconds that a connection, or an answer to a command, may take."""

_FAILURES: Final = (RedisError, OSError, asyncio.IncompleteReadError)


class RedisWakeups:
    """Reaches listeners of its own process directly, so that these do without the server. An async context manager.

    `node` tells this process from others: 8 bytes.
    """

    def __init__(
        self,
        url: str,
        *,
        node: bytes,
        observer: Observer,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        # Trying again is ours: the library would, in each task for itself, over the connection that they share.
        self._redis: Redis = Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0, supported_errors=()),
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
        )
        self._connecting = asyncio.Lock()
        self._node = node
        self._observer = observer
        self._sleep = sleep
        self._here = MemoryWakeups()
        self._listeners: dict[str, int] = {}
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=WAITING)
        self._changed: dict[str, None] = {}
        """Topics that have come or gone here since the server was told."""
        self._told: set[str] = set()
        """Topics that the server sends."""
        self._work = asyncio.Event()
        self._closed = False
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._stack.push_async_callback(self._redis.aclose)
        self._pubsub: PubSub = self._redis.pubsub(ignore_subscribe_messages=True)
        self._stack.push_async_callback(self._pubsub.aclose)
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        for work in (self._write(), self._listen()):
            self._stack.callback(tasks.create_task(work).cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        # The library may take a cancellation for a failure of the connection and swallow it.
        self._closed = True
        await self._stack.__aexit__(kind, exc, tb)

    def publish(self, topic: str, hint: bytes) -> None:
        self._here.publish(topic, hint)
        self._waiting.append((topic, hint))
        self._work.set()

    def heard(self, topic: str) -> bool:  # noqa: ARG002  other nodes may listen to anything
        return True

    def subscribe(self, topic: str, hear: Callable[[bytes], None]) -> Callable[[], None]:
        leave_here = self._here.subscribe(topic, hear)
        self._listeners[topic] = self._listeners.get(topic, 0) + 1
        if self._listeners[topic] == 1:
            self._change(topic)
        left = False

        def leave() -> None:
            nonlocal left
            if left:
                return
            left = True
            leave_here()
            self._listeners[topic] -= 1
            if not self._listeners[topic]:
                del self._listeners[topic]
                self._change(topic)

        return leave

    def _change(self, topic: str) -> None:
        # While the server is away many come and go, of which it need not hear.
        if (topic in self._listeners) != (topic in self._told):
            self._changed[topic] = None
        else:
            self._changed.pop(topic, None)
        self._work.set()

    async def _write(self) -> None:
        """Send what waits: changes of subscriptions, then hints, many in one trip."""
        while not self._closed:
            await self._work.wait()
            self._work.clear()
            try:
                while self._changed:
                    await self._connect()
                    await self._tell_changes()
                while self._waiting:
                    await self._send()
            except _FAILURES as failed:
                self._observer.saw(Happened(name=Happening.WAKEUPS_FAILED, labels={"error": repr(failed)}))
                await self._sleep(PAUSE)
                self._work.set()

    async def _tell_changes(self) -> None:
        """Subscribe to what is listened to here, and to nothing else."""
        changed = list(self._changed)[:AT_ONCE]
        wanted = [topic for topic in changed if topic in self._listeners]
        left = [topic for topic in changed if topic not in self._listeners]
        if wanted:
            await self._pubsub.subscribe(*(PREFIX + topic.encode() for topic in wanted))
        if left:
            await self._pubsub.unsubscribe(*(PREFIX + topic.encode() for topic in left))
        self._told.update(wanted)
        self._told.difference_update(left)
        for topic in changed:
            self._changed.pop(topic, None)
            # It may have come or gone again meanwhile.
            self._change(topic)

    async def _connect(self) -> None:
        """See that there is a connection, with all its subscriptions, which the library makes again.

        One task at a time: another one would read the answers to what this one says first on it.
        """
        async with self._connecting:
            await self._pubsub.connect()  # type: ignore[no-untyped-call]

    async def _disconnect(self) -> None:
        async with self._connecting:
            if self._pubsub.connection is not None:
                await self._pubsub.connection.disconnect(nowait=True)

    async def _send(self) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for topic, hint in [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]:
            pipeline.publish(PREFIX + topic.encode(), self._node + hint)
        await pipeline.execute()

    async def _listen(self) -> None:
        """Pass on what other nodes publish."""
        while not self._closed:
            try:
                if not self._pubsub.subscribed:
                    await self._sleep(0.02)
                    continue
                await self._connect()
                message = await self._pubsub.get_message(timeout=None)
            except _FAILURES as failed:
                self._observer.saw(Happened(name=Happening.WAKEUPS_FAILED, labels={"error": repr(failed)}))
                await self._disconnect()
                await self._sleep(PAUSE)
                continue
            if message is None or message["type"] != "message":
                continue
            node, hint = message["data"][: len(self._node)], message["data"][len(self._node) :]
            if node != self._node:
                self._here.publish(message["channel"].removeprefix(PREFIX).decode(), hint)
