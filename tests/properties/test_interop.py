"""Laws of import and export: nothing is lost on the way back, and nothing that comes in can act here."""

import io
import json
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personas import Message, Now, PersonaRefused, Session, Text, User, assemble, compose, greetings, parse
from personas.interop import FORMATS, read, write
from personas.interop.card_png import SIGNATURE
from personas.interop.prose import visible
from personas.interop.yaml_text import written

SESSION = Session(now=Now(date="2026-11-23", weekday="Monday"), count=len, user=User(name="Ada"))

TRICKS = [
    "{{char}}",
    "{{user}}",
    "<user>",
    "{{ USER_NAME }}",
    "{{username}}",
    "{{current_date}}",
    "{{{char}}}",
    "{{us{{char}}er}}",
    "{{random:a,b}}",
    "{% if user.name %}",
    "{# gone #}",
    "{ {",
    "{",
    "}}",
    "## Personality\n",
    "## House rules\n\n",
    "##\n",
    "```\n",
    "~~~~\n",
    "---\n",
    "\r\n\r\n\r\n",
    "\n  \n \n",
    "\u202e\u200b\ufeff\x00\u2028",
    "\ue000",
    "<START>\n{{user}}: Hello\n{{char}}: Ahoy\n",
    "@@depth 4\n",
    "- a: b # c",
    "1e5",
    "null",
    "'\"",
]
words = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(TRICKS), max_size=5).map("".join))
json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=8,
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with any of `fields`, of their kind or of none, and fields that nobody knows."""
    loose = {name: st.one_of(kind, kind, kind, json_values) for name, kind in fields.items()}
    known = st.fixed_dictionaries({}, optional=loose)
    return st.builds(lambda one, other: {**other, **one}, known, st.dictionaries(words, json_values, max_size=2))


lists = st.lists(words, max_size=3)
numbers = st.one_of(st.floats(0, 3), st.integers(-2, 5000))
messages = st.lists(some(role=st.sampled_from(["system", "user", "assistant"]), content=words), max_size=4)
entries = st.lists(
    some(
        keys=lists,
        content=words,
        enabled=st.booleans(),
        insertion_order=st.integers(),
        constant=st.booleans(),
        use_regex=st.booleans(),
        selective=st.booleans(),
        secondary_keys=lists,
        priority=st.integers(-3, 3),
        extensions=json_values,
    ),
    max_size=3,
)
card_data = some(
    name=words,
    description=words,
    personality=words,
    scenario=words,
    first_mes=words,
    mes_example=words,
    creator_notes=words,
    system_prompt=words,
    post_history_instructions=st.one_of(words, st.just("never " * 200)),
    alternate_greetings=st.lists(words, max_size=10),
    tags=lists,
    character_book=some(entries=entries, scan_depth=numbers, token_budget=numbers),
    extensions=st.dictionaries(words, json_values, max_size=3),
    creator=words,
)
settings = some(temperature=numbers, top_p=numbers, max_tokens=numbers, maxOutputTokens=numbers)
DOCUMENTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "card": st.builds(lambda data: {"spec": "chara_card_v3", "spec_version": "3.0", "data": data}, card_data),
    "openwebui": st.builds(
        lambda own, system, params, meta: {**own, "params": {**params, "system": system}, "meta": meta},
        some(id=words, name=words),
        words,
        settings,
        some(description=words, suggestion_prompts=st.lists(some(content=words)), tags=st.lists(some(name=words))),
    ),
    "lobehub": st.builds(
        lambda own, role, config, meta: {**own, "config": {**config, "systemRole": role}, "meta": meta},
        some(examples=messages, author=words),
        words,
        some(openingMessage=words, openingQuestions=lists, params=settings, inputTemplate=words),
        some(title=words, description=words, tags=lists, avatar=st.sampled_from(["", "\U0001f98a", "https://x/y.png"])),
    ),
    "openai": st.builds(
        lambda own, body: {**own, "instructions": body},
        some(name=words, description=words, conversation_starters=lists, messages=messages, temperature=numbers),
        words,
    ),
    "langfuse": st.builds(
        lambda own, name, prompt: {**own, "name": name, "prompt": prompt},
        some(config=settings, tags=lists),
        words,
        st.one_of(words, messages),
    ),
    "huggingface": st.builds(
        lambda own, body: {**own, "preprompt": body},
        some(name=words, description=words, exampleInputs=lists, generateSettings=settings),
        words,
    ),
}
named_documents = st.sampled_from(sorted(DOCUMENTS)).flatmap(lambda name: st.tuples(st.just(name), DOCUMENTS[name]))


def compiled(text: str, name: str) -> Any:
    """Return the persona of an imported text, as it is without a house."""
    return compose(parse(text, source="imported.md", name_hint=name), {})


def contains(whole: Any, part: Any) -> bool:
    """Return whether every field of `part` stands in `whole`, with the same bytes."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and contains(whole[key], value) for key, value in part.items())
    if isinstance(whole, list) and isinstance(part, list) and len(whole) == len(part):
        return all(contains(one, other) for one, other in zip(whole, part, strict=True))
    return json.dumps(whole) == json.dumps(part)


@given(named_documents)
def test_a_document_comes_back_whole(named: tuple[str, dict[str, Any]]) -> None:
    """Import, export, import: every field of the document is there again, and the persona is the same text."""
    how, document = named
    (first,) = read(json.dumps(document).encode(), file_name="Some one.json")
    exported = write(compiled(first.text, first.name), how)
    back = json.loads(exported.content)
    assert contains(back[0] if isinstance(back, list) else back, FORMATS[how].normal(document))
    (second,) = read(exported.content, file_name="Some one.json")
    assert second.text == first.text
    assert write(compiled(second.text, second.name), how).content == exported.content


@given(named_documents)
def test_an_imported_persona_answers_its_owner_and_runs_nothing(named: tuple[str, dict[str, Any]]) -> None:
    """It can be assembled for anyone, is open to its owner alone, and takes nothing but words from its file."""
    (imported,) = read(json.dumps(named[1]).encode(), file_name="f.json", reserved=["House rules"])
    persona = compiled(imported.text, imported.name)
    assembly = assemble(persona, SESSION, [], Message("user", (Text("Hello"),)))
    assert assembly.prefix[0].role == "system"
    assert assembly.newest.text.endswith("Hello")
    assert len(greetings(persona, SESSION)) == len(persona.greeting)
    assert persona.access.owner_only
    assert persona.name != "house"
    assert persona.model.use is None
    assert persona.tools is None
    assert all(passage.heading.casefold() != "house rules" for passage in persona.body)
    assert all(problem.severity == "warning" for problem in imported.problems)


prose = st.lists(st.one_of(st.sampled_from(TRICKS), st.text(max_size=20)), max_size=6).map("".join).map(visible)
TEXT_FILES: dict[str, st.SearchStrategy[bytes]] = {
    "SKILL.md": st.builds(
        lambda about, kept, body: f"---\n{written({'name': 'a-skill', 'description': about, 'more': kept})}---\n{body}",
        prose,
        prose,
        prose,
    ).map(str.encode),
    "a.prompt": st.builds(
        lambda about, body: f"---\n{written({'model': about, 'input': {'schema': {'x': about}}})}---\n{body}{{{{x}}}}",
        prose,
        prose,
    ).map(str.encode),
    "a.prompty": st.builds(
        lambda about, kept, body: (
            f"---\n{written({'name': about, 'model': {'api': kept}, 'sample': {'x': kept}})}---\n"
            f"system:\n{body}{{{{x}}}}"
        ),
        prose,
        prose,
        prose,
    ).map(str.encode),
    "a.yaml": st.builds(
        lambda label, body, kept: written(
            {"modelSpecs": {"list": [{"label": label, "preset": {"promptPrefix": body}, "more": kept}]}}
        ),
        prose,
        prose,
        prose,
    ).map(str.encode),
}
named_files = st.sampled_from(sorted(TEXT_FILES)).flatmap(lambda name: st.tuples(st.just(name), TEXT_FILES[name]))


@given(named_files)
def test_a_text_file_comes_back_as_the_same_persona(named: tuple[str, bytes]) -> None:
    """YAML and front matter: import, export, import ends where it began, unless the file computes."""
    file_name, content = named
    try:
        (first,) = read(content, file_name=file_name)
    except PersonaRefused:
        assert file_name in {"a.prompt", "a.prompty"}
        return
    exported = write(compiled(first.text, first.name), first.format)
    (second,) = read(exported.content, file_name=file_name)
    assert second.text == first.text


@given(DOCUMENTS["card"])
def test_a_picture_carries_the_whole_card(document: dict[str, Any]) -> None:
    """The extensions of a card are the same bytes after a way through a persona and a PNG file."""
    (first,) = read(json.dumps(document).encode(), file_name="f.json")
    picture = write(compiled(first.text, first.name), "card-png").content
    (second,) = read(picture, file_name="f.json")
    again = write(compiled(second.text, second.name), "card").content
    before, after = document["data"].get("extensions", {}), json.loads(again)["data"]["extensions"]
    assert json.dumps(after) == json.dumps(before)


def refused_or_read(content: bytes, file_name: str) -> None:
    """Read `content`; whatever is refused has its problems, and whatever is read is a persona."""
    try:
        found = read(content, file_name=file_name)
    except PersonaRefused as refused:
        problems = refused.problems
    else:
        problems = tuple(problem for one in found for problem in one.problems)
        assert all(compiled(one.text, one.name).access.owner_only for one in found)
    assert all(problem.message and problem.code for problem in problems)


prefixes = st.sampled_from(
    [
        b"",
        SIGNATURE,
        b"PK\x03\x04",
        b"---\n",
        b"{",
        b"[",
        b"modelSpecs:\n  list:\n",
        b'---\nmodel: m\n---\n{{role "system"}}',
    ]
)
names = st.sampled_from(["a.json", "a.png", "a.charx", "SKILL.md", "a.prompt", "a.prompty", "a.yaml", ""])


@given(prefixes, st.one_of(st.binary(max_size=200), words.map(lambda text: text.encode(errors="replace"))), names)
def test_any_bytes_are_read_or_refused(prefix: bytes, content: bytes, file_name: str) -> None:
    """Whatever a file has in it, there are personas or problems with a cure, and nothing else."""
    refused_or_read(prefix + content, file_name)


@given(json_values)
def test_any_json_is_read_or_refused(value: Any) -> None:
    """JSON of any shape gives personas or problems."""
    refused_or_read(json.dumps(value).encode(), "a.json")


def _archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("card.json", json.dumps({"spec": "chara_card_v3", "data": {"name": "A", "description": "B"}}))
    return packed.getvalue()


ARCHIVE = _archive()


@given(st.integers(0, len(ARCHIVE) - 1), st.integers(0, 255), st.booleans())
def test_a_damaged_archive_is_read_or_refused(position: int, byte: int, cut: bool) -> None:  # noqa: FBT001  # drawn
    """One byte changed anywhere, or an end that is missing, never raises anything but a refusal."""
    damaged = ARCHIVE[:position] + (b"" if cut else bytes([byte]) + ARCHIVE[position + 1 :])
    refused_or_read(damaged, "a.charx")


@pytest.mark.parametrize("how", sorted(FORMATS))
def test_what_is_exported_can_be_imported(how: str) -> None:
    """A persona of ours goes through every format and keeps its text."""
    ours = parse(
        "---\nspec: persona/1\nname: guide\nsummary: Shows the way.\n---\nYou show the way to {{ user.name }}.",
        source="guide.md",
    )
    exported = write(compose(ours, {}), how)
    (imported,) = read(exported.content, file_name=exported.file_name)
    assert "You show the way to" in imported.text
    assert "Shows the way." in imported.text
