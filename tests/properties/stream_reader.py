"""A client of the house: the real session, answer and inbox, and what a program has read."""

import json
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from client.answer import Answer
from client.commands import Command, Connect, Leave, Send, Tell
from client.errors import ParleyError
from client.events import Completed, Created, Delta, Happening
from client.inbox import Inbox
from client.session import Session
from tests.properties.stream_house import Wire

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns that never waits."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("there was something to read")


class Reader:
    """One answer at a client, its connection, and what was read of it."""

    def __init__(self, answer: Answer, start: int, home: int) -> None:
        self.home = home
        """The node that its first address leads to."""
        self.session = Session(addresses=2, patience=1e9)
        self.answer = answer
        self.inbox = Inbox[Happening]()
        self.wire: Wire | None = None
        self.wanted: Connect | None = None
        self.left = False
        self.start = start
        """How many characters stand before what it reads."""
        self.text = ""
        self.created = 0
        self.ended: Completed | ParleyError | None = None

    def do(self, commands: Sequence[Command]) -> None:
        """Be the runtime."""
        for command in commands:
            match command:
                case Send(frame):
                    assert self.wire is not None
                    self.wire.up.append(json.dumps(frame))
                case Connect():
                    assert self.wanted is None
                    self.wanted = command
                case Leave():
                    self.left = True
                case Tell(reader, what):
                    assert reader is self.answer
                    self.inbox.put(what)
                case _:
                    raise AssertionError(command)

    def read(self) -> None:
        """Read one event, as a program would that may be slow."""
        if not self.waiting():
            return
        assert self.ended is None, "nothing comes after the end"
        try:
            event = run(self.inbox.get())
        except ParleyError as error:
            self.ended = error
            return
        match event:
            case Delta():
                self.text += event.text
            case Created():
                self.created += 1
            case Completed():
                self.ended = event
            case _:
                pass

    def waiting(self) -> bool:
        """Return whether there is something to be read."""
        return bool(self.inbox._waiting or self.inbox._pieces)

    def read_all(self) -> None:
        """Read what has come."""
        while self.waiting():
            self.read()
