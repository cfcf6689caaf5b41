"""The messages of a conversation as a tree: which stand side by side, and where a branch ends. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Node(NamedTuple):
    """The place of one message."""

    id: str
    parent_id: str | None
    created_at: int


def siblings(tree: Sequence[Node]) -> Mapping[str, Sequence[str]]:
    """Return for each message the ids of those that answer to the same one, itself among them, oldest first."""
    children = _children(tree)
    return {node.id: [one.id for one in children[node.parent_id]] for node in tree}


def newest_end(tree: Sequence[Node], message_id: str) -> str:
    """Return the newest of the messages without an answer that `message_id` leads to; itself if it has none."""
    children = _children(tree)
    ends: list[Node] = []
    reached = [node for node in tree if node.id == message_id]
    while reached:
        node = reached.pop()
        reached += children.get(node.id, ())
        if node.id not in children:
            ends.append(node)
    return max(ends, key=_age).id


def _children(tree: Sequence[Node]) -> dict[str | None, list[Node]]:
    children: dict[str | None, list[Node]] = {}
    for node in sorted(tree, key=_age):
        children.setdefault(node.parent_id, []).append(node)
    return children


def _age(node: Node) -> tuple[int, str]:
    return node.created_at, node.id
