"""One WebSocket to Parley and the answers that stream over it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from client import frames
from client.address import Address
from client.errors import ConnectionLostError, ParleyError, RefusedError, UnreachableError
from client.events import Completed, Delta, Event
from client.inbox import Inbox

_LANES = 16
_LARGEST_FRAME = 32 * 1024 * 1024


class Parley:
    """A connection: `async with Parley(url, key) as parley: async for event in parley.send("hi"): …`.

    Up to 16 answers stream at the same time, one `send` each; more wait for their turn. An answer goes on at the
    server when the connection ends.
    """

    def __init__(self, url: str, key: str | None = None, *, open_timeout: float = 10.0) -> None:
        self._address = Address(url)
        self._key = key
        self._open_timeout = open_timeout
        self._stack = AsyncExitStack()
        self._socket: ClientConnection | None = None
        self._free = asyncio.LifoQueue[str]()
        self._lanes: dict[str, Inbox] = {}
        self._lost: ParleyError | None = None
        self._usage_told = asyncio.Event()
        self.usage: Mapping[str, Any] | None = None
        """The caps as the server last told them over this connection, as `GET /v1/usage` gives them."""

    async def __aenter__(self) -> Self:
        """Connect. Raises `RefusedError` if the server does not let us in, `UnreachableError` if there is none."""
        async with AsyncExitStack() as stack:
            socket = self._socket = await self._connect()
            for number in reversed(range(_LANES)):
                self._free.put_nowait(f"lane-{number}")
            group = await stack.enter_async_context(asyncio.TaskGroup())
            group.create_task(self._read(socket))
            stack.push_async_callback(socket.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not passed on: the task group would wrap what the caller's block raised.
        await self._stack.aclose()

    async def send(
        self,
        content: str | Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        persona: str | None = None,
        dials: Mapping[str, str] | None = None,
        conversation: str | None = None,
        previous: str | None = None,
        instructions: str | None = None,
        client_request_id: str | None = None,
        **more: Any,
    ) -> AsyncIterator[Event]:
        """Send a message and yield its answer as it arrives, `Completed` last.

        `content` is text or a list of input items of the Responses protocol; `persona` is `name` or `name@revision`;
        `conversation` is an id, or `"new"` to begin a stored one whose id `Created` tells. `more` are further members
        of `response.create`. Leaving the iteration early leaves the answer running: `cancel` stops it.
        Raises `RefusedError`, `AnswerFailedError` and `ConnectionLostError`.
        """
        if self._socket is None:
            raise UnreachableError("Not connected: use `async with Parley(…)`.")
        lane = await self._free.get()
        frame = frames.create(
            content,
            lane=lane,
            client_request_id=client_request_id or str(uuid4()),
            model=model,
            persona=persona,
            dials=dials,
            conversation=conversation,
            previous=previous,
            instructions=instructions,
            more=more,
        )
        inbox = self._lanes[lane] = Inbox()
        self._usage_told.clear()
        try:
            await self._send(frame)
        except ParleyError:
            self._release(lane)
            raise
        event: Event | None = None
        while not isinstance(event, Completed):
            event = await inbox.get()
            yield event

    async def ask(self, content: str | Sequence[Mapping[str, Any]], **options: Any) -> str:
        """Send a message and return the whole text of its answer; `options` and errors are those of `send`."""
        return "".join([event.text async for event in self.send(content, **options) if isinstance(event, Delta)])

    async def cancel(self, response_id: str) -> None:
        """Stop an answer of ours, on this connection or another; it ends as `cancelled`."""
        await self._send({"type": "parley:cancel", "response_id": response_id})

    async def usage_after(self) -> Mapping[str, Any]:
        """Wait for the caps as they stand after the last message; the server tells them soon after its answer ends.

        Raises `ConnectionLostError`.
        """
        if self._lost is None:
            await self._usage_told.wait()
        if self._lost is not None or self.usage is None:
            raise self._lost or ConnectionLostError(code=1006, reason="")
        return self.usage

    async def _connect(self) -> ClientConnection:
        url = self._address.websocket("/v1/responses?extensions=parley")
        try:
            return await connect(
                url,
                additional_headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
                compression=None,
                max_size=_LARGEST_FRAME,
                open_timeout=self._open_timeout,
                proxy=None if self._address.local else True,
            )
        except InvalidStatus as refused:
            raise _handshake_refusal(refused) from None
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
            raise UnreachableError.at(self._address.url, error) from error

    async def _send(self, frame: Mapping[str, Any]) -> None:
        if self._lost is not None:
            raise self._lost
        if self._socket is None:
            raise UnreachableError("Not connected: use `async with Parley(…)`.")
        try:
            await self._socket.send(msgspec.json.encode(frame).decode())
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def _read(self, socket: ClientConnection) -> None:
        reason = ""
        try:
            async for text in socket:
                self._take(msgspec.json.decode(text))
        except ConnectionClosed:
            pass
        except (msgspec.DecodeError, LookupError, TypeError, ValueError) as odd:
            reason = f"a frame that this client does not understand: {odd!r}"
        self._lost = ConnectionLostError(code=socket.close_code or 1006, reason=reason or socket.close_reason or "")
        self._usage_told.set()
        for lane, inbox in list(self._lanes.items()):
            inbox.put(self._lost)
            self._release(lane)

    def _take(self, frame: Mapping[str, Any]) -> None:
        if frame.get("type") == "parley:usage":
            self.usage = {key: value for key, value in frame.items() if key != "type"}
            self._usage_told.set()
            return
        told = frames.read(frame)
        lane = frame.get("stream_id")
        inbox = self._lanes.get(lane) if lane is not None else None
        if inbox is not None and told is not None:
            inbox.put(told)
        elif lane is None and isinstance(told, RefusedError):
            self._refuse_unanswered(told)
        if lane is not None and frame.get("type") in frames.TERMINAL:
            self._release(lane)

    def _refuse_unanswered(self, refused: RefusedError) -> None:
        # A frame that could not be read (too large, say) is refused without its lane: it is one not accepted yet.
        for lane, inbox in list(self._lanes.items()):
            if inbox.response_id is None:
                inbox.put(refused)
                self._release(lane)

    def _release(self, lane: str) -> None:
        if self._lanes.pop(lane, None) is not None:
            self._free.put_nowait(lane)


def _lost(closed: ConnectionClosed) -> ConnectionLostError:
    close = closed.rcvd or closed.sent
    return ConnectionLostError(code=close.code if close else 1006, reason=close.reason if close else "")


def _handshake_refusal(refused: InvalidStatus) -> RefusedError:
    response = refused.response
    try:
        error = msgspec.json.decode(response.body or b"")["error"]
    except (msgspec.DecodeError, KeyError, TypeError):
        error = {"message": f"The server at this address answered {response.status_code}.", "code": "not_found"}
    return frames.refusal(response.status_code, error)
