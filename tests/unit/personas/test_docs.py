"""The examples of docs/personas.md are personas."""

import re
import textwrap
from pathlib import Path

import pytest

from personas.composition import compose
from personas.fields import Bounds, Entry, FrontMatter, Knowledge, ModelChoice, Profile, Strict
from personas.front_matter import read
from personas.persona import parse
from personas.problems import PersonaRefused
from personas.template import FILTERS, NAMES
from personas.validation import nearest, validate

PAGE = (Path(__file__).parents[3] / "docs" / "personas.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^ *```(\w+)\n(.*?)^ *```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    """Return the fenced examples in a language."""
    return [textwrap.dedent(text) for name, text in BLOCKS if name == language]


def test_every_example_is_checked() -> None:
    """There are examples, and none in a language that no test reads."""
    assert {name for name, _ in BLOCKS} == {"markdown", "yaml"}


@pytest.mark.parametrize("text", blocks("markdown"))
def test_whole_personas_have_no_problems(text: str) -> None:
    """A persona that readers copy works as it stands."""
    persona = parse(text, source="example.md")
    assert persona.problems == ()
    assert compose(persona, {}).summary


@pytest.mark.parametrize("text", blocks("yaml"))
def test_fields_are_valid(text: str) -> None:
    """An excerpt of front matter fits the models once the required fields are there."""
    fields = read(text, first_line=1)
    data = {"spec": "persona/1", "name": "example", "summary": "S."} | fields.data
    try:
        validate(FrontMatter, data, lambda path: ("docs/personas.md", fields.lines[nearest(fields.lines, path)]))
    except PersonaRefused as refused:
        pytest.fail(str(refused))


@pytest.mark.parametrize("kind", [Profile, FrontMatter, ModelChoice, Bounds, Knowledge, Entry])
def test_every_field_is_documented(kind: type[Strict]) -> None:
    """The page names every field."""
    assert [name for name in kind.model_fields if not re.search(rf"\b{name}\b", PAGE)] == []


def test_every_name_and_filter_is_documented() -> None:
    """The page names all that a template may use."""
    assert [word for word in (*NAMES, *FILTERS) if f"`{word}`" not in PAGE] == []
