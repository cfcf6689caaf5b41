"""Conversations as files: ours, with every branch; Markdown, to read; and ChatGPT's `conversations.json`. Pure.

Ids are made anew where a file comes in, so that nothing of it can name what is here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

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
    brought = []
    for number, one in enumerate(found):
        if not isinstance(one, dict):
            raise _unknown(number)
        if one.get("format") == FORMAT:
            brought.append(_ours(one, number, new_id, now))
        elif isinstance(one.get("mapping"), dict):
            brought.append(_chatgpt(one, new_id, now))
        else:
            raise _unknown(number)
    if sum(len(one.messages) for one in brought) > MOST_MESSAGES:
        raise Refused("invalid_value", f"A file may bring {MOST_MESSAGES} messages; divide it.", param="messages")
    return brought


def _ours(one: Mapping[str, Any], number: int, new_id: Callable[[], str], now: int) -> Brought:
    try:
        parts = [msgspec.convert(said["parts"], tuple[Part, ...]) for said in one["messages"]]
        made = [
            _Node(said["id"], said.get("parent"), said["role"], said_parts)
            for said, said_parts in zip(one["messages"], parts, strict=True)
        ]
    except (KeyError, TypeError, ValueError) as wrong:
        raise Refused("invalid_value", f"Conversation {number} of the file cannot be read: {wrong}.") from wrong
    return Brought(str(one.get("title") or "")[:_TITLE], _chained(made, one.get("leaf"), new_id, now))


def _chatgpt(one: Mapping[str, Any], new_id: Callable[[], str], now: int) -> Brought:
    """Return a conversation of ChatGPT's export: a mapping of nodes, some of them without anything to show."""
    nodes: list[_Node] = []
    for key, node in one["mapping"].items():
        said = node.get("message") if isinstance(node, dict) else None
        parent = node.get("parent") if isinstance(node, dict) else None
        nodes.append(_Node(key, parent, *_said_in(said)))
    return Brought(str(one.get("title") or "")[:_TITLE], _chained(nodes, one.get("current_node"), new_id, now))


def _said_in(message: Any) -> tuple[str, tuple[Part, ...]]:
    """Return who says what in a message of ChatGPT's; what is no text of user or assistant is left out."""
    if not isinstance(message, dict):
        return "", ()
    role = (message.get("author") or {}).get("role") if isinstance(message.get("author"), dict) else None
    content = message.get("content") if isinstance(message.get("content"), dict) else {}
    hidden = isinstance(message.get("metadata"), dict) and message["metadata"].get(
        "is_visually_hidden_from_conversation"
    )
    texts = [part for part in content.get("parts") or () if isinstance(part, str) and part] if content else []
    if role not in {"user", "assistant"} or hidden:
        return "", ()
    return role, tuple(TextPart(text) for text in texts)


@dataclass(frozen=True, slots=True)
class _Node:
    id: Any
    parent: Any
    role: str
    parts: tuple[Part, ...]
    """None at all for what is left out; its children come behind its parent."""


def _chained(nodes: Sequence[_Node], leaf: Any, new_id: Callable[[], str], now: int) -> list[Message]:
    """Return the messages with new ids, parents first and the path to the leaf last."""
    known = {node.id: node for node in nodes if isinstance(node.id, str)}
    children: dict[Any, list[_Node]] = {}
    for node in known.values():
        children.setdefault(node.parent if node.parent in known else None, []).append(node)
    path = set(_upwards(leaf, known))
    messages: list[Message] = []
    stack: list[tuple[_Node, str | None]] = [(node, None) for node in children.get(None, ())]
    seen: set[str] = set()
    while stack:
        # What leads to the leaf waits until all else is told.
        at = next((place for place in range(len(stack) - 1, -1, -1) if stack[place][0].id not in path), len(stack) - 1)
        node, parent = stack.pop(at)
        if node.id in seen:
            continue
        seen.add(node.id)
        if node.parts and node.role in _NAMES:
            message = Message(
                id=new_id(),
                role=node.role,  # type: ignore[arg-type]  # one of the names
                parts=node.parts,
                created_at=now + len(messages),
                parent_id=parent,
            )
            messages.append(message)
            parent = message.id
        stack += [(child, parent) for child in children.get(node.id, ())]
    return messages


def _upwards(leaf: Any, known: Mapping[Any, _Node]) -> list[Any]:
    path: list[Any] = []
    while leaf in known and leaf not in path:
        path.append(leaf)
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
