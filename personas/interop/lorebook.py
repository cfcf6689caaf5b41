"""The lorebook of a character card: knowledge here, entries there."""

import re

from personas.fields import Entry, Knowledge
from personas.front_matter import Json
from personas.interop.draft import Lore, Object, Remark, at, integer_at, list_at, text_at, texts_at

_PATTERN = re.compile(r"/.*/[a-z]*", re.DOTALL)
"""How some tools write a regular expression among plain keys."""
_STAYS = "It stays in the card and comes back when the card is exported."


def read(book: Json) -> tuple[list[Lore], list[Remark]]:
    """Return the entries that words can call, and what is not taken over of the others."""
    lore: list[Lore] = []
    counts = {"off": 0, "regex": 0, "secondary": 0, "decorators": 0}
    for entry in list_at(book, "entries"):
        keys = texts_at(entry, "keys")
        words = tuple(key for key in keys if not _PATTERN.fullmatch(key.strip()))
        always = at(entry, "constant") is True
        is_pattern = at(entry, "use_regex") is True
        if at(entry, "enabled") is False:
            counts["off"] += 1
        elif not always and (is_pattern or not words):
            counts["regex"] += 1
        else:
            content, plain = text_at(entry, "content"), _without_decorators(text_at(entry, "content"))
            counts["decorators"] += content.strip() != plain
            counts["secondary"] += at(entry, "selective") is True and bool(at(entry, "secondary_keys"))
            counts["regex"] += not is_pattern and len(words) < len(keys)
            order, priority = integer_at(entry, "insertion_order") or 0, integer_at(entry, "priority") or 0
            lore.append(Lore(() if is_pattern else words, plain, always, order, priority))
    return lore, _remarks(counts)


def write(knowledge: Knowledge) -> Object:
    """Return the lorebook that says what `knowledge` says."""
    return {
        "extensions": {},
        "scan_depth": knowledge.scan_turns * 2,
        "token_budget": knowledge.budget_tokens,
        "entries": [_entry(entry) for entry in knowledge.entries],
    }


def _entry(entry: Entry) -> Object:
    return {
        "keys": list(entry.when),
        "content": entry.text or "",
        "extensions": {},
        "enabled": True,
        "insertion_order": entry.order,
        "use_regex": False,
        "constant": entry.always,
        "priority": entry.priority,
    }


def _without_decorators(content: str) -> str:
    lines = content.strip().split("\n")
    first = next((index for index, line in enumerate(lines) if not line.startswith("@@")), len(lines))
    return "\n".join(lines[first:]).strip()


def _remarks(counts: dict[str, int]) -> list[Remark]:
    said = {
        "off": "of the lorebook that are switched off and left out",
        "regex": "of the lorebook whose keys are regular expressions, left out because these can stall a server",
        "secondary": "of the lorebook that also want a second key, where here the first is enough",
        "decorators": "of the lorebook whose decorators (@@) are left out",
    }
    return [Remark(code, f"Entries {words}: {counts[code]}.", _STAYS) for code, words in said.items() if counts[code]]
