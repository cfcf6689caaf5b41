"""Stored messages as messages of completions."""

from typing import Any

import pytest

from server.core.records import CallPart, ImagePart, Message, OutputPart, Part, RefusalPart, TextPart
from server.edge.messages_render import messages_of


def shown(role: str, *parts: Part) -> list[dict[str, Any]]:
    return messages_of(Message(id="m", role=role, parts=parts, created_at=0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("role", "parts", "expected"),
    [
        ("user", [TextPart("a"), TextPart("b")], {"content": "ab"}),
        (
            "user",
            [TextPart("a"), ImagePart("file-1", "low")],
            {
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "image_url", "image_url": {"url": "file-1", "detail": "low"}},
                ]
            },
        ),
        ("assistant", [TextPart("a")], {"content": "a", "refusal": None}),
        ("assistant", [RefusalPart("No.")], {"content": None, "refusal": "No."}),
        (
            "assistant",
            [CallPart("c", "f", "{}")],
            {
                "content": None,
                "refusal": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
        ),
        ("tool", [OutputPart("c", "rain")], {"tool_call_id": "c", "content": "rain"}),
    ],
)
def test_a_message(role: str, parts: list[Part], expected: dict[str, Any]) -> None:
    """Each kind of part stands where completions have it."""
    assert shown(role, *parts) == [{"id": "m", "role": role, **expected}]
