"""Strict templates get one first message and then user and assistant in turns."""

from personas.alternation import strict
from personas.messages import Image, Message, Text, say

PICTURE = Image("sha256:1")


def shape(messages: list[Message]) -> list[tuple[str, str]]:
    """Return roles and texts."""
    return [(message.role, message.text) for message in messages]


def test_neighbours_of_one_role_are_joined() -> None:
    """Their parts stay whole, with a blank line between them."""
    joined = strict([say("user", "a "), Message("user", (PICTURE, Text("b"))), say("assistant", "c")])
    assert joined == [Message("user", (Text("a "), Text("\n\n"), PICTURE, Text("b"))), say("assistant", "c")]


def test_a_trailing_reminder_folds_into_the_first_message() -> None:
    """Instructions from anywhere stand in front, in their order and under the first one's role."""
    messages = [say("developer", "Rules."), say("user", "Hi"), say("system", "Remember.")]
    assert shape(strict(messages)) == [("developer", "Rules.\n\nRemember."), ("user", "Hi")]


def test_an_opening_of_the_assistant_is_quoted_to_the_user() -> None:
    """The model knows what it said, the turns begin with the user, and nothing that was said becomes instructions."""
    messages = [say("system", "Rules."), say("assistant", 'Hi "you".'), say("user", "Hello")]
    assert shape(strict(messages)) == [
        ("system", "Rules."),
        ("user", 'You opened the conversation with: "Hi \\"you\\"."\n\nHello'),
    ]


def test_an_opening_alone_is_a_message_of_the_users() -> None:
    """The quotation becomes the first turn."""
    assert shape(strict([say("assistant", "Hi.")])) == [("user", 'You opened the conversation with: "Hi."')]


def test_a_greeting_after_examples_joins_the_last_answer() -> None:
    """Only an assistant without a user before it is quoted."""
    messages = [say("system", "R"), say("user", "Q"), say("assistant", "A"), say("assistant", "Hi."), say("user", "x")]
    assert shape(strict(messages)) == [("system", "R"), ("user", "Q"), ("assistant", "A\n\nHi."), ("user", "x")]


def test_images_of_folded_messages_move_to_the_first_user_message() -> None:
    """No picture is lost, though instructions carry none."""
    opening = [Message("system", (Text("R"), PICTURE)), Message("assistant", (Image("sha256:2"),))]
    with_user = strict([*opening, say("user", "x")])
    quoted = Text('You opened the conversation with: ""')
    assert with_user[1] == Message("user", (PICTURE, quoted, Image("sha256:2"), Text("\n\n"), Text("x")))
    assert strict(opening)[1] == Message("user", (PICTURE, quoted, Image("sha256:2")))


def test_what_alternates_already_passes() -> None:
    """Nothing is changed without need."""
    messages = [say("system", "R"), say("user", "a"), say("assistant", "b"), say("user", "c")]
    assert strict(messages) == messages
    assert strict([]) == []
