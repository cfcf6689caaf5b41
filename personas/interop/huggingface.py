"""Assistants of Hugging Face's chat."""

from personas.front_matter import Json
from personas.interop.draft import Draft, Object, Remark, at, settings_in, text_at, texts_at
from personas.interop.format import Format
from personas.interop.outline import Outline, settings_of


def fits(document: Json) -> bool:
    """Return whether this is an assistant."""
    return isinstance(at(document, "preprompt"), str)


def read(document: Object) -> Draft:
    """Return what an assistant says."""
    fetching = "`dynamicPrompt` and `rag` are left out: nothing is fetched while a persona speaks."
    return Draft(
        title=text_at(document, "name"),
        summary=[text_at(document, "description"), text_at(document, "preprompt")],
        body=text_at(document, "preprompt"),
        starters=texts_at(document, "exampleInputs"),
        settings=settings_in(at(document, "generateSettings"), temperature="temperature", top_p="top_p"),
        remarks=[Remark("fetching", fetching)] if at(document, "dynamicPrompt") or at(document, "rag") else [],
    )


def write(outline: Outline) -> Object:
    """Return an assistant."""
    persona = outline.persona
    return {
        "name": persona.label,
        "description": persona.summary,
        "preprompt": outline.body,
        "exampleInputs": list(persona.starters),
        "generateSettings": settings_of(outline, temperature="temperature", top_p="top_p"),
    }


HUGGINGFACE = Format(
    key="huggingface",
    file_name="{name}.json",
    fits=fits,
    read=read,
    write=write,
    carries=frozenset({"starters", "model"}),
)
