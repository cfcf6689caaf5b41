"""A whole server for a test: real sockets, a real database, an upstream that answers by script, a clock that obeys."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import websockets
import yaml

from server import admitting
from server.adapters.clock_system import SystemClock
from server.adapters.script import Script
from server.adapters.upstream_scripted import ScriptedUpstream
from server.app import Parts, application
from server.cli.setup import stores
from server.core.records import Role
from server.serving import Server
from server.settings import Settings, load

CONFIG: dict[str, Any] = {
    "listen": "127.0.0.1:0",
    "upstreams": {"mock": {"scripted": True}},
    "models": {
        "gpt-4": {"upstream": "mock", "id": "t40", "context": 8000, "prefill": True},
        "gpt-4-mini": {"upstream": "mock", "id": "t8", "context": 8000},
        "slow": {"upstream": "mock", "id": "t400-d20", "context": 8000},
        "stalled": {"upstream": "mock", "id": "t40-stall-at10", "context": 8000},
        "dropped": {"upstream": "mock", "id": "t40-drop-at10", "context": 8000},
        "broken": {"upstream": "mock", "id": "err500", "context": 8000},
        "echo": {"upstream": "mock", "id": "echo", "context": 8000},
        "free": {"upstream": "mock", "id": "free", "context": 8000},
    },
    "default_model": "gpt-4-mini",
    "groups": {"standard": ["gpt-4-mini", "echo", "free"], "faulty": ["slow", "stalled", "dropped", "broken"]},
    "tiers": {
        "free": {"standard": "3 messages / 3h", "at_once": 1},
        "plus": {
            "gpt-4": "50 messages / 3h",
            "standard": "unlimited",
            "faulty": "unlimited",
            "when_capped": "use standard",
        },
        "strict": {"gpt-4": "2 messages / 3h", "at_once": 2},
    },
    "default_tier": "free",
}


class FakeClock:
    """The time of day, moved by hand; the time that only rises is the machine's."""

    def __init__(self, now: int = 1_700_000_000_000_000) -> None:
        self.at = now

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return SystemClock().monotonic()


@dataclass(slots=True)
class House:
    """One running server."""

    address: str
    settings: Settings
    upstream: ScriptedUpstream
    scripts: dict[str, Script]
    """What the upstream says for the model id `free`, and any other that is put here."""
    server: Server

    async def key(self, user: str = "ana", tier: str | None = "plus", role: Role = Role.USER, **more: Any) -> str:
        """Make a key, as an operator would beside the running server."""
        return await self.key_in(self.settings, user, tier, role, **more)

    @staticmethod
    async def key_in(
        settings: Settings, user: str = "ana", tier: str | None = "plus", role: Role = Role.USER, **more: Any
    ) -> str:
        """Make a key in the database of these settings."""
        async with stores(settings) as opened:
            secret, _ = await opened.accounts.create_key(
                user=user,
                tier=tier,
                default_tier=settings.default_tier,
                role=role,
                expires_at=more.get("expires_at"),
                now=more.get("now", SystemClock().now()),
            )
        return secret

    async def code(self, user: str = "ana", tier: str | None = "plus", role: Role = Role.USER) -> str:
        """Make the code of a link that signs a browser in."""
        return await self.code_in(self.settings, user, tier, role)

    @staticmethod
    async def code_in(settings: Settings, user: str = "ana", tier: str | None = "plus", role: Role = Role.USER) -> str:
        """Make such a code in the database of these settings."""
        async with admitting.opened(settings) as signing_in:
            return await signing_in.code(user, role=role, by="cli", tier=tier)

    def http(self, key: str | None) -> httpx.AsyncClient:
        """Return a client of the HTTP doors."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.AsyncClient(base_url=self.address, headers=headers, timeout=30)

    def socket(self, path: str, key: str | None, **more: Any) -> websockets.connect:
        """Return a connection to a WebSocket door, to be entered."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return websockets.connect(
            self.address.replace("http", "ws") + path, additional_headers=headers, compression=None, **more
        )


def settings_in(folder: Path, changes: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of a test house whose data is in `folder`."""
    file = folder / "parley.yaml"
    file.write_text(yaml.safe_dump(CONFIG | {"data": str(folder / "data")} | dict(changes or {})))
    return load(file, {})


@asynccontextmanager
async def house(
    folder: Path,
    changes: Mapping[str, Any] | None = None,
    *,
    clock: FakeClock | None = None,
    real_upstreams: bool = False,
) -> AsyncIterator[House]:
    """Run a server in this event loop for the time of the context."""
    settings = settings_in(folder, changes)
    scripts: dict[str, Script] = {}
    upstream = ScriptedUpstream(scripts=scripts)
    parts = Parts(clock=clock, upstreams=None if real_upstreams else {"mock": upstream})
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = Server(application(settings, parts), settings, ready=started.set_result)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve())
        serving.add_done_callback(lambda _: started.done() or started.cancel())
        try:
            yield House(await started, settings, upstream, scripts, server)
        finally:
            server.should_exit = True
            # Waited for here, because a test that fails would make the group cancel it in the middle of its work.
            await serving
