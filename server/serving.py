"""Running the application: one uvicorn server that lets answers end before it goes."""

import asyncio
import gc
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from server.adapters import observer_logs
from server.app import application
from server.edge.hangups import Hangups
from server.edge.http_uvicorn import HttpProtocol
from server.edge.services import Services
from server.edge.wire_uvicorn import WireProtocol
from server.settings import Settings

LARGEST_FRAME: Final = 16 * 1024 * 1024
"""Bytes of a WebSocket frame above which the socket is closed."""

HANGUP_TICKS: Final = 50
"""Tenths of a second between two looks for connections that do not close."""

LEAVING_SECONDS: Final = 3.0
"""How long sockets may take to leave when their answers have been handed over."""


class Server(uvicorn.Server):
    """uvicorn, but for its end: it would close every socket at once, and answers are running on them."""

    def __init__(self, app: FastAPI, settings: Settings, *, ready: Callable[[str], None] | None = None) -> None:
        host, port = settings.listen
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                http=HttpProtocol,
                ws=WireProtocol,
                ws_max_size=LARGEST_FRAME,
                ws_per_message_deflate=False,
                ws_ping_interval=20.0,
                ws_ping_timeout=20.0,
                backlog=4096,
                lifespan="on",
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
                timeout_graceful_shutdown=5,
            )
        )
        self._app = app
        self._ready = ready
        self._hangups = Hangups()
        self._patience = settings.turns.drain.total_seconds()
        self.fell = False
        """Whether it ended because something failed that everything here needs."""

    @property
    def address(self) -> str:
        """Where it listens, once it does."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def on_tick(self, counter: int) -> bool:
        """Do what is done ten times a second, and now and then look for connections that do not close."""
        if self.lifespan.error_occurred:
            # What serves requests is closed. uvicorn would only log it, and go on answering that it is ready.
            self.fell = True
            return True
        if counter % HANGUP_TICKS == 0:
            connections: Iterable[Any] = self.server_state.connections
            self._hangups.look((one.transport for one in connections), asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started and self._ready is not None:
            self._ready(self.address)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what runs end or be handed over, then stop; a second Ctrl-C stops at once.

        What was handed over goes on at another node, or at the next start.
        """
        if self.fell:
            await super().shutdown(sockets)
            return
        services: Services = self._app.state.services
        async with asyncio.TaskGroup() as tasks:
            drains = {
                tasks.create_task(services.turns.drain(self._patience)),
                tasks.create_task(services.sockets.drain(self._patience + LEAVING_SECONDS)),
            }
            while drains:
                _, drains = await asyncio.wait(drains, timeout=0.1)
                if self.force_exit:
                    for drain in drains:
                        drain.cancel()
        await super().shutdown(sockets)
        if self.force_exit:
            # uvicorn leaves both out, and what was let go of could not be adopted before its lease ends.
            for request in list(self.server_state.tasks):
                request.cancel()
            await self.lifespan.shutdown()


def serve(settings: Settings, *, ready: Callable[[str], None]) -> None:
    """Run until a signal says stop; `ready` is called with the address when requests are accepted.

    Raises `SystemExit` if it ended for another reason, for a supervisor to start it again.
    """
    observer_logs.configure()

    def settled(address: str) -> None:
        # What was made until now stays; the collector need not look at it again with every thousand small values.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        ready(address)

    server = Server(application(settings), settings, ready=settled)
    server.run()
    if server.fell:
        raise SystemExit(1)
