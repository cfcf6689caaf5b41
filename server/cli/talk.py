"""A conversation in the terminal: what is typed, what is answered, and the commands in between."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from client import (
    Completed,
    ConnectionLostError,
    Created,
    Delta,
    Event,
    Interrupted,
    Parley,
    ParleyError,
    Rest,
    ServedBy,
)
from server.cli.lines import Lines
from server.cli.notes import clock, explained, low_caps
from server.cli.output import CommandError
from server.cli.slash import Choice, Slash


class Talk:
    """One sitting. `run` runs a coroutine to its end, and cancels it at Ctrl-C.

    `patience` is how many seconds a cancelled answer has to end.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        lines: Lines,
        run: Callable[[Coroutine[Any, Any, None]], None],
        choice: Choice,
        patience: float = 3.0,
    ) -> None:
        self._url, self._key = url, key
        self._lines, self._run = lines, run
        self._choice = choice
        self._slash = Slash(Rest(url, key), lines, choice)
        self._patience = patience
        self._response: str | None = None
        self._failed = False

    def go_on(self) -> int:
        """Talk until the input ends; return 1 if the last message got no answer, else 0."""
        if self._lines.interactive and not self._begin():
            return 1
        while True:
            try:
                typed = self._lines.message()
                if typed is None or typed.strip() == "/quit":
                    break
                self._take(typed)
            except KeyboardInterrupt:
                self._lines.note("Ctrl-D or /quit leaves.")
            except (ParleyError, CommandError) as error:
                self._failed = True
                self._lines.note(explained(error))
        if self._lines.interactive and self._choice.conversation:
            self._lines.note(f"To go on with it another time: --conversation {self._choice.conversation}")
        return int(self._failed)

    def _begin(self) -> bool:
        try:
            self._slash.begin()
        except (ParleyError, CommandError) as error:
            self._lines.note(explained(error))
            return False
        self._lines.note("Type a message. /help lists the commands, Ctrl-D leaves.")
        return True

    def _take(self, typed: str) -> None:
        if typed.startswith("/") and not typed.startswith("//"):
            word, _, name = typed[1:].strip().partition(" ")
            self._slash.run(word, name.strip())
        elif typed.strip():
            self._failed = False
            self._run(self._exchange(typed.removeprefix("/") if typed.startswith("//") else typed))

    async def _exchange(self, text: str) -> None:
        """Send a message and show its answer. Each message has its own connection: none idles while someone types."""
        begun = asyncio.Event()
        with _heard_at_once():
            await self._exchanged(text, begun)

    async def _exchanged(self, text: str, begun: asyncio.Event) -> None:
        async with Parley(self._url, self._key) as parley:
            async with asyncio.TaskGroup() as group:
                answer = group.create_task(self._answer(parley, text, begun))
                try:
                    await asyncio.shield(answer)
                except asyncio.CancelledError:
                    await self._stop(parley, answer, begun)
            if answer.cancelled():
                raise ConnectionLostError(code=1006, reason="the server does not say that it stopped")
            if (wrong := answer.result()) is not None:
                raise wrong
            with suppress(TimeoutError, ConnectionLostError):
                async with asyncio.timeout(self._patience):
                    for line in low_caps(await parley.usage_after()):
                        self._lines.note(line)

    async def _answer(self, parley: Parley, text: str, begun: asyncio.Event) -> ParleyError | None:
        """Show an answer to its end and return what went wrong; `begun` is set once there is something to cancel."""
        to = self._choice
        try:
            async for event in parley.send(
                text, persona=to.persona, model=to.model, conversation=to.conversation or "new"
            ):
                self._show(event)
                begun.set()
        except ParleyError as error:
            return error
        finally:
            begun.set()
        return None

    async def _stop(self, parley: Parley, answer: asyncio.Task[ParleyError | None], begun: asyncio.Event) -> None:
        """Cancel the answer and see it end, if that takes no longer than our patience."""
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await begun.wait()
                if self._response is not None and not answer.done():
                    await parley.cancel(self._response)
                await asyncio.wait([answer])
        answer.cancel()

    def _show(self, event: Event) -> None:
        match event:
            case Created():
                self._response, self._choice.conversation = event.response_id, event.conversation
            case Delta():
                self._lines.answer(event.text)
            case ServedBy():
                back = f", back {clock(event.back_at)}" if event.back_at else ""
                because = event.because.replace("_", " ")
                self._lines.note(f"{event.served} answers instead of {event.asked}: {because}{back}.")
            case Interrupted():
                self._lines.aside("Connection lost, going on…")
            case Completed():
                self._lines.finish()
                self._response = None
                for call in event.calls:
                    self._lines.note(f"It calls {call.name}({call.arguments}), which no program here can do.")
                if event.status == "cancelled":
                    self._lines.note("Stopped.")
                if event.status == "incomplete":
                    self._lines.note(f"The answer ends here ({(event.reason or 'incomplete').replace('_', ' ')}).")


@contextmanager
def _heard_at_once() -> Iterator[None]:
    """Let Ctrl-C wake the loop: one that comes just before it sleeps would else be heard with the next frame only."""
    loop, handler = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
    if not callable(handler):
        yield
        return
    try:
        loop.add_signal_handler(signal.SIGINT, handler, signal.SIGINT, None)
    except (NotImplementedError, RuntimeError, ValueError):
        # Not on this system, or not in this thread.
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, handler)
