"""The server as a process of its own, for tests that kill it."""

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


@asynccontextmanager
async def served(config: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Run `parley serve`; yield its address and the process. What it logs lands beside the configuration."""
    process = await begun(config)
    try:
        yield await ready(config, process), process
    finally:
        await killed(process)


async def begun(config: Path) -> asyncio.subprocess.Process:
    """Start `parley serve`. What it logs is added to `server.log` beside the configuration."""
    with log_of(config).open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", "serve", "--config", str(config), stdout=asyncio.subprocess.PIPE, stderr=log
        )


async def ready(config: Path, process: asyncio.subprocess.Process) -> str:
    """Return the server's address, once it accepts requests."""
    assert process.stdout
    while True:
        line = (await asyncio.wait_for(process.stdout.readline(), 150)).decode()
        assert line, "the server ended before it was ready: " + log_of(config).read_text()
        if found := re.search(r"http://[\d.]+:\d+", line):
            return found[0]


async def killed(process: asyncio.subprocess.Process) -> None:
    """End the process as a loss of power does, if it has not ended."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    await process.wait()


def log_of(config: Path) -> Path:
    """Return the file that has what the server of this configuration logged."""
    return config.with_name("server.log")


def free_port() -> int:
    """Return a port that nobody listens on now, for a server that is to come back at the same address."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
    return port
