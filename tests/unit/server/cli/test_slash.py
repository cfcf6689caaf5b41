"""The commands between messages."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from client import Rest
from server.cli.lines import Lines
from server.cli.output import CommandError
from server.cli.slash import LISTED, Choice, Slash


class Told(Rest):
    """A server that knows two personas, two models and two conversations."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", "sk-1")

    def personas(self) -> Sequence[Mapping[str, Any]]:
        return [{"id": "pirate", "title": "Captain Marrow"}, {"id": "socratic-tutor", "title": "Tutor"}]

    def models(self) -> Sequence[Mapping[str, Any]]:
        return [{"id": "gpt-4"}, {"id": "local", "description": "Small."}, {"id": "persona:pirate"}]

    def conversations(self, *, after: str | None = None, limit: int = 20) -> Sequence[Mapping[str, Any]]:
        assert (after, limit) == (None, LISTED)
        return [{"id": "conv_2", "title": "Of the sea"}, {"id": "conv_1", "title": None}]

    def usage(self) -> Mapping[str, Any]:
        return {"tier": "plus", "limits": [{"id": "local.messages", "cap": 9, "remaining": 4}]}


def ran(word: str, name: str = "", choice: Choice | None = None) -> tuple[Choice, list[str]]:
    """Run a command and return what is chosen then, and what was told."""
    chosen, notes = choice or Choice(), io.StringIO()
    Slash(Told(), Lines(io.StringIO(), io.StringIO(), notes), chosen).run(word, name)
    return chosen, notes.getvalue().splitlines()


def test_lists_are_aligned_and_mark_what_is_chosen() -> None:
    """Personas stand with the personas, and models with the models."""
    chosen = Choice(persona="pirate", model="local", conversation="conv_2")
    assert ran("persona", choice=chosen)[1] == ["* pirate          Captain Marrow", "  socratic-tutor  Tutor"]
    assert ran("model", choice=chosen)[1] == ["  gpt-4", "* local  Small."]
    assert ran("conversation", choice=chosen)[1] == ["* conv_2  Of the sea", "  conv_1"]


def test_names_are_chosen_if_they_are_there() -> None:
    """What there is not is refused with what there is, and the choice stays."""
    assert ran("persona", "pirate@2", Choice(conversation="conv_1"))[0] == Choice(persona="pirate@2")
    assert ran("model", "gpt-4", Choice(conversation="conv_1"))[0] == Choice(model="gpt-4", conversation="conv_1")
    chosen = Choice(persona="pirate", model="local")
    for word in ("persona", "model"):
        with pytest.raises(CommandError, match=f"There is no {word} pirat. Name one of: "):
            ran(word, "pirat", chosen)
    assert chosen == Choice(persona="pirate", model="local")


def test_caps_are_shown() -> None:
    """The tier comes first."""
    assert ran("usage")[1] == ["Tier plus.", "local.messages: 4 of 9 left."]


def test_a_new_conversation_keeps_who_answers() -> None:
    """Only the conversation is left."""
    assert ran("new", choice=Choice("pirate", "local", "conv_1"))[0] == Choice("pirate", "local", None)


def test_help_lists_every_command_and_others_are_told() -> None:
    """What is not a command says where they are listed, and how to say it as a message."""
    for word in ("/persona", "/model", "/conversation", "/new", "/usage", "/quit"):
        assert sum(line.startswith(f"{word} ") for line in ran("help")[1]) == 1, word
    with pytest.raises(CommandError, match=r"There is no command /nonsense; /help lists them\. Type //"):
        ran("nonsense")
