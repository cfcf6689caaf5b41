"""The messages of a conversation as a tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.branches import Node, newest_end, siblings

TREE = [
    Node("ask", None, 1),
    Node("reply", "ask", 2),
    Node("again", "ask", 3),
    Node("more", "reply", 4),
    Node("edited", None, 5),
    Node("other", "reply", 6),
    Node("last", "more", 7),
]


def test_siblings_answer_to_the_same_message() -> None:
    """Oldest first, however they were read; those that begin the conversation are siblings too."""
    expected = {
        "ask": ["ask", "edited"],
        "edited": ["ask", "edited"],
        "reply": ["reply", "again"],
        "again": ["reply", "again"],
        "more": ["more", "other"],
        "other": ["more", "other"],
        "last": ["last"],
    }
    assert siblings(TREE) == siblings(TREE[::-1]) == expected


@pytest.mark.parametrize(
    ("message", "end"),
    [("ask", "last"), ("reply", "last"), ("again", "again"), ("other", "other"), ("edited", "edited")],
)
def test_a_branch_ends_where_it_was_last_used(message: str, end: str) -> None:
    """The newest message below that nothing answers to, or the message itself."""
    assert newest_end(TREE, message) == end


@given(st.lists(st.integers(min_value=-1, max_value=50), min_size=1, max_size=50))
def test_any_tree_has_its_ends(parents: list[int]) -> None:
    """From every message a branch leads to one that nothing answers to, and each has itself as sibling."""
    tree = [Node(str(at), str(up % at) if up >= 0 and at else None, at) for at, up in enumerate(parents)]
    answered = {node.parent_id for node in tree}
    for node in tree:
        assert newest_end(tree, node.id) not in answered
        assert node.id in siblings(tree)[node.id]
