"""Answers that stream over WebSockets to Parley, whatever becomes of the sockets: runs the commands of a `Session`."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from client import frames
from client.address import Address
from client.answer import Answer
from client.commands import Command, Connect, Leave, Send, Tell, TellCaps
from client.errors import ConnectionLostError, ParleyError, UnreachableError
from client.events import Completed, Deleted, Delta, Event, Happening, Position
from client.follows import Follow
from client.inbox import Inbox
from client.session import Session

_LARGEST_FRAME = 32 * 1024 * 1024
_HEARTBEAT = 10.0
_CLOSING = 2.0
_UNKNOWN = 1002
_BEHIND = 1013
_MOST_BEHIND = 1000


class Parley:
    """A client: `async with Parley(url, key) as parley: async for event in parley.send("hi"): …`.

    `url` is one address, or several of one deployment. Up to 16 answers stream at the same time, one `send` each; more
    wait for their turn. A connection that is lost, or that says nothing for 20 seconds, is replaced, and answers go on
    over the new one where they were. `patience` is how many seconds this may take.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        key: str | None = None,
        *,
        open_timeout: float = 10.0,
        patience: float = 120.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._addresses = [Address(one) for one in ([url] if isinstance(url, str) else url)]
        self._key = key
        self._open_timeout = open_timeout
        self._chance = chance
        self._session = Session(addresses=len(self._addresses), patience=patience)
        self._stack = AsyncExitStack()
        self._running = False
        self._inboxes: dict[object, Inbox[Any]] = {}
        # Holds at most one frame for each answer and each cancel.
        self._outgoing = asyncio.Queue[Mapping[str, Any]]()
        self._wanted: asyncio.Queue[Connect] = asyncio.Queue(1)
        self._leaving = asyncio.timeout(None)
        self._lost: ConnectionLostError | None = None
        self._usage_told = asyncio.Event()
        self.usage: Mapping[str, Any] | None = None
        """The caps as the server last told them, as `GET /v1/usage` gives them."""

    async def __aenter__(self) -> Self:
        """Connect. Raises `RefusedError` if the server does not let us in, `UnreachableError` if there is none."""
        async with AsyncExitStack() as stack:
            socket = await self._first()
            group = await stack.enter_async_context(asyncio.TaskGroup())
            stack.callback(group.create_task(self._run(socket)).cancel)
            self._stack = stack.pop_all()
        self._running = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running = False
        self._do(self._session.stop())
        self._idle(ConnectionLostError(code=1000, reason=""))
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
        of `response.create`. The message is stored and charged once and the text of the answer is yielded once, however
        many connections it takes. Leaving the iteration early leaves the answer running: `cancel` stops it.
        Raises `RefusedError`, `AnswerFailedError` and `ConnectionLostError`.
        """
        frame = frames.create(
            content,
            client_request_id=client_request_id or str(uuid4()),
            model=model,
            persona=persona,
            dials=dials,
            conversation=conversation,
            previous=previous,
            instructions=instructions,
            more=more,
        )
        frames.check(frame)
        self._usage_told.clear()
        async for event in self._answer(Answer(frame)):
            yield event

    async def resume(self, position: Position) -> AsyncIterator[Event]:
        """Yield what comes after `position` of an answer, of this client or another, `Completed` last.

        The sequence number -1 stands before the whole answer. Raises as `send` does; `AnswerFailedError` also if there
        is no such answer, or the position is none of it.
        """
        async for event in self._answer(Answer(position=position)):
            yield event

    async def follow(self, conversation: str) -> AsyncIterator[Happening]:
        """Yield what happens in a stored conversation from now on, on whichever device, `Followed` first.

        The turns that run are among it, from their first word, but for those of this client. Ends when the conversation
        is deleted. Raises `RefusedError`, and `ConnectionLostError` also when more than 1,000 events wait to be read.
        """
        self._check()
        follow, inbox = Follow(conversation), Inbox[Happening]()
        self._do(self._session.follow(follow, self._now()))
        self._inboxes[follow] = inbox
        try:
            happened: Happening | None = None
            while not isinstance(happened, Deleted):
                happened = await inbox.get()
                yield happened
        finally:
            self._inboxes.pop(follow, None)
            self._do(self._session.unfollow(follow))

    async def ask(self, content: str | Sequence[Mapping[str, Any]], **options: Any) -> str:
        """Send a message and return the whole text of its answer; `options` and errors are those of `send`."""
        return "".join([event.text async for event in self.send(content, **options) if isinstance(event, Delta)])

    async def cancel(self, response_id: str) -> None:
        """Stop an answer of ours, on this connection or another; it ends as `cancelled`."""
        self._check()
        self._do(self._session.cancel(response_id, self._now()))

    async def usage_after(self) -> Mapping[str, Any]:
        """Wait for the caps as they stand after the last message; the server tells them soon after its answer ends.

        Raises `ConnectionLostError` if the connection went before it did.
        """
        await self._usage_told.wait()
        if self._lost is not None or self.usage is None:
            raise self._lost or ConnectionLostError(code=1006, reason="")
        return self.usage

    async def _answer(self, answer: Answer) -> AsyncIterator[Event]:
        self._check()
        inbox: Inbox[Event] = Inbox()
        self._inboxes[answer] = inbox
        try:
            self._do(self._session.ask(answer, self._now()))
            event: Event | None = None
            while not isinstance(event, Completed):
                event = await inbox.get()
                yield event
        finally:
            del self._inboxes[answer]
            self._session.leave(answer)

    def _check(self) -> None:
        if not self._running:
            raise UnreachableError("Not connected: use `async with Parley(…)`.")

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _idle(self, lost: ConnectionLostError) -> None:
        """Tell who waits for the caps that nobody will tell them, if no connection is wanted."""
        if not self._session.busy:
            self._lost = lost
            self._usage_told.set()

    def _do(self, commands: Sequence[Command]) -> None:
        for command in commands:
            match command:
                case Send(frame):
                    self._outgoing.put_nowait(frame)
                case Connect():
                    self._lost = None
                    self._wanted.put_nowait(command)
                case Leave(after):
                    if not self._leaving.expired():
                        self._leaving.reschedule(self._now() + after)
                case Tell(reader, what):
                    self._tell(reader, what)
                case TellCaps(usage):
                    self.usage = usage
                    self._usage_told.set()

    def _tell(self, reader: object, what: Happening | ParleyError) -> None:
        inbox = self._inboxes.get(reader)
        if inbox is None:
            return
        inbox.put(what)
        if isinstance(reader, Follow) and len(inbox) > _MOST_BEHIND:
            # A conversation goes on for ever, so what waits to be read of it must have a bound.
            inbox.put(ConnectionLostError(code=_BEHIND, reason="slow_consumer"))
            del self._inboxes[reader]
            self._do(self._session.unfollow(reader))

    async def _run(self, socket: ClientConnection) -> None:
        """Have one connection after another, as long as one is wanted."""
        while True:
            lost = await self._serve(socket)
            self._do(self._session.closed(lost, self._now(), self._chance()))
            self._idle(lost)
            socket = await self._next()

    async def _next(self) -> ClientConnection:
        while True:
            connecting = await self._wanted.get()
            await asyncio.sleep(connecting.after)
            try:
                return await self._open(self._addresses[connecting.address])
            except ParleyError as error:
                self._do(self._session.failed(error, self._now(), self._chance()))
                self._idle(ConnectionLostError(code=1006, reason=str(error)))

    async def _serve(self, socket: ClientConnection) -> ConnectionLostError:
        """Use a connection until it ends; return how it did."""
        odd = ""
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self._write(socket, self._outgoing))
            try:
                async with asyncio.timeout(None) as self._leaving:
                    async for text in socket:
                        self._do(self._session.received(msgspec.json.decode(text), self._now()))
            except (ConnectionClosed, TimeoutError):
                pass
            except (msgspec.DecodeError, LookupError, TypeError, ValueError) as error:
                odd = f"a frame that this client does not understand: {error!r}"
            finally:
                writer.cancel()
                await socket.close()
        if odd:
            return ConnectionLostError(code=_UNKNOWN, reason=odd)
        return ConnectionLostError(code=socket.close_code or 1006, reason=socket.close_reason or "")

    @staticmethod
    async def _write(socket: ClientConnection, outgoing: "asyncio.Queue[Mapping[str, Any]]") -> None:
        while True:
            frame = await outgoing.get()
            try:
                await socket.send(msgspec.json.encode(frame).decode())
            except ConnectionClosed:
                # The reader hears of it too.
                return

    async def _first(self) -> ClientConnection:
        """Try each address once."""
        *others, last = self._addresses
        for address in others:
            try:
                return await self._open(address)
            except ParleyError:
                continue
        return await self._open(last)

    async def _open(self, address: Address) -> ClientConnection:
        socket = await self._connect(address)
        self._outgoing = asyncio.Queue()
        self._do(self._session.opened(self._now()))
        return socket

    async def _connect(self, address: Address) -> ClientConnection:
        try:
            return await connect(
                address.websocket("/v1/responses?extensions=parley"),
                additional_headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
                compression=None,
                max_size=_LARGEST_FRAME,
                open_timeout=self._open_timeout,
                close_timeout=_CLOSING,
                ping_interval=_HEARTBEAT,
                ping_timeout=_HEARTBEAT,
                proxy=None if address.local else True,
            )
        except InvalidStatus as refused:
            response = refused.response
            raise frames.handshake_refusal(response.status_code, response.body or b"") from None
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
            raise UnreachableError.at(address.url, error) from error
