"""The schema that editors get agrees with what is read, and is the one that is published."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from personas import CATALOG, front_matter
from personas.fields import FrontMatter
from personas.persona import parse
from personas.problems import PersonaRefused
from personas.schema import file_schema
from personas.validation import validate

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / "docs" / "persona.schema.json"
EXAMPLE = ROOT / "tests" / "golden" / "example" / "socratic-tutor" / "persona.md"
LEAST = {"spec": "persona/1", "name": "p", "summary": "S."}
VALIDATOR = jsonschema.Draft202012Validator(file_schema())


def fields(file: Path) -> dict[str, Any]:
    """Return the front matter of a file."""
    halves = front_matter.cut(file.read_text(encoding="utf-8"))
    return front_matter.read(halves.front, first_line=2).data


def is_read(data: dict[str, Any]) -> bool:
    """Return whether the models take these fields."""
    try:
        validate(FrontMatter, data, lambda _: ("p.md", 1))
    except PersonaRefused:
        return False
    return True


def test_it_is_a_schema_and_published_as_it_is() -> None:
    """The file in the documentation is what `parley personas schema` prints."""
    jsonschema.Draft202012Validator.check_schema(file_schema())
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == file_schema()


@pytest.mark.parametrize("file", [EXAMPLE, *sorted(CATALOG.rglob("*.md"))], ids=lambda file: file.parent.name)
def test_whole_personas_are_valid(file: Path) -> None:
    """The example that uses every field, and every persona that ships."""
    if file.parent.name not in {"knowledge", "partials"}:
        VALIDATOR.validate(fields(file))
        assert is_read(fields(file))


@pytest.mark.parametrize(
    "more",
    [
        {"greeting": "Hello"},
        {"greeting": ["Hello", "Good day"]},
        {"bounds": {"notes": False}},
        {"bounds": {"notes": {}}},
        {"bounds": {"dials": {"pace": {"choices": ["slow", "fast"], "default": "slow"}}}},
        {"bounds": {"dials": {"topic": {"text": {}, "default": ""}}}},
        {"knowledge": {"entries": [{"always": True, "text": "T."}]}},
        {"extensions": {"any": [1, {"thing": None}]}},
    ],
)
def test_what_authors_may_write_is_valid(more: dict[str, Any]) -> None:
    """Every form that a field may have."""
    VALIDATOR.validate(LEAST | more)
    assert is_read(LEAST | more)


@pytest.mark.parametrize(
    "more",
    [
        {"spec": "persona/2"},
        {"name": "Not A Name"},
        {"summary": ""},
        {"sumary": "S."},
        {"title": "two\nlines"},
        {"tags": ["t"] * 13},
        {"greeting": ["g"] * 9},
        {"starters": ["s" * 161]},
        {"model": {"use": []}},
        {"model": {"temperature": 2.1}},
        {"model": {"top_p": 0}},
        {"model": {"needs": ["luck"]}},
        {"access": {"tier": ["plus"]}},
        {"bounds": {"notes": True}},
        {"bounds": {"notes": {"max_chars": 4001}}},
        {"bounds": {"dials": {"Pace": {"choices": ["a", "b"], "default": "a"}}}},
        {"bounds": {"dials": {"pace": {"choices": ["a"], "default": "a"}}}},
        {"bounds": {"dials": {"pace": {"choices": ["a", "b"]}}}},
        {"bounds": {"dials": {"pace": {"choices": ["a", "b"], "text": {}, "default": "a"}}}},
        {"bounds": {"dials": {"pace": {"default": "a"}}}},
        {"knowledge": {"entries": [{"always": True}]}},
        {"knowledge": {"entries": [{"always": True, "text": "T.", "file": "f.md"}]}},
        {"knowledge": {"scan_turns": 0}},
        {"examples": [{"user": "Q"}]},
        {"reminder": "r" * 601},
        {"gate": {"require": {"bounds": 1.1}}},
        {"metadata": {"a": 1}},
    ],
    ids=lambda more: json.dumps(more)[:60],
)
def test_what_authors_may_not_write_is_invalid(more: dict[str, Any]) -> None:
    """An editor underlines what the server would refuse."""
    assert not VALIDATOR.is_valid(LEAST | more)
    assert not is_read(LEAST | more)


def test_the_example_has_no_problems() -> None:
    """A persona that uses every part of the format is read without a warning."""
    folder = EXAMPLE.parent
    persona = parse(
        EXAMPLE.read_text(encoding="utf-8"),
        source=str(EXAMPLE),
        name_hint="socratic-tutor",
        beside=lambda path: (folder / path).read_text(encoding="utf-8"),
    )
    assert persona.problems == ()
    assert persona.front.gate.require["prompt-leak"] == 1.0
