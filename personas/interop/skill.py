"""Agent Skills: `SKILL.md`, front matter and Markdown. What a skill would run is not taken over."""

import re

from personas.front_matter import Json
from personas.interop.draft import Draft, Object, Remark, at, text_at
from personas.interop.format import Format, front_matter_bytes
from personas.interop.outline import Outline

_FILES = re.compile(r"\b(?:scripts|references|assets)/")


def fits(document: Json) -> bool:
    """Return whether this is a skill."""
    return isinstance(at(document, "front", "name"), str) and isinstance(at(document, "front", "description"), str)


def read(document: Object) -> Draft:
    """Return what a skill says."""
    remarks = []
    if _FILES.search(text_at(document, "body")):
        remarks.append(Remark("files", "Scripts and other files that the text speaks of stay behind."))
    if at(document, "front", "allowed-tools"):
        remarks.append(Remark("tools", "`allowed-tools` is left out: a persona is given tools by its operator."))
    return Draft(
        name=text_at(document, "front", "name"),
        title=text_at(document, "front", "metadata", "title"),
        summary=[text_at(document, "front", "description")],
        body=text_at(document, "body"),
        remarks=remarks,
    )


def write(outline: Outline) -> Object:
    """Return a skill."""
    persona = outline.persona
    front: Object = {"name": persona.name, "description": persona.summary}
    if persona.title is not None:
        front["metadata"] = {"title": persona.title}
    return {"front": front, "body": outline.body}


SKILL = Format(
    key="skill",
    file_name="SKILL.md",
    fits=fits,
    read=read,
    write=write,
    encode=front_matter_bytes,
)
