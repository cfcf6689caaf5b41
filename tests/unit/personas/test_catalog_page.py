"""The page that shows the shipped personas says what their files say.

After a change that is meant, write the page with `python -m tests.unit.personas.test_catalog_page > docs/catalog.md`
and read it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from personas import CATALOG, Compiled, Library, Now, Session, greetings

PAGE = Path(__file__).parents[3] / "docs" / "catalog.md"
LIBRARY = Library.load([CATALOG])
SESSION = Session(now=Now(date="2026-11-23", weekday="Monday"), count=len)
HEAD = """\
# The catalog

Twelve personas ship with Parley. Talk to one with `parley chat --persona NAME`, or name it from any client:
`"model": "persona:NAME"`. A file of yours with the same name takes its place; [personas.md](personas.md) says how one
is written, and `personas/catalog/` has the files.

All of them stand under the rules of `house`, and fit the small embedded model: house and persona together are fewer
than 400 tokens.
"""


def written() -> str:
    """Return the page."""
    return "\n".join([HEAD, *("\n".join(shown(LIBRARY.get(name))) for name in LIBRARY.names)])


def shown(persona: Compiled) -> Iterator[str]:
    """Yield the lines about one persona."""
    yield f"## {persona.label}\n"
    yield f"`{persona.name}`: {persona.summary}\n"
    yield f"> {greetings(persona, SESSION)[0]}\n"
    yield "You might begin with:\n"
    yield from (f"- {starter}" for starter in persona.starters)
    yield ""
    example = persona.examples[0]
    yield f"{quoted('You', example.user)}\n>\n{quoted(persona.label, example.assistant)}\n"
    yield from facts(persona)
    yield ""


def quoted(who: str, text: str) -> str:
    """Return what somebody says, as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in f"**{who}:** {text}".split("\n"))


def facts(persona: Compiled) -> Iterator[str]:
    """Yield what a user may set, and what the persona has beside its words."""
    for name, dial in persona.bounds.dials.items():
        words = " · ".join(f"**{choice}**" if choice == dial.default else choice for choice in dial.choices or ())
        yield f"- {dial.label or name} (`{name}`): {words}"
    notes = persona.bounds.notes
    yield f"- Notes: {notes.label or 'yes'} ({notes.max_chars} characters)" if notes else "- Notes: none"
    called = (entry.when[0] for entry in persona.knowledge.entries if entry.when)
    yield f"- Knows more when asked about: {', '.join(called)}"
    if persona.model.needs:
        yield f"- Needs a model with {', '.join(persona.model.needs)}"
    for tag, told in persona.locales.items():
        yield f"- Also in `{tag}`: {told.title}. {told.summary}"


def test_the_page_says_what_the_files_say() -> None:
    """Nobody reads of a persona that is not so, and none is missing."""
    assert PAGE.read_text(encoding="utf-8") == written()


if __name__ == "__main__":
    sys.stdout.write(written())
