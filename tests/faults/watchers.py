"""Three devices that see one answer, each in its own way, whatever becomes of their connections."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from client import AnswerFailedError, Completed, Created, Delta, Event, Parley, Position, RefusedError

AGAIN = frozenset({"storage_unavailable", "caps_unavailable", "draining", "server_overloaded"})
"""Refusals that say nothing against the request: nothing was stored or charged, and it may be sent again."""

_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


@dataclass
class Seen:
    """What one device was shown of an answer."""

    text: str = ""
    ended: str | None = None
    longest_silence: float = 0.0
    heard_again_at: float = 0.0
    """When it ended, of the monotonic clock."""
    _since: float = field(default_factory=time.monotonic)

    def hear(self) -> None:
        """Note that something was shown."""
        now = time.monotonic()
        if now - self._since > self.longest_silence:
            self.longest_silence, self.heard_again_at = now - self._since, now
        self._since = now

    def take(self, event: Event) -> None:
        """Note an event of the client."""
        self.hear()
        if isinstance(event, Delta):
            self.text += event.text
        if isinstance(event, Completed):
            self.ended = event.status


@dataclass
class Watched:
    """One turn and its three devices."""

    model: str
    request_id: str
    response_id: str = ""
    refused: int = 0
    asker: Seen = field(default_factory=Seen)
    device: Seen = field(default_factory=Seen)
    stream: Seen = field(default_factory=Seen)

    async def ask(self, parley: Parley, made: "asyncio.Future[str]") -> None:
        """Send the message, with one id however often, and see its answer; `made` gets the answer's id."""
        while self.asker.ended is None:
            try:
                asked = parley.send("hi", model=self.model, conversation="new", client_request_id=self.request_id)
                async for event in asked:
                    self.asker.take(event)
                    if isinstance(event, Created) and not made.done():
                        made.set_result(event.response_id)
            except RefusedError as refused:
                if refused.code not in AGAIN or self.asker.text:
                    raise
                self.refused += 1
                await asyncio.sleep(0.1)  # as a person would: the server has said that it cannot now
            except AnswerFailedError as failed:
                self.asker.ended = "failed"
                if not made.done():
                    made.set_result(failed.response_id or "")
        self.response_id = await made

    async def resume(self, parley: Parley, made: "asyncio.Future[str]") -> None:
        """See the answer on another device, from its beginning."""
        response_id = await asyncio.shield(made)
        self.device.hear()
        try:
            async for event in parley.resume(Position(response_id, -1)):
                self.device.take(event)
        except AnswerFailedError:
            self.device.ended = "failed"

    async def read(self, nodes: Iterable[httpx.AsyncClient], made: "asyncio.Future[str]") -> None:
        """Read the answer as server-sent events, and go on at the next node wherever that breaks off."""
        response_id, seq = await asyncio.shield(made), -1
        ways = itertools.cycle(nodes)
        self.stream.hear()
        while self.stream.ended is None:
            with suppress(httpx.TransportError):
                async for event in _events(next(ways), response_id, seq):
                    self.stream.hear()
                    kind = event["type"]
                    if kind == "error":
                        break
                    assert event["sequence_number"] > seq, event
                    seq = event["sequence_number"]
                    if kind == "response.output_text.delta":
                        self.stream.text += event["delta"]
                    if kind in _ENDS:
                        self.stream.ended = event["response"]["status"]
                        break
            if self.stream.ended is None:
                await asyncio.sleep(0.05)  # a node that is down refuses at once


async def _events(http: httpx.AsyncClient, response_id: str, after: int) -> AsyncIterator[dict[str, Any]]:
    query = {"stream": "true", "starting_after": str(after)}
    async with http.stream("GET", f"/v1/responses/{response_id}", params=query) as answer:
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            return
        assert answer.status_code == httpx.codes.OK, await answer.aread()
        async for text in answer.aiter_lines():
            if text.startswith("data: "):
                yield json.loads(text.removeprefix("data: "))
