"""What a foreign file says: our ideas, in the words and the syntax of the other format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from personas.front_matter import Json

Object = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is not taken over as it was."""

    code: str
    message: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Lore:
    """A piece of knowledge and the words that call for it."""

    words: tuple[str, ...]
    text: str
    always: bool
    order: int
    priority: int


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that the file declares; its dial may be called otherwise."""

    dial: str
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One persona of a foreign file. Nothing in it is checked, cut or translated yet."""

    title: str = ""
    name: str = ""
    """The name itself, where the format has names like ours; else the title gives it."""
    summary: Sequence[str] = ()
    """Texts that may serve, the best first."""
    body: str = ""
    is_ours: bool = False
    """Whether the body is a template of ours already."""
    sections: Sequence[tuple[str, str]] = ()
    """Texts that stand under headings of their own after the body."""
    greeting: Sequence[str] = ()
    starters: Sequence[str] = ()
    examples: Sequence[tuple[str, str]] = ()
    """Pairs of what the user says and what the assistant answers."""
    reminder: str = ""
    tags: Sequence[str] = ()
    avatar: str = ""
    settings: Mapping[str, Json] = field(default_factory=dict)
    """Fields of our `model`."""
    lore: Sequence[Lore] = ()
    scan_turns: int | None = None
    budget_tokens: int | None = None
    variables: Mapping[str, Variable] = field(default_factory=dict)
    """By the word that the file's texts have between double braces."""
    remarks: Sequence[Remark] = ()

    @property
    def length(self) -> int:
        """Characters of all its texts; those that may serve as the summary are mostly among the others."""
        single = (self.title, self.name, self.body, self.reminder, self.avatar)
        several = (*self.greeting, *self.starters, *self.tags)
        pairs = (text for pair in (*self.sections, *self.examples) for text in pair)
        known = (text for lore in self.lore for text in (*lore.words, lore.text))
        return sum(len(text) for text in (*single, *several, *pairs, *known))


def at(value: Json, *path: str) -> Json:
    """Return what stands at `path`, None if nothing does."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def text_at(value: Json, *path: str) -> str:
    """Return the text at `path`, "" if there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def texts_at(value: Json, *path: str) -> list[str]:
    """Return the texts in the list at `path`."""
    return [item for item in list_at(value, *path) if isinstance(item, str)]


def list_at(value: Json, *path: str) -> list[Json]:
    """Return the list at `path`, an empty one if there is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def integer_at(value: Json, *path: str) -> int | None:
    """Return the whole number at `path`, None if there is none that fits nine digits."""
    found = at(value, *path)
    is_number = isinstance(found, int) and not isinstance(found, bool) and abs(found) < 10**9
    return found if is_number and isinstance(found, int) else None


def settings_in(value: Json, **fields: str) -> dict[str, Json]:
    """Return the settings of a model by our names, from `fields` of a foreign object, where they are there."""
    return {ours: at(value, theirs) for ours, theirs in fields.items() if at(value, theirs) is not None}


def said_in(message: Json) -> str:
    """Return the text of a message, whether it is written as one or in parts."""
    parts = (text_at(part, "text") for part in list_at(message, "content"))
    return text_at(message, "content") or "".join(parts)


def pairs_of(messages: Sequence[Json]) -> list[tuple[str, str]]:
    """Return messages of user and assistant as pairs; none if they do not alternate."""
    said = [(text_at(message, "role"), said_in(message)) for message in messages]
    roles = [role for role, _ in said]
    if roles != ["user", "assistant"] * (len(roles) // 2):
        return []
    texts = [text for _, text in said]
    return list(zip(texts[::2], texts[1::2], strict=True))
