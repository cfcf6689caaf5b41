"""Items of an answer and the parts of the reply that stand for them."""

from server.core import items
from server.core.events import Delta, Event, ItemClosed, ItemOpened, Opened
from server.core.records import CallPart, Message, ReasoningPart, RefusalPart, TextPart

LOG: list[Event] = [
    Opened(0),
    ItemOpened(2, 0, "rs_1.0", "reasoning"),
    Delta(4, 0, "Hm"),
    ItemClosed(5, 0),
    ItemOpened(8, 1, "msg_1"),
    Delta(10, 1, "He"),
    Delta(11, 1, "llo"),
    ItemClosed(12, 1),
    ItemOpened(15, 2, "fc_1.2", "function_call", "call_1", "weather"),
    Delta(17, 2, "{}"),
    ItemOpened(18, 3, "fc_1.3", "function_call", "call_2", "time"),
]
PARTS = (ReasoningPart("Hm"), TextPart("Hello"), CallPart("call_1", "weather", "{}"), CallPart("call_2", "time", ""))
REPLY = Message(id="msg_1", role="assistant", parts=PARTS, created_at=0)


def test_a_log_becomes_the_parts_of_a_reply() -> None:
    """Each item is a part with all its text, in the order of the items; a call without arguments is one too."""
    assert items.parts(LOG) == PARTS
    assert items.texts(REPLY) == ["Hm", "Hello", "{}", ""]
    assert items.texts(None) == ()


def test_items_of_a_stored_reply_have_the_ids_of_the_log() -> None:
    """The first words have the id of the message; all other items are named by their kind and index."""
    assert [id_ for id_, _ in items.opened(REPLY)] == ["rs_1.0", "msg_1", "fc_1.2", "fc_1.3"]


def test_an_item_leads_to_its_message() -> None:
    """The id of an item tells the message; other ids come back as they are."""
    assert [items.message_id(id_) for id_, _ in items.opened(REPLY)] == ["msg_1"] * 4
    assert items.message_id("msg_1.2") == "msg_1"
    assert items.message_id("anything") == "anything"


def test_only_open_text_can_be_continued() -> None:
    """A log with nothing but a text that is still open is continued; calls, thoughts and closed items are not."""
    assert items.unfinished([Opened(0)]) == ""
    assert items.unfinished([Opened(0), ItemOpened(2, 0, "msg_1"), Delta(4, 0, "He")]) == "He"
    assert items.unfinished([Opened(0), ItemOpened(2, 0, "msg_1"), Delta(4, 0, "He"), ItemClosed(5, 0)]) is None
    assert items.unfinished(LOG[:3]) is None
    refusing = Message(id="msg_2", role="assistant", parts=(RefusalPart("No."),), created_at=0)
    assert items.opened(refusing) == [("msg_2", RefusalPart("No."))]
