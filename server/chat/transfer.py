"""Conversations as files: ours, with every branch; Markdown, to read; and ChatGPT's `conversations.json`. Pure.

Ids are made anew where a file comes in, so that nothing of it can name what is here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import Struct

from server.core.errors import Refused
from server.core.moments import rfc3339
from server.core.records import CallPart, Conversation, ImagePart, Message, OutputPart, Part, TextPart

FORMAT: Final = "parley.conversation/1"
MOST_MESSAGES: Final = 20_000
_TITLE: Final = 200
_NAMES: Final = {"user": "User", "assistant": "Assistant", "tool": "Function"}


@dataclass(frozen=True, slots=True)
class Brought:
    """A conversation of a file: its title, its messages, parents first, and where it goes on."""

    title: str
    messages: Sequence[Message]


def document(conversation: Conversation, messages: Sequence[Message]) -> dict[str, Any]:
    """Return a conversation with all its branches as one object."""
    return {
        "format": FORMAT,
        "id": conversation.id,
        "title": conversation.title,
        "created_at": rfc3339(conversation.created_at),
        "persona": conversation.persona,
        "metadata": dict(conversation.metadata or {}),
        "leaf": conversation.leaf_id,
        "messages": [
            {
                "id": one.id,
                "parent": one.parent_id,
                "role": one.role,
                "created_at": rfc3339(one.created_at),
                "parts": msgspec.to_builtins(one.parts),
            }
            for one in messages
        ],
    }


def markdown(conversation: Conversation, path: Sequence[Message]) -> str:
    """Return what was said on one path, to be read."""
    blocks = [f"# {conversation.title or conversation.id}"]
    for one in path:
        blocks.append(f"## {_NAMES[one.role]}")
        blocks += [_block(part) for part in one.parts]
    return "\n\n".join(blocks) + "\n"


def read(value: Any, new_id: Callable[[], str], now: int) -> list[Brought]:
    """Return the conversations of a file. Raises `Refused` if it is neither ours nor ChatGPT's."""
    found = value if isinstance(value, list) else [value]
    told = [_told(one, number) for number, one in enumerate(found)]
    if sum(said.is_shown for one in told for said in one.messages) > MOST_MESSAGES:
        raise Refused("invalid_value", f"A file may bring {MOST_MESSAGES} messages; divide it.", param="messages")
    return [Brought(one.title, _chained(one.messages, one.leaf, new_id, now)) for one in told]


class _Said(Struct):
    id: str
    role: str
    parts: tuple[Part, ...]
    """None at all for what is left out; its children come behind its parent."""
    parent: str | None = None

    @property
    def is_shown(self) -> bool:
        return bool(self.parts) and self.role in _NAMES


class _Told(Struct):
    """A conversation as a file has it, in whichever format."""

    title: str
    messages: list[_Said]
    leaf: str | None


class _Author(Struct):
    role: str | None = None


class _Content(Struct):
    parts: list[Any] | None = None


class _Metadata(Struct):
    is_visually_hidden_from_conversation: bool | None = None


class _Message(Struct):
    author: _Author | None = None
    content: _Content | None = None
    metadata: _Metadata | None = None


class _Node(Struct):
    """Of ChatGPT's export: some have nothing to show."""

    message: _Message | None = None
    parent: str | None = None


def _told(one: Any, number: int) -> _Told:
    if not isinstance(one, dict) or (one.get("format") != FORMAT and not isinstance(one.get("mapping"), dict)):
        raise _unknown(number)
    try:
        if one.get("format") == FORMAT:
            said = msgspec.convert(one.get("messages"), list[_Said])
            leaf = one.get("leaf")
        else:
            nodes = msgspec.convert(one["mapping"], dict[str, _Node | None])
            said = [_said(key, node or _Node()) for key, node in nodes.items()]
            leaf = one.get("current_node")
        return _Told(str(one.get("title") or "")[:_TITLE], said, msgspec.convert(leaf, str | None))
    except ValueError as wrong:
        raise Refused("invalid_value", f"Conversation {number} of the file cannot be read: {wrong}.") from wrong


def _said(key: str, node: _Node) -> _Said:
    """Return what a node of ChatGPT's says; what is no text of user or assistant is left out."""
    message = node.message or _Message()
    role = (message.author or _Author()).role
    hidden = (message.metadata or _Metadata()).is_visually_hidden_from_conversation
    texts = [part for part in (message.content or _Content()).parts or () if isinstance(part, str) and part]
    if role not in {"user", "assistant"} or hidden:
        return _Said(key, "", (), node.parent)
    return _Said(key, role, tuple(TextPart(text) for text in texts), node.parent)


def _chained(told: Sequence[_Said], leaf: str | None, new_id: Callable[[], str], now: int) -> list[Message]:
    """Return the messages with new ids, parents first and the path to the leaf last."""
    known = {said.id: said for said in told}
    children: dict[str | None, list[_Said]] = {}
    for said in known.values():
        children.setdefault(said.parent if said.parent in known else None, []).append(said)
    path = _upwards(leaf, known)
    messages: list[Message] = []
    stack: list[tuple[_Said, str | None]] = [(said, None) for said in children.get(None, ())]
    seen: set[str] = set()
    while stack:
        # What leads to the leaf waits until all else is told.
        at = next((place for place in range(len(stack) - 1, -1, -1) if stack[place][0].id not in path), len(stack) - 1)
        said, parent = stack.pop(at)
        if said.id in seen:
            continue
        seen.add(said.id)
        if said.is_shown:
            message = Message(
                id=new_id(),
                role=said.role,  # type: ignore[arg-type]  # one of the names
                parts=said.parts,
                created_at=now + len(messages),
                parent_id=parent,
            )
            messages.append(message)
            parent = message.id
        stack += [(child, parent) for child in children.get(said.id, ())]
    return messages


def _upwards(leaf: str | None, known: Mapping[str, _Said]) -> set[str]:
    path: set[str] = set()
    while leaf is not None and leaf in known and leaf not in path:
        path.add(leaf)
        leaf = known[leaf].parent
    return path


def _block(part: Part) -> str:
    match part:
        case CallPart():
            return f"`{part.name}({part.text})`"
        case OutputPart():
            return f"```\n{part.text}\n```"
        case ImagePart():
            return "*(an image)*"
        case _:
            return part.text


def _unknown(number: int) -> Refused:
    return Refused(
        "invalid_value",
        f"Conversation {number} of the file is neither {FORMAT} nor one of ChatGPT's conversations.json.",
    )
