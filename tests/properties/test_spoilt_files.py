"""Persona files, cards and exports of other tools with something wrong in them are read, or refused in words."""

import io
import json
import math
import zipfile
from pathlib import Path

import pytest
from hypothesis import given

from personas import CATALOG, Library, Message, Now, Persona, PersonaRefused, Session, Text, assemble, compose, parse
from personas.interop import read, write
from tests.properties.spoilt import PARTS, many, spoilt

GOLDEN = Path(__file__).parents[1] / "golden"
EXAMPLE = GOLDEN / "example" / "socratic-tutor" / "persona.md"
CARD = (GOLDEN / "interop" / "card_v3.json").read_bytes()
HOUSE = parse((CATALOG / "house.md").read_text(encoding="utf-8"), source="house.md")
SESSION = Session(now=Now(date="2026-11-23", weekday="Monday"), count=len)

PERSONAS = [file.read_bytes() for file in (EXAMPLE, *sorted(CATALOG.glob("*/persona.md")))]


def archive() -> bytes:
    """Return a card in an archive, as its own tools pack it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("card.json", json.dumps({"spec": "chara_card_v3", "data": {"name": "A", "description": "B"}}))
        opened.writestr("assets/icon.txt", "x" * 2_000)
    return packed.getvalue()


def picture() -> bytes:
    """Return a picture with a card in it."""
    (one,) = read(CARD, file_name="card.json")
    return write(compose(parse(one.text, source=one.name), {}), "card-png").content


IMPORTS = [*(file.read_bytes() for file in sorted((GOLDEN / "interop").iterdir()) if file.is_file())]
IMPORTS += [archive(), picture()]


def told(refused: PersonaRefused, lines: float = math.inf) -> None:
    """See that every mistake is told with a line of the file and a cure."""
    assert "error" in {problem.severity for problem in refused.problems}
    assert all(1 <= problem.line <= lines and problem.message and problem.cure for problem in refused.problems)


def answers(persona: Persona) -> None:
    """Let it answer under the house, unless what it extends is not here."""
    try:
        compiled = compose(persona, {"house": HOUSE})
    except PersonaRefused as refused:
        told(refused)
        return
    assert [passage.heading for passage in compiled.house] == ["", "House rules"]
    assert compiled.house == compose(HOUSE, {}).house
    assemble(compiled, SESSION, [], Message("user", (Text("?"),)))


@pytest.mark.parametrize("part", PARTS)
@many
@given(content=spoilt(PERSONAS))
def test_a_spoilt_persona_is_read_or_refused(content: bytes, part: int) -> None:  # one of several
    """It answers, with every word of the house above it, or each mistake is told with a line of the file and a cure."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    try:
        persona = parse(text, source="p.md")
    except PersonaRefused as refused:
        told(refused, lines=lines + 1)
    else:
        answers(persona)


@pytest.mark.parametrize("part", PARTS)
@many
@given(content=spoilt(IMPORTS))
def test_a_spoilt_import_is_read_or_refused(content: bytes, part: int) -> None:  # one of several
    """What comes out belongs to its owner alone and answers, or what is wrong is said."""
    try:
        found = read(content, file_name="a file")
    except PersonaRefused as refused:
        told(refused)
        return
    for one in found:
        persona = parse(one.text, source=one.name)
        assert persona.front.access.owner_only
        answers(persona)


def test_the_samples_are_good() -> None:
    """What is spoilt here was a persona or an import before."""
    assert not Library.load([CATALOG, EXAMPLE.parents[1]]).refused
    assert all(read(content, file_name="a file") for content in IMPORTS)
