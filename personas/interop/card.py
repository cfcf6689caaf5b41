"""Character cards, versions 1 to 3, as JSON; versions 1 and 2 are read as what they are in version 3."""

import re
from collections.abc import Sequence

from personas.front_matter import Json
from personas.interop import lorebook
from personas.interop.draft import Draft, Object, Remark, at, integer_at, list_at, text_at, texts_at
from personas.interop.format import Format
from personas.interop.outline import Outline
from personas.interop.persona_text import REMINDER
from personas.interop.prose import Dialect

_FIRST = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
"""The fields of version 1."""
_LATER = (
    "creator_notes",
    "system_prompt",
    "post_history_instructions",
    "alternate_greetings",
    "character_book",
    "tags",
)
_PERSONALITY, _SCENARIO, _INSTRUCTIONS, _EXAMPLE = "Personality", "Scenario", "Instructions", "Example dialogue"
_START = re.compile(r"^[ \t]*<START>[ \t]*$", re.IGNORECASE | re.MULTILINE)
_SPEAKER = re.compile(
    r"[ \t]*(?:(?P<user>\{\{user\}\}|<user>)|\{\{char\}\}|<bot>|<char>)[ \t]*:[ \t]*(?P<said>.*)", re.IGNORECASE
)

DIALECT = Dialect(
    reads={
        "char": "persona.title",
        "<char>": "persona.title",
        "<bot>": "persona.title",
        "user": "user.name",
        "<user>": "user.name",
        "date": "now.date",
        "weekday": "now.weekday",
        "current_date": "now.date",
    },
    writes={
        "persona.title": "{{char}}",
        "user.name": "{{user}}",
        "now.date": "{{date}}",
        "now.weekday": "{{weekday}}",
    },
    remarks=re.compile(r"\{\{\s{0,8}(?:original|(?://|comment:|hidden_key:)[^{}]*)\}\}", re.IGNORECASE),
)


def fits(document: Json) -> bool:
    """Return whether this is a card of any version."""
    if text_at(document, "spec").startswith("chara_card"):
        return isinstance(at(document, "data"), dict)
    return isinstance(document, dict) and "name" in document and ("first_mes" in document or "mes_example" in document)


def upgraded(document: Object) -> Object:
    """Return a card as one of version 3; fields of its own that stand outside stay there."""
    data = document.get("data")
    if isinstance(data, dict):
        mirrored = {"spec", "spec_version", "data", *_FIRST, *_LATER}
    else:
        data = {key: document[key] for key in _FIRST if key in document}
        mirrored = {*_FIRST, "spec", "spec_version"}
    root = {key: value for key, value in document.items() if key not in mirrored}
    return {"spec": "chara_card_v3", "spec_version": "3.0", "data": data, **root}


def read(document: Object) -> Draft:
    """Return what a card of version 3 says."""
    data = document["data"]
    examples = _dialogues(text_at(data, "mes_example"))
    depth = integer_at(data, "character_book", "scan_depth")
    lore, remarks = lorebook.read(at(data, "character_book"))
    if list_at(data, "assets"):
        remarks.append(Remark("assets", "Pictures, sounds and programs are left out: nothing is fetched or run."))
    return Draft(
        title=text_at(data, "name"),
        summary=[text_at(data, key) for key in ("creator_notes", "personality", "description")],
        body=text_at(data, "description"),
        sections=[
            (_PERSONALITY, text_at(data, "personality")),
            (_SCENARIO, text_at(data, "scenario")),
            (_INSTRUCTIONS, text_at(data, "system_prompt")),
            (_EXAMPLE, "" if examples else text_at(data, "mes_example")),
        ],
        greeting=[text_at(data, "first_mes"), *texts_at(data, "alternate_greetings")],
        examples=examples,
        reminder=text_at(data, "post_history_instructions"),
        tags=texts_at(data, "tags"),
        lore=lore,
        scan_turns=None if depth is None else (depth + 1) // 2,
        budget_tokens=integer_at(data, "character_book", "token_budget"),
        remarks=remarks,
    )


def write(outline: Outline) -> Object:
    """Return a card of version 3."""
    persona = outline.persona
    data: Object = {
        "name": persona.label,
        "description": outline.without((_PERSONALITY, _SCENARIO, _INSTRUCTIONS, _EXAMPLE, REMINDER)),
        "personality": outline.under(_PERSONALITY),
        "scenario": outline.under(_SCENARIO),
        "first_mes": outline.greeting[0] if outline.greeting else "",
        "mes_example": _dialogue_text(outline) or outline.under(_EXAMPLE),
        "creator_notes": persona.summary,
        "system_prompt": outline.under(_INSTRUCTIONS),
        "post_history_instructions": outline.reminder or outline.under(REMINDER),
        "alternate_greetings": list(outline.greeting[1:]),
        "group_only_greetings": [],
        "tags": list(persona.tags),
        "creator": "",
        "character_version": "",
        "extensions": {},
    }
    if persona.knowledge.entries:
        data["character_book"] = lorebook.write(persona.knowledge)
    return {"spec": "chara_card_v3", "spec_version": "3.0", "data": data}


def _dialogues(text: str) -> Sequence[tuple[str, str]]:
    """Return dialogues as pairs; none if one of them is not user and character in turn."""
    pairs: list[tuple[str, str]] = []
    for dialogue in _START.split(text.replace("\r\n", "\n")):
        said = _said(dialogue)
        if len(said) % 2 or any(is_user == bool(index % 2) for index, (is_user, _) in enumerate(said)):
            return []
        texts = [words.strip() for _, words in said]
        if not all(texts):
            return []
        pairs += zip(texts[::2], texts[1::2], strict=True)
    return pairs


def _said(dialogue: str) -> list[tuple[bool, str]]:
    """Return who says what; words before anyone speaks are the character's."""
    said: list[tuple[bool, list[str]]] = []
    for line in dialogue.strip().split("\n") if dialogue.strip() else []:
        speaker = _SPEAKER.fullmatch(line)
        if speaker or not said:
            is_user = speaker is not None and speaker["user"] is not None
            said.append((is_user, [speaker["said"] if speaker else line]))
        else:
            said[-1][1].append(line)
    return [(is_user, "\n".join(lines)) for is_user, lines in said]


def _dialogue_text(outline: Outline) -> str:
    pairs = outline.persona.examples
    return "\n".join(f"<START>\n{{{{user}}}}: {pair.user}\n{{{{char}}}}: {pair.assistant}" for pair in pairs)


CARD = Format(
    key="character_card",
    file_name="{name}.json",
    fits=fits,
    read=read,
    write=write,
    normal=upgraded,
    dialect=DIALECT,
    carries=frozenset({"greeting", "examples", "reminder", "tags", "knowledge"}),
)
