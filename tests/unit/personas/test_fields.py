"""The models hold the bounds of every field."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from personas.fields import FrontMatter

LEAST = {"spec": "persona/1", "name": "p", "summary": "S."}


def front(**fields: Any) -> FrontMatter:
    """Return front matter of the required fields and these."""
    return FrontMatter.model_validate_json(json.dumps(LEAST | fields), strict=True)


def test_three_fields_are_enough() -> None:
    """All other fields have meanings when absent: no notes, any model, everyone."""
    least = front()
    assert least.bounds.notes is None
    assert least.model.use is None
    assert least.access.tiers is None
    assert least.tools is None
    assert least.label == "P"


def test_label_is_the_title_else_the_name_in_words() -> None:
    """People see the title, or a name made readable."""
    assert front(title="Captain").label == "Captain"
    assert front(name="old-sea-dog").label == "Old sea dog"


def test_one_greeting_may_stand_without_a_list() -> None:
    """A greeting is a text or a list of texts."""
    assert front(greeting="Hi.").greeting == ("Hi.",)
    assert front(greeting=["Hi.", "Hello."]).greeting == ("Hi.", "Hello.")


def test_notes_are_bounded_or_off() -> None:
    """`notes: false` turns them off; a mapping has 600 characters unless it says else."""
    assert front(bounds={"notes": False}).bounds.notes is None
    notes = front(bounds={"notes": {}}).bounds.notes
    assert notes is not None
    assert notes.max_chars == 600


def test_extensions_take_anything() -> None:
    """Foreign fields are kept as they came."""
    assert front(extensions={"x": {"y": [1, None]}}).extensions == {"x": {"y": [1, None]}}


@pytest.mark.parametrize(
    "fields",
    [
        {"spec": "persona/2"},
        {"name": "No Spaces"},
        {"name": "a--b"},
        {"name": "x" * 65},
        {"summary": ""},
        {"summary": "x" * 281},
        {"title": "x" * 81},
        {"title": "two\nlines"},
        {"colour": "red"},
        {"tags": ["t"] * 13},
        {"greeting": ["g"] * 9},
        {"greeting": 3},
        {"starters": ["s"] * 7},
        {"starters": ["x" * 161]},
        {"model": {"use": []}},
        {"model": {"temperature": 2.1}},
        {"model": {"temperature": "0.5"}},
        {"model": {"top_p": 0}},
        {"model": {"needs": ["telepathy"]}},
        {"model": {"id": "gpt"}},
        {"access": {"owner_only": "yes"}},
        {"bounds": {"notes": True}},
        {"bounds": {"notes": {"max_chars": 4001}}},
        {"bounds": {"dials": {"Pace": {"choices": ["a", "b"], "default": "a"}}}},
        {"bounds": {"dials": {"pace": {"choices": ["a"], "default": "a"}}}},
        {"bounds": {"dials": {"pace": {"choices": ["a", "b"], "default": "c"}}}},
        {"bounds": {"dials": {"pace": {"default": "c"}}}},
        {"bounds": {"dials": {"pace": {"choices": ["a", "b"], "text": {}, "default": "a"}}}},
        {"bounds": {"dials": {"pace": {"text": {"max_chars": 201}, "default": ""}}}},
        {"bounds": {"dials": {"pace": {"text": {"max_chars": 2}, "default": "abc"}}}},
        {"knowledge": {"entries": [{"when": ["a"]}]}},
        {"knowledge": {"entries": [{"when": ["a"], "text": "t", "file": "f"}]}},
        {"knowledge": {"entries": [{"text": "t"}]}},
        {"examples": [{"user": "u"}]},
        {"reminder": "x" * 601},
        {"gate": {"require": {"bounds": 1.5}}},
        {"metadata": {"a": 1}},
    ],
)
def test_values_out_of_bounds_are_refused(fields: dict[str, Any]) -> None:
    """Each field refuses what its bounds exclude, and no type stands for another."""
    with pytest.raises(ValidationError):
        front(**fields)
