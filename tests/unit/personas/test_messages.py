"""Messages and their parts."""

from personas.messages import Image, Message, Text, say, with_context


def test_text_of_a_message_is_its_texts_in_order() -> None:
    """The text leaves images out and adds nothing."""
    assert Message("user", (Text("a "), Image("sha256:1"), Text("b"))).text == "a b"


def test_context_line_leads_and_the_parts_stay() -> None:
    """with_context puts the line before the parts, which do not change."""
    message = say("user", "Hello\n")
    dated = with_context("<context>today</context>", message)
    assert dated.content == (Text("<context>today</context>\n"), *message.content)
    assert dated.role == "user"


def test_no_context_line_changes_nothing() -> None:
    """Without a line the message is the same object."""
    message = say("user", "Hello")
    assert with_context(None, message) is message
    assert with_context("", message) is message
