"""A compiled persona is its canonical JSON."""

import json

import pytest
from pydantic import ValidationError

from personas.compiled import Compiled
from personas.composition import compose
from personas.persona import parse

TEXT = """---
spec: persona/1
name: p
summary: S.
greeting: Hi {{ user.name }}
model: { temperature: 1, needs: [vision] }
bounds: { dials: { pace: { choices: [slow, fast], default: slow } }, notes: {} }
knowledge: { entries: [{ when: [a], text: Ä }] }
extensions: { x: { y: [1, 2.5, null, true] } }
---
Be {{ dials.pace }}.

## Bounds

Stay.
"""


def compiled(text: str = TEXT) -> Compiled:
    """Return this file compiled alone."""
    return compose(parse(text, source="p.md"), {})


def test_json_reads_back_to_the_same_persona() -> None:
    """to_json and from_json lose nothing."""
    first = compiled()
    again = Compiled.from_json(first.to_json())
    assert again == first
    assert again.digest == first.digest


def test_json_is_canonical() -> None:
    """Keys are sorted, defaults left out, and letters stay letters."""
    text = compiled().to_json()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert "Ä" in text
    assert "gate" not in json.loads(text)


def test_digest_depends_on_meaning_and_not_on_layout() -> None:
    """Order of fields, comments and the file's name make no other revision; a word does."""
    lines = TEXT.split("\n")
    reordered = "\n".join([*lines[:3], lines[4] + "  # a comment", lines[3], *lines[5:]])
    assert compose(parse(reordered, source="q/persona.md"), {}).digest == compiled().digest
    assert compiled(TEXT.replace("Stay.", "Stay!")).digest != compiled().digest


def test_digest_is_known() -> None:
    """The identity of a stored revision does not change from one version of the program to the next."""
    assert compiled().digest == "e5162fadac202af1febaf4a18b794d8d465eca56a4cd4b08e3eea5ce570d2246"


def test_compiled_cannot_be_changed() -> None:
    """A revision is immutable."""
    with pytest.raises(ValidationError):
        compiled().name = "q"  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"spec":"compiled/2"}'])
def test_other_json_is_refused(text: str) -> None:
    """from_json takes only what to_json wrote."""
    with pytest.raises(ValueError, match="Compiled"):
        Compiled.from_json(text)
