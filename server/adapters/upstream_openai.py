"""Answers from any server that speaks OpenAI's chat completions.

It is asked over aiohttp and read as bytes: building a request through an SDK costs more than all the rest of a short
answer, and its layers between a socket and its reader cost as much as the rest of a delta.
"""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from ssl import PROTOCOL_TLS_CLIENT
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp
import msgspec
from truststore import SSLContext

from server import __version__
from server.adapters.chat_body import DataUrls, chat_body, data_url, dialect
from server.adapters.provider_failures import asked_wait, failure, shown
from server.adapters.upstream_reading import Reading
from server.core.ports import Batch, Call, StoreAway, UpstreamFailed
from server.core.ports_images import Images
from server.core.records import ImagePart

LONGEST_WAIT: Final = 5.0
"""Seconds that a retry may be put off by the provider; beyond it another upstream may serve sooner."""

FIRST_PAUSE: Final = 0.5
"""Seconds before a call is tried again if the provider does not say; each further time twice as long, roughly."""

LONGEST_REFUSAL: Final = 64 * 1024
"""Bytes after which no more is read of what a provider says when it refuses."""

_TRIED_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})

_FAILURES: Final = (aiohttp.ClientError, OSError)


class OpenAIUpstream:
    """One provider, an async context manager.

    Times are in seconds: `timeout` is for a whole answer, `first_token_timeout` from the call to its first text with
    all retries, `idle_timeout` between two reads after it. `images` has the bytes of images.
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
        self.name = name
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._host = urlsplit(base_url).hostname or ""
        self._secrets = [api_key or "", base_url, self._host]
        self._timeout, self._connect_timeout = timeout, connect_timeout
        self._first_token_timeout, self._idle_timeout = first_token_timeout, idle_timeout
        self._max_retries = max_retries
        self._dialect, self._images = dialect(self._host), images
        self._headers = {
            "accept": "text/event-stream",
            "accept-encoding": "identity",
            "content-type": "application/json",
            "user-agent": f"parley/{__version__}",
            # Servers without keys want something there all the same.
            "authorization": f"Bearer {api_key or 'none'}",
            "connection": "keep-alive" if keep_alive else "close",
        }
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0, ssl=SSLContext(PROTOCOL_TLS_CLIENT)),
            # Waiting for answers is bounded by this class, so that time-outs mean what its names say.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=not _is_loopback(self._host),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def answer(self, call: Call) -> AsyncIterator[AsyncIterator[Batch]]:
        """Ask, as the port promises. What fails before the first text may be served elsewhere."""
        body = msgspec.json.encode(chat_body(call, speaks=self._dialect, images=await self._pictures(call)))
        until = asyncio.get_running_loop().time() + self._timeout
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(min(self._first_token_timeout, self._timeout)):
                    response = await self._asked(body)
                    stack.callback(response.release)
                    reading = Reading(response, prefix=call.prefix)
                    first = await self._first(reading)
            except _FAILURES as why:
                raise self._failed(why, "upstream_unavailable", elsewhere=True) from why
            stack.callback(reading.watch(idle=self._idle_timeout, until=until))
            yield _Answer(first, reading, partial(self._failed, otherwise="upstream_broke_off", elsewhere=False))

    async def _pictures(self, call: Call) -> DataUrls | None:
        """Return what gives the data URLs of the call's images; None if it has none, or there is no store of them."""
        parts = (part for said in call.messages for part in said.parts)
        wanted = {part.id for part in parts if isinstance(part, ImagePart)}
        if not wanted or self._images is None:
            return None
        try:
            found = await self._images.content(wanted)
        except StoreAway as away:
            about = "The images of the question cannot be read now."
            raise UpstreamFailed("storage_unavailable", about, elsewhere=False) from away
        if missing := len(wanted - found.keys()):
            raise UpstreamFailed("upstream_rejected", f"{missing} images of the question are gone.", elsewhere=False)
        return {name: data_url(picture) for name, picture in found.items()}.__getitem__

    async def _first(self, reading: Reading) -> Batch:
        try:
            return await anext(reading)
        except UpstreamFailed as why:
            raise self._failed(why, why.code, elsewhere=True) from why

    async def _asked(self, body: bytes) -> aiohttp.ClientResponse:
        """Ask, again if that may help, and return the response unread. Raises one of `_FAILURES` or the refusal."""
        if self._session is None or self._session.closed:
            raise UpstreamFailed("upstream_unavailable", f"The upstream {self.name} is closed.", elsewhere=True)
        for tried in itertools.count():
            pause = FIRST_PAUSE * 2**tried * random.uniform(0.75, 1.0)  # noqa: S311  so that callers do not come at once
            try:
                response = await self._session.post(self._url, data=body, headers=self._headers, allow_redirects=False)
            except aiohttp.ClientConnectionError:
                if tried == self._max_retries:
                    raise
            else:
                if response.status < HTTPStatus.MULTIPLE_CHOICES:
                    return response
                async with response:
                    refusal = await _beginning(response.content)
                wait = asked_wait(response.headers)
                if tried == self._max_retries or not _may_pass(response, wait):
                    message = shown(_message(refusal), self._secrets)
                    raise failure(response.status, message, retry_after=wait)
                pause = pause if wait is None else wait
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    def _failed(self, why: Exception, otherwise: str, *, elsewhere: bool) -> UpstreamFailed:
        if isinstance(why, UpstreamFailed):
            return UpstreamFailed(why.code, shown(why.message, self._secrets), elsewhere=elsewhere)
        if isinstance(why, TimeoutError):
            about = "The model's provider did not answer in time."
            return UpstreamFailed("upstream_timeout", about, elsewhere=elsewhere)
        about = "The model's provider cannot be reached." if elsewhere else "The answer broke off."
        return UpstreamFailed(otherwise, about, elsewhere=elsewhere)


class _Answer:
    """The batch that entering has waited for, then the others."""

    def __init__(self, first: Batch, rest: Reading, failed: Callable[[Exception], UpstreamFailed]) -> None:
        self._first: Batch | None = first
        self._rest = rest
        self._failed = failed

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Batch:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            return await self._rest.__anext__()
        except (*_FAILURES, UpstreamFailed) as why:
            raise self._failed(why) from why


def _may_pass(response: aiohttp.ClientResponse, wait: float | None) -> bool:
    """Return whether to try again, by the rules that OpenAI's SDKs document."""
    says = response.headers.get("x-should-retry")
    status = response.status
    tried = status in _TRIED_AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    soon = wait is None or wait <= LONGEST_WAIT
    return soon and (says == "true" or (says != "false" and tried))


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    data = b""
    while len(data) < LONGEST_REFUSAL and (read := await content.readany()):
        data += read
    return data


def _message(refusal: bytes) -> str:
    """Return what an error object says, or nothing."""
    with suppress(msgspec.DecodeError):
        body = msgspec.json.decode(refusal)
        error = body.get("error", body) if isinstance(body, Mapping) else None
        message = error.get("message") if isinstance(error, Mapping) else error
        if isinstance(message, str):
            return message
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
