"""Several nodes as real processes: `parley serve` on one PostgreSQL, one Valkey and one provider of answers.

    async with nodes(tmp_path, 2) as house:
        key = await house.key()
        first, second = house
        async with first.socket("/v1/responses", key) as socket: ...
        await second.kill()        # also pause, go_on, stop (SIGTERM) and start again at the same address

The database is a fresh one of `services.postgres()` and the Valkey an emptied database number of `services.valkey()`,
unless others are given; `house.provider` answers for every node, counts its calls and can be held (`Provider.hold`).
`house.rows` asks the database. `house.ended` waits until no turn runs any more. At the end every process is killed and
the database dropped. Logs are in `<folder>/<name>/server.log`, and `house.faults` lists their lines that say errors.
Needs the marker `services`.
"""

import asyncio
import itertools
import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import redis
import websockets
import yaml

from server.core.records import Role
from server.settings import Settings, load
from tests import processes, services
from tests.databases import empty_postgres
from tests.harness import House
from tests.provider import Provider, provider

LEASE = 3
"""Seconds of the nodes' leases, short so that adoption is soon."""

_numbers = itertools.cycle(range(1, 16))

CONFIG: dict[str, Any] = {
    "turns": {"lease": f"{LEASE}s"},
    "caps": {"lease": f"{LEASE}s"},
    "models": {
        "continuing": {"upstream": "mock", "id": "t60-d20", "context": 8000, "prefill": True},
        "breaking": {"upstream": "mock", "id": "t60-d20", "context": 8000},
        "quick": {"upstream": "mock", "id": "t4", "context": 8000},
    },
    "default_model": "quick",
    "groups": {"all": ["continuing", "breaking", "quick"]},
    "tiers": {
        "plus": {"all": "100000 messages / 3h", "tokens": "90M / 24h", "at_once": 1000},
        "one": {"all": "1 message / 3h"},
    },
    "default_tier": "plus",
}


class Node:
    """One process, which may be ended and started again; its address stays."""

    def __init__(self, name: str, config: Path, port: int) -> None:
        self.name = name
        self.config = config
        self.address = f"http://127.0.0.1:{port}"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it accepts requests."""
        self.process = await processes.begun(self.config)
        await processes.ready(self.config, self.process)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    async def kill(self) -> None:
        """End it as a loss of power does."""
        if self.process is not None:
            await processes.killed(self.process)

    def pause(self) -> None:
        """Let it do nothing until it may go on."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a paused node run again."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to end; `gone` waits until it has."""
        self._signal(signal.SIGTERM)

    async def gone(self, seconds: float = 60.0) -> int:
        """Return its exit code, once it has ended."""
        assert self.process
        return await asyncio.wait_for(self.process.wait(), seconds)

    def http(self, key: str) -> httpx.AsyncClient:
        """Return a client of the HTTP doors."""
        return httpx.AsyncClient(base_url=self.address, headers={"authorization": f"Bearer {key}"}, timeout=30)

    def socket(self, path: str, key: str, **more: Any) -> websockets.connect:
        """Return a connection to a WebSocket door, to be entered."""
        headers = {"authorization": f"Bearer {key}"}
        url = self.address.replace("http", "ws") + path
        return websockets.connect(url, additional_headers=headers, compression=None, **more)

    @property
    def log(self) -> list[dict[str, Any]]:
        """What it logged, in all its lives."""
        lines = processes.log_of(self.config).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


class Nodes(Sequence[Node]):
    """All nodes, by number."""

    def __init__(self, members: Sequence[Node], *, settings: Settings, provider: Provider) -> None:
        self._members = members
        self.settings = settings
        """Those of the first node; but for where it listens, they are those of all."""
        self.provider = provider

    def __getitem__(self, number: Any) -> Any:
        return self._members[number]

    def __iter__(self) -> Iterator[Node]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    async def key(self, user: str = "ana", tier: str = "plus", role: Role = Role.USER) -> str:
        """Make a key, as an operator does."""
        return await House.key_in(self.settings, user, tier, role)

    async def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Return what the database has."""
        connection = await asyncpg.connect(self.settings.database)
        try:
            return [dict(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()

    async def ended(self, seconds: float = 30.0) -> None:
        """Wait until every turn that was accepted has ended."""
        async with asyncio.timeout(seconds):
            while await self.rows("SELECT id FROM turns WHERE ended_at IS NULL"):  # noqa: ASYNC110  other processes
                await asyncio.sleep(0.05)

    def valkey(self) -> redis.Redis:
        """Return a client of the nodes' Valkey, to be closed."""
        return redis.Redis.from_url(self.settings.cluster.replace("valkey", "redis", 1))

    @property
    def faults(self) -> list[dict[str, Any]]:
        """What any node logged as an error."""
        return [line for node in self for line in node.log if line.get("level") in {"error", "critical"}]


@asynccontextmanager
async def nodes(
    folder: Path,
    count: int = 2,
    changes: Mapping[str, Any] | None = None,
    *,
    database: str | None = None,
    cluster: str | None = None,
) -> AsyncIterator[Nodes]:
    """Run `count` nodes for the time of the context; `changes` are made to their configuration."""
    async with AsyncExitStack() as stack:
        answering = await stack.enter_async_context(provider())
        common: dict[str, Any] = {
            "database": database or await stack.enter_async_context(empty_postgres()),
            "cluster": cluster or emptied_valkey(),
            "upstreams": {"mock": {"base_url": answering.url, "api_key": "x"}},
        }
        members = [_node(folder / f"node-{number}", CONFIG | common | dict(changes or {})) for number in range(count)]
        async with asyncio.TaskGroup() as starting:
            for node in members:
                stack.push_async_callback(node.kill)
                starting.create_task(node.start())
        yield Nodes(members, settings=load(members[0].config, {}), provider=answering)


def _node(folder: Path, config: Mapping[str, Any]) -> Node:
    folder.mkdir()
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        port = unused.getsockname()[1]
    file = folder / "parley.yaml"
    file.write_text(yaml.safe_dump({**config, "listen": f"127.0.0.1:{port}", "data": str(folder / "data")}))
    return Node(folder.name, file, port)


def emptied_valkey() -> str:
    """Return the address of a Valkey without a key."""
    address = f"{services.valkey().rstrip('/').removesuffix('/0')}/{next(_numbers)}"
    with redis.Redis.from_url(address) as client:
        client.flushdb()
    return address.replace("redis://", "valkey://", 1)
