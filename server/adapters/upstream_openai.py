"""Answers from any server that speaks OpenAI's chat completions.

The SDK carries the call (credentials, retries, errors); the answer is read as bytes, because an object per chunk of
text would cost a hundred times as much. The SDK's own `chat.completions.create` is passed by for its general `post`:
it walks every message of the prompt on each call, which costs more than all the rest of the call together.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from ipaddress import ip_address
from typing import Final, Self, cast

import aiohttp
import httpx2
import msgspec
import openai

from server.adapters.chat_body import Images, chat_body, dialect
from server.adapters.prefix_echo import PrefixEcho
from server.adapters.provider_failures import asked_wait, failure, shown
from server.adapters.sse_bytes import LINE_LIMIT, AnswerDecoder
from server.core.ports import Batch, Call, UpstreamFailed

LONGEST_WAIT: Final = 5.0
"""Seconds that a retry may be put off by the provider; beyond it another upstream may serve sooner."""

_TAIL_WAIT: Final = 0.1
"""Seconds to wait for the end of the transfer after the end of the answer, so that the connection can be used again."""

_FAILURES = (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, OSError)


class OpenAIUpstream:
    """One provider, an async context manager.

    Times are in seconds: `timeout` is for a whole answer, `first_token_timeout` from the call to its first text with
    all retries, `idle_timeout` between two reads after it. `images` gives the data URL of an image.
    `keep_alive` uses connections again, which is for servers that do not close them after each answer.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        api_key: str | None = None,
        timeout: float = 600.0,
        connect_timeout: float = 5.0,
        first_token_timeout: float = 60.0,
        idle_timeout: float = 60.0,
        max_retries: int = 2,
        images: Images | None = None,
        keep_alive: bool = True,
    ) -> None:
        url = httpx2.URL(base_url)
        self.name = name
        self._base_url, self._host = base_url, url.host
        self._secrets = [api_key or "", base_url, url.host]
        self._timeout, self._connect_timeout = timeout, connect_timeout
        self._first_token_timeout, self._idle_timeout = first_token_timeout, idle_timeout
        self._max_retries = max_retries
        self._dialect, self._images = dialect(url.host), images
        self._api_key, self._keep_alive = api_key, keep_alive
        self._client: openai.AsyncOpenAI | None = None

    async def __aenter__(self) -> Self:
        http = openai.DefaultAioHttpClient(
            # Waiting for answers is bounded by this class, so that time-outs mean what its names say.
            timeout=httpx2.Timeout(None, connect=self._connect_timeout),
            limits=httpx2.Limits(max_connections=10_000, keepalive_expiry=30.0),
            event_hooks={"response": [_refuse_long_waits]},
            trust_env=not _is_loopback(self._host),
        )
        self._client = openai.AsyncOpenAI(
            base_url=self._base_url,
            api_key=self._api_key or "none",
            max_retries=self._max_retries,
            http_client=http,
            default_headers={
                "accept": "text/event-stream",
                "accept-encoding": "identity",
                "content-type": "application/json",
                "connection": "keep-alive" if self._keep_alive else "close",
            },
        )
        # The SDK takes these from the environment, and there are upstreams that they are not for.
        self._client.organization = self._client.project = None
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.close()

    @asynccontextmanager
    async def answer(self, call: Call) -> AsyncIterator[AsyncIterator[Batch]]:
        """Ask, as the port promises. What fails before the first text may be served elsewhere."""
        body = msgspec.json.encode(chat_body(call, speaks=self._dialect, images=self._images))
        until = asyncio.get_running_loop().time() + self._timeout
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(min(self._first_token_timeout, self._timeout)):
                    response = await self._post(body)
                    stack.push_async_callback(_close, response)
                    batches = await stack.enter_async_context(aclosing(self._batches(response, call.prefix, until)))
                    first = await anext(batches)
            except _FAILURES as why:
                raise self._failed(why, "upstream_unavailable", elsewhere=True) from why
            yield _Answer(first, batches)

    async def _post(self, body: bytes) -> httpx2.Response:
        if self._client is None:
            raise UpstreamFailed("upstream_unavailable", f"The upstream {self.name} is closed.", elsewhere=True)
        # Asked to stream and to cast to its transport's own response, the SDK gives that response, unread.
        response = await self._client.post(
            "/chat/completions",
            content=body,
            cast_to=httpx2.Response,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        return cast("httpx2.Response", response)

    async def _batches(self, response: httpx2.Response, prefix: str, until: float) -> AsyncGenerator[Batch, None]:
        """Yield the answer, its first batch not being the echo of the prefix."""
        echo, begun = PrefixEcho(prefix), False
        try:
            async with aclosing(self._decoded(response, until)) as decoded:
                async for batch in decoded:
                    text = echo.feed(batch.text) + (echo.close() if batch.finish else "")
                    if text != batch.text:
                        batch = Batch(text, batch.finish, batch.usage)  # noqa: PLW2901
                    if text or batch.finish:
                        begun = True
                        yield batch
        except (*_FAILURES, UpstreamFailed) as why:
            raise self._failed(why, "upstream_broke_off", elsewhere=not begun) from why

    async def _decoded(self, response: httpx2.Response, until: float) -> AsyncGenerator[Batch, None]:
        decoder = AnswerDecoder()
        loop, idle = asyncio.get_running_loop(), float("inf")
        async with aclosing(response.aiter_bytes()) as reads:
            if response.headers.get("content-type", "").startswith("application/json"):
                async with asyncio.timeout_at(until):
                    document = await _whole(reads)
                yield decoder.document(document)
                return
            while not decoder.complete:
                try:
                    async with asyncio.timeout_at(min(until, loop.time() + idle)):
                        data = await anext(reads, None)
                except _FAILURES:
                    if not decoder.finished:
                        raise
                    data = None
                batch = decoder.end() if data is None else decoder.feed(data)
                if batch is not None:
                    idle = self._idle_timeout
                    yield batch
            with suppress(*_FAILURES):
                async with asyncio.timeout(_TAIL_WAIT):
                    async for _ in reads:
                        pass

    def _failed(self, why: Exception, otherwise: str, *, elsewhere: bool) -> UpstreamFailed:
        if isinstance(why, UpstreamFailed):
            return UpstreamFailed(why.code, shown(why.message, self._secrets), elsewhere=elsewhere)
        if isinstance(why, openai.APIStatusError):
            message = shown(_message(why.body), self._secrets)
            return failure(why.status_code, message, retry_after=asked_wait(why.response.headers))
        if _timed_out(why):
            about = "The model's provider did not answer in time."
            return UpstreamFailed("upstream_timeout", about, elsewhere=elsewhere)
        about = "The model's provider cannot be reached." if elsewhere else "The answer broke off."
        return UpstreamFailed(otherwise, about, elsewhere=elsewhere)


class _Answer:
    """The batch that entering has waited for, then the others."""

    def __init__(self, first: Batch, rest: AsyncIterator[Batch]) -> None:
        self._first: Batch | None = first
        self._rest = rest

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Batch:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return await anext(self._rest)


async def _refuse_long_waits(response: httpx2.Response) -> None:
    wait = asked_wait(response.headers)
    if wait is not None and wait > LONGEST_WAIT:
        # The SDK obeys this header, which providers use for the same purpose.
        response.headers["x-should-retry"] = "false"


async def _whole(reads: AsyncIterator[bytes]) -> bytes:
    data = bytearray()
    async for read in reads:
        data += read
        if len(data) > LINE_LIMIT:
            raise UpstreamFailed("upstream_broke_off", "It sent an answer of over 4 MiB.", elsewhere=False)
    return bytes(data)


async def _close(response: httpx2.Response) -> None:
    with suppress(*_FAILURES):
        await response.aclose()


def _message(body: object) -> str:
    message = body.get("message") if isinstance(body, Mapping) else body
    return message if isinstance(message, str) else ""


def _timed_out(why: BaseException | None) -> bool:
    # The SDK's transport calls a refused connection a time-out as well; what it was is at the root.
    while why is not None:
        if isinstance(why, TimeoutError):
            return True
        why = why.__cause__
    return False


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
