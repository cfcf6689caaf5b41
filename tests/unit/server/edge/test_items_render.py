"""Stored messages as items."""

from openai.types.conversations import ConversationItem
from pydantic import TypeAdapter

from server.core.records import CallPart, Message, OutputPart, ReasoningPart, RefusalPart, TextPart
from server.edge.items_render import items_of
from tests.unit.server.edge.stories import NOW

CHECK: TypeAdapter[object] = TypeAdapter(ConversationItem)


def test_a_reply_is_all_that_it_said() -> None:
    """Thoughts, words, refusals and calls of one reply are an item each, with the ids that they streamed with."""
    parts = (ReasoningPart("Hm"), TextPart("Hi"), RefusalPart("No."), CallPart("c", "f", "{}"))
    shown = items_of(Message(id="msg_1", role="assistant", parts=parts, created_at=NOW, parent_id="msg_0"))
    assert [item["id"] for item in shown] == ["rs_1.0", "msg_1", "msg_1.2", "fc_1.3"]
    assert [item["type"] for item in shown] == ["reasoning", "message", "message", "function_call"]
    assert {item["parent_id"] for item in shown} == {"msg_0"}
    for item in shown:
        CHECK.validate_python(item)


def test_an_output_is_an_item() -> None:
    """What a function gave back has the id of its message."""
    (shown,) = items_of(Message(id="msg_2", role="tool", parts=(OutputPart("c", "rain"),), created_at=NOW))
    assert (shown["id"], shown["type"], shown["call_id"], shown["output"]) == (
        "msg_2",
        "function_call_output",
        "c",
        "rain",
    )
    CHECK.validate_python(shown)
