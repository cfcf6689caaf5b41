"""What an assembly is made of: messages with parts of text and images, calls of functions and their outputs."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text, byte for byte as it came."""

    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """An image by its id; `detail` is how closely the model looks, `alt` what stands for it in words.

    Sizes are in pixels, 0 where nobody knows.
    """

    id: str
    detail: Literal["auto", "low", "high", "original"] = "auto"
    alt: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """An assistant's call of a function, with its arguments as they were written."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Output:
    """What the function of a call gave back, in a message of the role `tool`."""

    id: str
    text: str


Part = Text | Image | Call | Output
Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a model."""

    role: Role
    content: tuple[Part, ...]

    @property
    def text(self) -> str:
        """All text of the message, in order."""
        return "".join(part.text for part in self.content if isinstance(part, Text))


def say(role: Role, text: str) -> Message:
    """Return a message of one text."""
    return Message(role, (Text(text),))


def with_context(line: str | None, message: Message) -> Message:
    """Return `message` led by its line of date and time.

    The newest turn and all past ones take their line through here, so that a turn looks the same when it is past.
    """
    if not line:
        return message
    return Message(message.role, (Text(f"{line}\n"), *message.content))
