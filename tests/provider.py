"""A provider of answers that several nodes share: chat completions over HTTP, by scripts."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from server.adapters.script import after, parse

WHOLE = "".join(f" {index:04d}" for index in range(60))
"""What the model id `t60-d20` says."""


@dataclass
class Provider:
    """Answers by the program in the model's id, as `server.adapters.script` reads it, and remembers what it was asked.

    It continues a trailing assistant message byte for byte.
    """

    url: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    """The bodies of all calls, oldest first."""
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    """Set from the first answer on."""
    open: int = 0
    """How many answers are running."""
    aborted: int = 0
    """How many were left before they had ended."""
    produced: int = 0
    """Chunks of all answers so far."""
    gates: dict[str, tuple[int, asyncio.Event]] = field(default_factory=dict)

    def hold(self, model: str, chunks: int) -> asyncio.Event:
        """Let answers of this model id wait when they are `chunks` long, until the event that is returned is set."""
        gate = asyncio.Event()
        self.gates[model] = chunks, gate
        return gate

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        body = await request.json()
        self.calls.append(body)
        self.open += 1
        self.answering.set()
        try:
            return await self._complete(request, body)
        except (asyncio.CancelledError, ConnectionError):
            self.aborted += 1
            raise
        finally:
            self.open -= 1

    async def _complete(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        script = parse(body["model"])
        if script.status is not None:
            return web.json_response({"error": {"message": "no"}}, status=script.status)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        last = body["messages"][-1]
        whole = tuple(script.chunks or ())
        chunks = after(whole, last["content"]) if last["role"] == "assistant" else whole
        held_at, gate = self.gates.get(body["model"], (0, None))
        for number, chunk in enumerate(chunks, len(whole) - len(chunks)):
            if gate is not None and number == held_at:
                await gate.wait()
            await asyncio.sleep(script.delay)
            await response.write(_event({"index": 0, "delta": {"content": chunk}, "finish_reason": None}))
            self.produced += 1
        await response.write(_event({"index": 0, "delta": {}, "finish_reason": "stop"}))
        usage = {"prompt_tokens": 7, "completion_tokens": len(chunks), "total_tokens": 7 + len(chunks)}
        await response.write(_data({"choices": [], "usage": usage}) + b"data: [DONE]\n\n")
        return response


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """Run a provider on loopback, in this event loop, for the time of the context."""
    one = Provider()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", one.complete)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield one
    finally:
        await runner.cleanup()


def _event(choice: dict[str, Any]) -> bytes:
    return _data({"choices": [choice]})


def _data(more: dict[str, Any]) -> bytes:
    fields = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps(fields | more).encode() + b"\n\n"
