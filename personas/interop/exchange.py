"""Files of other tools to personas, and back: which format it is, what is kept, and what is told.

Pure: bytes in, text or bytes out. Nothing is fetched, unpacked to a disk or run.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from personas.compiled import Compiled
from personas.composition import compose
from personas.front_matter import Json, Unreadable
from personas.interop import card_png, charx, documents, leftovers, librechat
from personas.interop.card import CARD
from personas.interop.dotprompt import DOTPROMPT
from personas.interop.draft import Draft, Object, Remark, text_at
from personas.interop.format import Format
from personas.interop.huggingface import HUGGINGFACE
from personas.interop.langfuse import LANGFUSE
from personas.interop.librechat import LIBRECHAT
from personas.interop.lobehub import LOBEHUB
from personas.interop.openai import OPENAI
from personas.interop.openwebui import OPENWEBUI
from personas.interop.outline import outlined
from personas.interop.persona_text import make
from personas.interop.prompty import PROMPTY, SUFFIX
from personas.interop.skill import SKILL
from personas.persona import MAX_BYTES, Persona, parse
from personas.problems import PersonaRefused, Problem

CARD_PNG = "card-png"
FORMATS: Mapping[str, Format] = {
    "card": CARD,
    CARD_PNG: CARD,
    "skill": SKILL,
    "dotprompt": DOTPROMPT,
    "prompty": PROMPTY,
    "openwebui": OPENWEBUI,
    "lobehub": LOBEHUB,
    "librechat": LIBRECHAT,
    "openai": OPENAI,
    "langfuse": LANGFUSE,
    "huggingface": HUGGINGFACE,
}
"""By the names that people use; whatever can be written can be read."""

MAX_PERSONAS = 100
"""Personas of one file."""
MAX_TEXT = 1024 * 1024
"""Characters of all texts of one file that would have to be translated."""

_IN_JSON = (CARD, OPENWEBUI, LOBEHUB, LIBRECHAT, HUGGINGFACE, LANGFUSE, OPENAI)
"""Formats that a JSON object may have, the surest signs first."""
_TEMPLATES = (".prompt", SUFFIX)
_CURE = f"Import one of: {', '.join(FORMATS)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A persona that was read from a foreign file."""

    name: str
    format: str
    """The key of the format under `extensions`."""
    text: str
    """A persona file without errors, open to its owner alone."""
    problems: tuple[Problem, ...]
    """Warnings: what is not taken over, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A file for another tool."""

    file_name: str
    content: bytes
    problems: tuple[Problem, ...]
    """Warnings: what the format cannot say."""


def read(content: bytes, *, file_name: str, reserved: Collection[str] = ()) -> tuple[Imported, ...]:
    """Read every persona of a foreign file. Raises `PersonaRefused` for any bytes that hold none.

    `reserved` are headings that the personas must not have, such as those of the house.
    """
    try:
        found, remarks = _documents(content, file_name)
        drafts = [how.read(document) for how, document in found]
        _check_length(drafts)
        return tuple(
            _imported(how, document, draft, file_name, reserved, remarks)
            for (how, document), draft in zip(found, drafts, strict=True)
        )
    except Unreadable as error:
        problem = Problem(file_name, error.line, error.code, error.message, error.cure)
        raise PersonaRefused([problem]) from error


def write(persona: Compiled, format_name: str) -> Exported:
    """Write `persona` in one of `FORMATS`; what was kept of a file of that format comes back.

    The rules of the house are not part of what is written. Raises `KeyError` for a format that is not known.
    """
    how = FORMATS[format_name]
    document, remarks = _written(persona, how)
    content, file_name = how.encode(document), how.file_name.format(name=persona.name)
    if format_name == CARD_PNG:
        content, file_name = card_png.with_card(content), f"{persona.name}.png"
    problems = [*remarks, *(_without(field) for field in _lost(persona, how))]
    return Exported(file_name=file_name, content=content, problems=_problems(persona.name, problems))


def _imported(
    how: Format,
    document: Object,
    draft: Draft,
    file_name: str,
    reserved: Collection[str],
    remarks: Sequence[Remark],
) -> Imported:
    stem = PurePath(file_name).stem
    made = make(draft, how.dialect, stem=stem, reserved=reserved, extensions={})
    written, _ = _written(compose(_parsed(made.text, made.name), {}), how)
    kept, dropped = leftovers.left_over({key: document[key] for key in document if key != "line"}, written)
    whole = make(draft, how.dialect, stem=stem, reserved=reserved, extensions={how.key: kept}) if kept else made
    if len(whole.text.encode(errors="replace")) > MAX_BYTES:
        whole, dropped = made, ["/"]
    problems = [*remarks, *whole.remarks]
    if dropped:
        places = "all other fields" if "/" in dropped else ", ".join(dropped[:5])
        problems.append(Remark("too_large", f"Too long to be kept for the way back: {places}.", "Keep the file."))
    persona = _parsed(whole.text, whole.name)
    told = (*_problems(file_name, problems), *persona.problems)
    return Imported(name=whole.name, format=how.key, text=whole.text, problems=told)


def _check_length(drafts: Sequence[Draft]) -> None:
    if sum(draft.length for draft in drafts) > MAX_TEXT:
        message = f"The texts of the file have more than {MAX_TEXT} characters."
        raise Unreadable(1, "too_large", message, "Import fewer personas, or shorter ones, at a time.")


def _parsed(text: str, name: str) -> Persona:
    """Parse what was made. Raises `PersonaRefused` if the foreign text breaks rules that every persona obeys."""
    return parse(text, source=f"{name}/persona.md", name_hint=name)


def _written(persona: Compiled, how: Format) -> tuple[Object, Sequence[Remark]]:
    outline = outlined(persona, how.dialect)
    document, kept = how.write(outline), persona.extensions.get(how.key)
    return leftovers.restored(document, kept) if isinstance(kept, str) else document, outline.remarks


_CARRIED_OR_NOT = (
    "avatar",
    "tags",
    "greeting",
    "starters",
    "model",
    "tools",
    "bounds",
    "knowledge",
    "examples",
    "reminder",
    "locales",
    "gate",
    "metadata",
)


def _lost(persona: Compiled, how: Format) -> Sequence[str]:
    defaults = Compiled.model_fields
    told = (name for name in _CARRIED_OR_NOT if name not in how.carries)
    return [name for name in told if getattr(persona, name) != defaults[name].default]


def _without(field: str) -> Remark:
    return Remark("left_out", f"The format has no place for `{field}`.")


def _problems(path: str, remarks: Sequence[Remark]) -> tuple[Problem, ...]:
    return tuple(Problem(path, 1, one.code, one.message, one.cure, "warning") for one in remarks)


def _documents(content: bytes, file_name: str) -> tuple[list[tuple[Format, Object]], Sequence[Remark]]:
    """Return the documents of a file with their formats. Raises `Unreadable`."""
    if content.startswith(card_png.SIGNATURE):
        text = documents.text_of(card_png.card_of(content))
        return _of_json(documents.from_json(text)), [Remark("picture", "The picture is not taken over.")]
    if content.startswith(charx.SIGNATURE):
        packed, others = charx.card_of(content)
        left = [Remark("files", f"Other files of the archive stay packed: {others}.")] if others else []
        return _of_json(documents.from_json(documents.text_of(packed))), left
    text = documents.text_of(content)
    if text.lstrip()[:1] in {"{", "["} and not file_name.endswith(_TEMPLATES):
        return _of_json(documents.from_json(text)), []
    if file_name.endswith(_TEMPLATES) or text.partition("\n")[0].rstrip() == "---":
        return [_with_front_matter(text, file_name)], []
    specs = librechat.specs_of(dict(documents.from_yaml(text)))
    return _told_apart(specs), []


def _with_front_matter(text: str, file_name: str) -> tuple[Format, Object]:
    document = documents.from_front_matter(text)
    if text_at(document, "front", "spec").startswith("persona/"):
        cure = "Put it into a folder of personas as it is."
        raise Unreadable(1, "persona", "This is a persona of ours already.", cure)
    if file_name.endswith(SUFFIX) or (not file_name.endswith(".prompt") and PROMPTY.fits(document)):
        return PROMPTY, PROMPTY.normal(document)
    if file_name.endswith(".prompt") or DOTPROMPT.fits(document):
        return DOTPROMPT, document
    if SKILL.fits(document):
        return SKILL, document
    raise Unreadable(1, "unknown_format", "This front matter is of no format that we know.", _CURE)


def _of_json(value: Json) -> list[tuple[Format, Object]]:
    return _told_apart(value if isinstance(value, list) else librechat.specs_of(value) or [value])


def _told_apart(values: Sequence[Json]) -> list[tuple[Format, Object]]:
    found = []
    for value in values:
        how = next((one for one in _IN_JSON if one.fits(value)), None)
        if how is None or not isinstance(value, dict):
            raise Unreadable(1, "unknown_format", "This is of no format that we know.", _CURE)
        found.append((how, how.normal(value)))
    if len(found) > MAX_PERSONAS:
        raise Unreadable(1, "too_many", f"The file has more than {MAX_PERSONAS} personas.", "Split it.")
    if not found:
        raise Unreadable(1, "unknown_format", "There is no persona in this file.", _CURE)
    return found
