"""A conversation in the terminal: what is typed, what is answered, and the commands in between."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from client import (
    Completed,
    ConnectionLostError,
    Created,
    Delta,
    Event,
    Parley,
    ParleyError,
    RefusedError,
    Rest,
    ServedBy,
)
from server.cli.lines import Lines

HELP = """\
/persona [NAME]  talk to another persona, in a new conversation; without NAME, list them
/model [NAME]    let another model answer; without NAME, list them
/new             begin a new conversation
/usage           show how full your caps are
/quit            leave, like Ctrl-D
A line that ends in \\ goes on in the next; a line with only \"\"\" begins and ends a longer message.
Ctrl-C stops an answer."""


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
        persona: str | None,
        model: str | None,
        conversation: str | None,
        patience: float = 3.0,
    ) -> None:
        self._url, self._key = url, key
        self._rest = Rest(url, key)
        self._lines, self._run = lines, run
        self._persona, self._model = persona, model
        self._conversation = conversation
        self._patience = patience
        self._response: str | None = None
        self._failed = False

    def go_on(self) -> int:
        """Talk until the input ends; return 1 if the last message got no answer, else 0."""
        if self._lines.interactive:
            self._lines.note("Type a message. /help lists the commands, Ctrl-D leaves.")
        while True:
            try:
                typed = self._lines.message()
                if typed is None or typed.strip() == "/quit":
                    return int(self._failed)
                self._take(typed)
            except KeyboardInterrupt:
                self._lines.note("Ctrl-D or /quit leaves.")
            except ParleyError as error:
                self._failed = True
                self._lines.note(_explained(error))

    def _take(self, typed: str) -> None:
        if typed.startswith("/"):
            word, _, name = typed[1:].strip().partition(" ")
            self._command(word, name.strip())
        elif typed.strip():
            self._failed = False
            self._run(self._exchange(typed))

    def _command(self, word: str, name: str) -> None:
        match word:
            case "persona" if name:
                self._persona, self._conversation = name, None
                self._lines.note(f"{name} answers, in a new conversation.")
            case "persona":
                for card in self._rest.personas():
                    self._lines.note(f"{card['id'] if 'id' in card else card['name']}  {card.get('title') or ''}")
            case "model" if name:
                self._model = name
                self._lines.note(f"{name} answers from now on.")
            case "model":
                for model in self._rest.models():
                    self._lines.note(str(model["id"]))
            case "new":
                self._conversation = None
                self._lines.note("A new conversation.")
            case "usage":
                for line in cap_lines(self._rest.usage()):
                    self._lines.note(line)
            case _:
                self._lines.note(HELP)

    async def _exchange(self, text: str) -> None:
        """Send a message and show its answer. Each message has its own connection: none idles while someone types."""
        begun = asyncio.Event()
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
                    self._tell_caps(await parley.usage_after())

    async def _answer(self, parley: Parley, text: str, begun: asyncio.Event) -> ParleyError | None:
        """Show an answer to its end and return what went wrong; `begun` is set once there is something to cancel."""
        conversation = self._conversation or "new"
        try:
            async for event in parley.send(text, persona=self._persona, model=self._model, conversation=conversation):
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
                self._response, self._conversation = event.response_id, event.conversation
            case Delta():
                self._lines.answer(event.text)
            case ServedBy():
                back = f", back {_clock(event.back_at)}" if event.back_at else ""
                because = event.because.replace("_", " ")
                self._lines.note(f"{event.served} answers instead of {event.asked}: {because}{back}.")
            case Completed():
                self._lines.finish()
                self._response = None
                if event.status == "cancelled":
                    self._lines.note("Stopped.")
                if event.status == "incomplete":
                    self._lines.note(f"The answer ends here ({(event.reason or 'incomplete').replace('_', ' ')}).")

    def _tell_caps(self, usage: Mapping[str, Any]) -> None:
        tight = [line for row, line in _rows(usage) if row["remaining"] <= max(1, row["cap"] * 0.2)]
        for line in tight:
            self._lines.note(line)


def cap_lines(usage: Mapping[str, Any]) -> list[str]:
    """Return how full each cap is, a line for each; one line if there are none."""
    return [f"Tier {usage.get('tier')}.", *(line for _, line in _rows(usage))]


def _rows(usage: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str]]:
    """Return the caps with a limit and a line for each."""
    rows = []
    for row in usage.get("limits") or ():
        if row.get("cap") is None or row.get("remaining") is None:
            continue
        line = f"{row['id']}: {row['remaining']} of {row['cap']} left"
        at = row.get("next_at") or row.get("next_free_at")
        rows.append((row, f"{line}, more {_clock(datetime.fromisoformat(at))}." if at else f"{line}."))
    return rows


def _explained(error: ParleyError) -> str:
    if not isinstance(error, RefusedError):
        return str(error)
    at = f" Again {_clock(error.next_at)}." if error.next_at else ""
    return f"{error.message}{at}"


def _clock(moment: datetime) -> str:
    return f"at {moment.astimezone():%H:%M:%S on %d %b}"
