"""Conversations as files, out and in."""

import json
from itertools import count
from typing import Any

import pytest

from server.chat.transfer import document, markdown, read
from server.core.errors import Refused
from server.core.records import CallPart, Conversation, Message, OutputPart, TextPart

CHAT = Conversation(id="conv_1", user_id="u", created_at=0, updated_at=0, title="Rain", leaf_id="msg_5")
SAID = [
    Message(id="msg_1", role="user", parts=(TextPart("Rain?"),), created_at=1),
    Message(id="msg_2", role="assistant", parts=(TextPart("No."),), created_at=2, parent_id="msg_1"),
    Message(id="msg_3", role="assistant", parts=(CallPart("c", "f", "{}"),), created_at=3, parent_id="msg_1"),
    Message(id="msg_4", role="tool", parts=(OutputPart("c", "yes"),), created_at=4, parent_id="msg_3"),
    Message(id="msg_5", role="assistant", parts=(TextPart("Yes."),), created_at=5, parent_id="msg_4"),
]


def brought(value: Any) -> list[tuple[str, list[tuple[str, str, str | None]]]]:
    numbers = count(1)
    found = read(json.loads(json.dumps(value)), lambda: f"new_{next(numbers)}", 9)
    return [
        (
            one.title,
            [
                (m.id, "".join(part.text for part in m.parts if hasattr(part, "text")), m.parent_id)
                for m in one.messages
            ],
        )
        for one in found
    ]


def test_an_export_comes_back_with_every_branch() -> None:
    """Messages have new ids, parents first, and the path to the leaf is last."""
    assert brought(document(CHAT, SAID)) == [
        (
            "Rain",
            [
                ("new_1", "Rain?", None),
                ("new_2", "No.", "new_1"),
                ("new_3", "{}", "new_1"),
                ("new_4", "yes", "new_3"),
                ("new_5", "Yes.", "new_4"),
            ],
        )
    ]


def test_markdown_is_for_reading() -> None:
    """The path is told with who says what."""
    text = markdown(CHAT, [SAID[0], *SAID[2:]])
    assert text.startswith("# Rain\n\n## User\n\nRain?\n\n## Assistant\n\n`f({})`\n\n## Function\n\n")
    assert text.endswith("## Assistant\n\nYes.\n")


def node(id_: str, parent: str | None, role: str | None, *parts: Any, **metadata: Any) -> dict[str, Any]:
    message = None
    if role is not None:
        content = {"content_type": "text", "parts": list(parts)}
        message = {"id": id_, "author": {"role": role}, "content": content, "metadata": metadata}
    return {"id": id_, "parent": parent, "children": [], "message": message}


def test_a_conversation_of_chatgpt() -> None:
    """Nodes without a message, hidden ones and the system's are left out; every branch stays."""
    nodes = [
        node("root", None, None),
        node("sys", "root", "system", ""),
        node("hidden", "sys", "user", "profile", is_visually_hidden_from_conversation=True),
        node("a", "hidden", "user", "Hi", {"asset_pointer": "file://x"}),
        node("b", "a", "assistant", "Old"),
        node("c", "a", "assistant", "New"),
        node("d", "c", "tool", "searching"),
        node("e", "d", "user", "More"),
    ]
    file = [{"title": "Talk", "mapping": {one["id"]: one for one in nodes}, "current_node": "c"}]
    ((title, said),) = brought(file)
    assert title == "Talk"
    assert said[0] == ("new_1", "Hi", None)
    assert {(text, parent) for _, text, parent in said} >= {("Old", "new_1"), ("New", "new_1")}
    assert ("More", next(id_ for id_, text, _ in said if text == "New")) in {(text, parent) for _, text, parent in said}


@pytest.mark.parametrize(
    "value",
    [
        7,
        [7],
        {},
        {"format": "parley.conversation/1"},
        {"format": "parley.conversation/1", "messages": [{"id": "a", "role": "user", "parts": [{"type": "x"}]}]},
        {"format": "parley.conversation/1", "messages": [], "leaf": []},
        {"format": "parley.conversation/1", "messages": [{"id": "a", "parent": [], "role": "user", "parts": []}]},
        {"format": "parley.conversation/1", "messages": [{"id": "a", "role": [], "parts": []}]},
        {"mapping": {}, "current_node": []},
        {"mapping": {"a": {"parent": []}}},
        {"mapping": {"a": {"message": {"author": {"role": []}}}}},
        {"mapping": {"a": {"message": {"author": {"role": "user"}, "content": {"parts": 5}}}}},
    ],
)
def test_other_files_are_refused(value: Any) -> None:
    """What is neither ours nor ChatGPT's is said to be neither."""
    with pytest.raises(Refused, match="invalid_value"):
        brought(value)


def test_a_file_that_goes_in_circles_ends() -> None:
    """Parents that lead back to themselves bring nothing, and nothing hangs."""
    nodes = {"a": node("a", "b", "user", "x"), "b": node("b", "a", "user", "y")}
    assert brought({"title": "", "mapping": nodes, "current_node": "a"}) == [("", [])]


def test_a_long_chain_of_nodes_is_read() -> None:
    """The time goes with their number, not with its square: this many would take minutes."""
    nodes = {f"n{number}": {"parent": f"n{number - 1}", "message": None} for number in range(100_000)}
    nodes["last"] = node("last", "n99999", "user", "Hi")
    assert brought({"mapping": nodes, "current_node": "last"}) == [("", [("new_1", "Hi", None)])]


def test_too_many_messages_are_refused() -> None:
    """Of all conversations of the file together; nodes that show nothing do not count."""
    said = [{"id": f"m{number}", "role": "user", "parts": [{"type": "text", "text": "x"}]} for number in range(10_001)]
    one = {"format": "parley.conversation/1", "messages": said}
    assert len(brought([one])) == 1
    with pytest.raises(Refused, match="20000 messages"):
        brought([one, one])
