"""Answers without a model, exactly as scripted: for demonstrations, tests and load runs.

It promises what every upstream promises, and remembers what it was asked.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from itertools import takewhile
from typing import Self

from server.adapters.provider_failures import failure
from server.adapters.script import REFUSAL, THOUGHT, Script, after, chunked, parse
from server.core.logprobs import Likely, Token
from server.core.ports import Aside, Batch, Call, Said, UpstreamFailed
from server.core.records import OutputPart, TextPart, Usage

Sleep = Callable[[float], Awaitable[object]]


class ScriptedUpstream:
    """Answers by the program in the model's upstream id, or by `scripts`, which go first.

    Every wait goes through `sleep`, given seconds. A stalled answer fails after `idle_timeout` seconds.
    """

    def __init__(
        self, *, scripts: Mapping[str, Script] | None = None, sleep: Sleep = asyncio.sleep, idle_timeout: float = 60.0
    ) -> None:
        self._scripts = {} if scripts is None else scripts
        self._sleep = sleep
        self._idle_timeout = idle_timeout
        self.calls: deque[Call] = deque(maxlen=1000)
        """The newest calls, oldest first."""
        self.open = 0
        """How many answers are running."""
        self.aborted = 0
        """How many were left before they had ended."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    @asynccontextmanager
    async def answer(self, call: Call) -> AsyncIterator[AsyncIterator[Batch]]:
        """Ask, as the port promises."""
        self.calls.append(call)
        self.open += 1
        run = _Run(self._script(call.model.upstream_id), call, self._sleep, self._idle_timeout)
        try:
            await run.begin()
            async with aclosing(run.batches()) as batches:
                yield batches
        finally:
            self.open -= 1
            self.aborted += not run.over

    def _script(self, program: str) -> Script:
        return self._scripts.get(program) or parse(program)


class _Run:
    def __init__(self, script: Script, call: Call, sleep: Sleep, idle_timeout: float) -> None:
        self.over = False
        self._script, self._call = script, call
        self._sleep, self._idle_timeout = sleep, idle_timeout

    async def begin(self) -> None:
        await self._sleep(self._script.first)
        if self._script.status is not None:
            self.over = True
            raise failure(self._script.status, "The script refuses this call.")
        if self._script.breaks_at == 0:
            await self._break(elsewhere=True)

    async def batches(self) -> AsyncGenerator[Batch, None]:
        script = self._script
        chunks = chunked(_question(self._call)) if script.chunks is None else script.chunks
        if script.thinks:
            yield Batch(asides=[Aside(kind="reasoning", text=piece) for piece in chunked(THOUGHT)])
        if script.refuses:
            yield Batch(asides=[Aside(kind="refusal", text=piece) for piece in chunked(REFUSAL)])
        if script.calls and self._call.functions is not None:
            chunks = chunked(_outputs(self._call))
            if not chunks:
                for number, function in enumerate(self._call.functions.offered):
                    call_id = f"call_{len(self._call.messages)}_{number}"
                    yield Batch(asides=_calling(number, call_id, function.name, _question(self._call)))
        chunks = after(chunks, self._call.prefix)
        limit = _limit(self._call)
        cut = limit is not None and limit < len(chunks)
        chunks = chunks[:limit]
        said = chunks if script.breaks is None else chunks[: script.breaks_at]
        for start in range(0, len(said), script.per_batch):
            if start:
                await self._sleep(script.delay)
            text = "".join(said[start : start + script.per_batch])
            if text:
                yield Batch(text, tokens=self._tokens(said[start : start + script.per_batch]))
        await self._break(elsewhere=False)
        self.over = True
        yield Batch("", "length" if cut else script.finish, script.usage or _usage(self._call, chunks))

    def _tokens(self, chunks: Sequence[str]) -> Sequence[Token]:
        """Return each chunk as a token, if that is asked for."""
        wanted = self._call.sampling.logprobs
        if wanted is None:
            return ()
        return [
            Token(chunk, -0.5, top_logprobs=[Likely(chunk, -0.5 - number) for number in range(wanted)])
            for chunk in chunks
        ]

    async def _break(self, *, elsewhere: bool) -> None:
        if self._script.breaks is None:
            return
        if self._script.breaks == "stall":
            await self._sleep(self._idle_timeout)
        self.over = True
        if self._script.breaks == "stall":
            about = "The model's provider did not answer in time."
            raise UpstreamFailed("upstream_timeout", about, elsewhere=elsewhere)
        raise UpstreamFailed("upstream_broke_off", "The answer broke off.", elsewhere=elsewhere)


def _limit(call: Call) -> int | None:
    limits = [limit for limit in (call.sampling.max_output_tokens, call.model.max_output) if limit is not None]
    return min(limits, default=None)


def _question(call: Call) -> str:
    for said in reversed(call.messages):
        if said.role == "user":
            return _text(said)
    return ""


def _outputs(call: Call) -> str:
    """Return what the functions gave back, if that is the newest of what was said."""
    since = takewhile(lambda said: said.role != "user", reversed(call.messages))
    return " ".join(part.text for said in since for part in said.parts if isinstance(part, OutputPart))


def _calling(number: int, call_id: str, name: str, question: str) -> Sequence[Aside]:
    arguments = json.dumps({"text": question})
    first = Aside(kind="function_call", call=number, call_id=call_id, name=name)
    return [first, *(Aside(kind="function_call", call=number, text=piece) for piece in chunked(arguments))]


def _text(said: Said) -> str:
    return "".join(part.text for part in said.parts if isinstance(part, TextPart))


def _usage(call: Call, chunks: Sequence[str]) -> Usage:
    words = sum(len(_text(said).split()) for said in call.messages) + len(call.prefix.split())
    return Usage(input_tokens=words, output_tokens=len(chunks))
