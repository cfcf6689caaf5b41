"""Answers from any server that speaks OpenAI's chat completions.

The answer is read as bytes, because an object per chunk of text would cost a hundred times as much. A call is made once
over the SDK's transport directly: for a short answer the SDK's own request building costs more than all the rest. What
fails then and may be tried again goes through the SDK, with its retries and its back-off, by its general `post`: its
`chat.completions.create` would walk every message of the prompt first.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import replace
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final, Self, cast

import aiohttp
import httpx2
import msgspec
import openai

from server import __version__
from server.adapters.chat_body import Images, chat_body, dialect
from server.adapters.prefix_echo import PrefixEcho
from server.adapters.provider_failures import asked_wait, failure, shown
from server.adapters.sse_bytes import LINE_LIMIT, AnswerDecoder
from server.core.ports import Batch, Call, UpstreamFailed

LONGEST_WAIT: Final = 5.0
"""Seconds that a retry may be put off by the provider; beyond it another upstream may serve sooner."""

FIRST_PAUSE: Final = 0.5
"""Seconds before a call is tried again if the provider does not say; the SDK doubles it from there."""

_TAIL_WAIT: Final = 0.1
"""Seconds to wait for the end of the transfer after the end of the answer, so that the connection can be used again."""

_TRIED_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})

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
        self._api_key = api_key
        self._url = httpx2.URL(base_url.rstrip("/") + "/chat/completions")
        self._headers = {
            "accept": "text/event-stream",
            "accept-encoding": "identity",
            "content-type": "application/json",
            "user-agent": f"parley/{__version__}",
            "connection": "keep-alive" if keep_alive else "close",
        }
        self._client: openai.AsyncOpenAI | None = None
        self._http: httpx2.AsyncClient

    async def __aenter__(self) -> Self:
        self._http = openai.DefaultAioHttpClient(
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
            http_client=self._http,
            default_headers=self._headers,
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
        """Ask, and return the response unread. Raises what the SDK raises."""
        if self._client is None:
            raise UpstreamFailed("upstream_unavailable", f"The upstream {self.name} is closed.", elsewhere=True)
        headers = {**self._headers, "authorization": f"Bearer {self._client.api_key}"}
        request = httpx2.Request("POST", self._url, headers=headers, content=body)
        pause = FIRST_PAUSE
        try:
            response = await self._http.send(request, stream=True)
        except httpx2.TransportError:
            if not self._max_retries:
                raise
        else:
            if response.is_success:
                return response
            await response.aread()
            if not (self._max_retries and _may_pass(response)):
                raise openai.APIStatusError("", response=response, body=_error(response))
            pause = asked_wait(response.headers) or pause
        await asyncio.sleep(pause)
        return await self._again(self._client, body)

    async def _again(self, client: openai.AsyncOpenAI, body: bytes) -> httpx2.Response:
        # Asked to stream and to cast to its transport's own response, the SDK gives that response, unread.
        response = await client.with_options(max_retries=self._max_retries - 1).post(
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
                        batch = replace(batch, text=text)  # noqa: PLW2901
                    if text or batch.finish or batch.asides:
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


def _may_pass(response: httpx2.Response) -> bool:
    """Return whether the SDK would try again; the rules are those of its documentation."""
    says = response.headers.get("x-should-retry")
    status = response.status_code
    tried = status in _TRIED_AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return says == "true" or (says != "false" and tried)


def _error(response: httpx2.Response) -> object:
    """Return the error object of a body, or the body's text."""
    with suppress(ValueError):
        body = response.json()
        return body.get("error", body) if isinstance(body, dict) else body
    return response.text


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
