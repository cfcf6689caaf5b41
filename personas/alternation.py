"""Messages for upstreams whose chat templates want one system message and then user and assistant in turns."""

from collections.abc import Sequence

from personas.messages import Image, Message, Part, Text
from personas.values import quote

_GAP = Text("\n\n")


def strict(messages: Sequence[Message]) -> list[Message]:
    """Return `messages` with neighbours of one role joined and all instructions in the first message.

    What follows the instructions alternates and begins with the user: an assistant's opening is quoted in the first
    user message instead. Every text stays whole; images of instructions move there too. Outputs of functions stay each
    in its message.
    """
    instructions: list[Message] = []
    turns: list[Message] = []
    for message in messages:
        if message.role in {"system", "developer"}:
            instructions.append(message)
        elif turns and turns[-1].role == message.role != "tool":
            turns[-1] = Message(message.role, _join((turns[-1].content, message.content)))
        else:
            turns.append(message)
    if turns and turns[0].role == "assistant":
        # Never in the instructions: a user may have put these words into the assistant's mouth.
        words = Text(f"You opened the conversation with: {quote(turns[0].text)}")
        said: tuple[Part, ...] = (words, *_images(turns[0].content))
        following = turns[1].content if len(turns) > 1 else ()
        turns[:2] = [Message("user", _join((said, following)))]
    folded = tuple(image for message in instructions for image in _images(message.content))
    if folded:
        first = turns.pop(0).content if turns else ()
        turns.insert(0, Message("user", (*folded, *first)))
    if not instructions:
        return turns
    texts = [tuple(part for part in message.content if isinstance(part, Text)) for message in instructions]
    return [Message(instructions[0].role, _join(texts)), *turns]


def _images(content: Sequence[Part]) -> Sequence[Image]:
    return [part for part in content if isinstance(part, Image)]


def _join(contents: Sequence[Sequence[Part]]) -> tuple[Part, ...]:
    """Return the parts of all, with a blank line between one message and the next."""
    joined: list[Part] = []
    for content in contents:
        if joined and content:
            joined.append(_GAP)
        joined.extend(content)
    return tuple(joined)
