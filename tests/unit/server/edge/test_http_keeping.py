"""Beginning, filling, searching and moving conversations over HTTP."""

from typing import Any

import pytest

from server.core.records import TextPart
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World

HI = {"role": "user", "content": "hi"}


def test_a_conversation_begins_with_items() -> None:
    """What was said elsewhere is stored as a conversation, with a title of its first words."""
    world = World()
    with visiting(world) as client:
        made = client.post("/v1/conversations", json={"items": [HI], "metadata": {"a": "b"}}).json()
        assert (made["object"], made["title"], made["metadata"]) == ("conversation", "hi", {"a": "b"})
        assert world.store.said[0].parts == (TextPart("hi"),)
        assert client.post("/v1/conversations", json={}).json()["leaf"] is None


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/conversations", {"items": [{"role": "system", "content": "x"}]}, (400, "unsupported_value")),
        ("/v1/conversations", {"items": [{"role": "user", "content": "forbidden"}]}, (400, "content_blocked")),
        ("/v1/conversations", {"items": []}, (400, "missing_field")),
        ("/v1/conversations/conv_9/items", {"items": [HI]}, (404, "conversation_not_found")),
        ("/v1/conversations/conv_9", {"archived": True}, (404, "conversation_not_found")),
        ("/v1/conversations/import", [1], (400, "invalid_value")),
        ("/v1/conversations/import", {"messages": []}, (400, "invalid_value")),
    ],
)
def test_what_cannot_be_kept_is_refused(path: str, body: Any, expected: tuple[int, str]) -> None:
    """Items are checked and screened as input is, and another user's conversation is as none."""
    with visiting(World()) as client:
        assert error_of(client.post(path, json=body)) == expected


def test_a_search_needs_words() -> None:
    """A search without a word in it is refused; one with words has a page."""
    with visiting(World()) as client:
        assert error_of(client.get("/v1/conversations/search?query=%22")) == (400, "invalid_value")
        assert error_of(client.get("/v1/conversations/search")) == (400, "invalid_value")
        assert client.get("/v1/conversations/search?query=rain").json()["data"] == []


def test_an_import_is_one_value() -> None:
    """What stands behind it is no part of it: the file is refused."""
    with visiting(World()) as client:
        file = b'{"format": "parley.conversation/1", "messages": []}'
        assert client.post("/v1/conversations/import", content=file).status_code == 200
        odd = client.post("/v1/conversations/import", content=file + b',"body":[]')
        assert error_of(odd) == (400, "invalid_json")


def test_an_import_is_stored_whole_or_not_at_all() -> None:
    """One message that must not be said leaves nothing of the file."""
    world = World()
    with visiting(world) as client:
        parts = [[{"type": "text", "text": text}] for text in ("hi", "forbidden")]
        files = [
            {"format": "parley.conversation/1", "messages": [{"id": "a", "role": "user", "parts": said}]}
            for said in parts
        ]
        assert error_of(client.post("/v1/conversations/import", json=files)) == (400, "content_blocked")
        assert (world.store.kept, world.store.said) == ([], [])
        assert len(client.post("/v1/conversations/import", json=files[:1]).json()["data"]) == 1
