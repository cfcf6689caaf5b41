"""Model specs of LibreChat: entries of `modelSpecs.list` in its configuration."""

from personas.front_matter import Json
from personas.interop import yaml_text
from personas.interop.draft import Draft, Object, Remark, at, list_at, settings_in, text_at, texts_at
from personas.interop.format import Format
from personas.interop.outline import Outline, settings_of
from personas.interop.prose import Dialect

_WRITES = {"user.name": "{{current_user}}", "now.date": "{{current_date}}"}


def specs_of(configuration: Json) -> list[Json]:
    """Return the specs in a configuration, in a part of one, or the spec that this is."""
    if isinstance(at(configuration, "preset"), dict):
        return [configuration]
    return list_at(configuration, "modelSpecs", "list") or list_at(configuration, "list")


def fits(document: Json) -> bool:
    """Return whether this is a spec."""
    return isinstance(at(document, "preset"), dict)


def read(document: Object) -> Draft:
    """Return what a spec says."""
    preset = at(document, "preset")
    body = text_at(preset, "promptPrefix") or text_at(preset, "system") or text_at(preset, "instructions")
    agent = "The spec calls an agent, whose text is not in this file."
    return Draft(
        title=text_at(document, "label" if "label" in document else "name"),
        summary=[text_at(document, "description"), body],
        body=body,
        greeting=[text_at(preset, "greeting")],
        starters=texts_at(document, "conversation_starters"),
        settings=settings_in(preset, temperature="temperature", top_p="top_p", max_output_tokens="maxOutputTokens"),
        remarks=[Remark("agent", agent)] if text_at(preset, "agent_id") or text_at(preset, "assistant_id") else [],
    )


def write(outline: Outline) -> Object:
    """Return a spec. Which endpoint and model answer is for the operator to fill in."""
    persona = outline.persona
    preset: Object = {"endpoint": "openAI", "promptPrefix": outline.body}
    if outline.greeting:
        preset["greeting"] = outline.greeting[0]
    preset |= settings_of(outline, temperature="temperature", top_p="top_p", maxOutputTokens="max_output_tokens")
    starters: Object = {"conversation_starters": list(persona.starters)} if persona.starters else {}
    named: Object = {"name": persona.name, "label": persona.label, "description": persona.summary}
    return {**named, **starters, "preset": preset}


def encode(document: Object) -> bytes:
    """Return a configuration with this spec alone."""
    return yaml_text.written({"modelSpecs": {"list": [document]}}).encode(errors="replace")


LIBRECHAT = Format(
    key="librechat",
    file_name="{name}.yaml",
    fits=fits,
    read=read,
    write=write,
    encode=encode,
    dialect=Dialect(reads={tag.strip("{}"): name for name, tag in _WRITES.items()}, writes=_WRITES),
    carries=frozenset({"greeting", "starters", "model"}),
)
