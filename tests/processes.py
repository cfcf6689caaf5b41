"""The server as a process of its own, for tests that kill it."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


@asynccontextmanager
async def served(config: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Run `parley serve`; yield its address and the process. What it logs lands beside the configuration."""
    with config.with_name("server.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", "serve", "--config", str(config), stdout=asyncio.subprocess.PIPE, stderr=log
        )
    assert process.stdout
    try:
        while True:
            line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
            assert line, "the server ended before it was ready: " + config.with_name("server.log").read_text()
            if found := re.search(r"http://[\d.]+:\d+", line):
                break
        yield found[0], process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()
