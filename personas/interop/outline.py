"""A persona on its way out: its texts as another format writes them, and what cannot be said there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from personas.compiled import Compiled, Passage
from personas.front_matter import Json
from personas.interop.draft import Object, Remark
from personas.interop.prose import Dialect
from personas.sections import heading_key
from personas.template import NAMES, lint, render

_PRIVATE = range(0xE000, 0xF8FF)
_LITERAL = ("persona.name", "persona.title")


@dataclass(frozen=True, slots=True)
class Outline:
    """A persona whose texts are rendered, with the variables of the other format in their places."""

    persona: Compiled
    passages: tuple[Passage, ...]
    """The persona's own text; the rules of the house are the operator's and stay here."""
    greeting: tuple[str, ...]
    reminder: str
    dials: Mapping[str, str]
    """Default by name, of the dials that are variables in the other format."""
    remarks: tuple[Remark, ...]

    @property
    def body(self) -> str:
        """The whole text as Markdown."""
        return self.without(())

    def without(self, headings: Sequence[str]) -> str:
        """Return the text as Markdown, the sections under these headings left out."""
        keys = {heading_key(heading) for heading in headings}
        passages = (
            passage for passage in self.passages if not passage.heading or heading_key(passage.heading) not in keys
        )
        texts = (f"## {passage.heading}\n\n{passage.text}" if passage.heading else passage.text for passage in passages)
        return "\n\n".join(texts)

    def under(self, heading: str) -> str:
        """Return the text of one section, "" if there is none."""
        key = heading_key(heading)
        return next((one.text for one in self.passages if one.heading and heading_key(one.heading) == key), "")


def messages_of(outline: Outline) -> list[Json]:
    """Return the examples as messages of user and assistant."""
    pairs = ((("user", pair.user), ("assistant", pair.assistant)) for pair in outline.persona.examples)
    return [{"role": role, "content": text} for pair in pairs for role, text in pair]


def settings_of(outline: Outline, **fields: str) -> Object:
    """Return the settings of the model by the names of the other format, where they are set."""
    model = outline.persona.model
    return {theirs: value for theirs, ours in fields.items() if (value := getattr(model, ours)) is not None}


def outlined(persona: Compiled, dialect: Dialect) -> Outline:
    """Render the texts of `persona` for a format that speaks `dialect`."""
    templates = [*(passage.text for passage in persona.body), *persona.greeting, persona.reminder or ""]
    dials = _variables(persona, templates) if dialect.dials else {}
    foreign = {name: dialect.writes[name] for name in NAMES if name in dialect.writes}
    foreign |= {f"dials.{name}": f"{{{{{name}}}}}" for name in dials}
    known = {"persona.name": persona.name, "persona.title": persona.label}
    known |= {f"dials.{name}": dial.default for name, dial in persona.bounds.dials.items()}
    mark = _unused("".join(templates))
    marked = {name: f"{mark}{index}{mark}" for index, name in enumerate(foreign)}
    words = list(foreign.values())
    values = dict.fromkeys(NAMES, "") | known | marked
    place = re.compile(f"{mark}([0-9]+){mark}")

    def written(template: str) -> str:
        return place.sub(lambda found: words[int(found[1])], render(template, values))

    passages = (Passage(heading=passage.heading, text=written(passage.text)) for passage in persona.body)
    return Outline(
        persona=persona,
        passages=tuple(passage for passage in passages if passage.text),
        greeting=tuple(written(greeting) for greeting in persona.greeting),
        reminder=written(persona.reminder or ""),
        dials=dials,
        remarks=tuple(_remarks(templates, {*foreign, *_LITERAL})),
    )


def _variables(persona: Compiled, templates: Sequence[str]) -> Mapping[str, str]:
    """Return the dials that the text only shows; one that a condition asks for is settled by its default."""
    shown = {use.name for template in templates for use in lint(template).references}
    tested = {name for template in templates for name in _tested(template)}
    dials = persona.bounds.dials.items()
    return {name: dial.default for name, dial in dials if f"dials.{name}" in shown - tested}


def _tested(template: str) -> Sequence[str]:
    conditions = re.findall(r"\{%[^%]*%\}", template)
    return [f"dials.{name}" for condition in conditions for name in re.findall(r"\bdials\.([a-z0-9_]+)", condition)]


def _unused(text: str) -> str:
    return next((chr(code) for code in _PRIVATE if chr(code) not in text), chr(_PRIVATE.stop))


def _remarks(templates: Sequence[str], written: set[str]) -> Sequence[Remark]:
    remarks = []
    if any("{%" in template for template in templates):
        remarks.append(Remark("settled", "Conditions are settled: dials at their defaults, the user's name known."))
    used = {use.name for template in templates for use in lint(template).references}
    lost = sorted(name for name in used - written if not name.startswith("dials."))
    if lost:
        remarks.append(Remark("variable", f"{', '.join(lost)}: the format has nothing like it, so nothing is written."))
    return remarks
