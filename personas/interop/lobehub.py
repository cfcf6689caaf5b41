"""Agents of LobeHub: the file that its index publishes and its application exports."""

from personas.front_matter import Json
from personas.interop.draft import Draft, Object, Remark, at, list_at, pairs_of, settings_in, text_at, texts_at
from personas.interop.format import Format
from personas.interop.outline import Outline, messages_of, settings_of
from personas.interop.prose import Dialect

_WRITES = {
    "user.name": "{{username}}",
    "user.locale": "{{locale}}",
    "now.date": "{{date}}",
    "now.weekday": "{{weekday}}",
}


def fits(document: Json) -> bool:
    """Return whether this is an agent with a role."""
    return isinstance(at(document, "config", "systemRole"), str) and isinstance(at(document, "meta"), dict)


def read(document: Object) -> Draft:
    """Return what an agent says."""
    config = at(document, "config")
    rewriting = "What users write reaches the model as they wrote it: `inputTemplate` is left out."
    return Draft(
        title=text_at(document, "meta", "title"),
        summary=[text_at(document, "meta", "description"), text_at(config, "systemRole")],
        body=text_at(config, "systemRole"),
        greeting=[text_at(config, "openingMessage")],
        starters=texts_at(config, "openingQuestions"),
        examples=pairs_of(list_at(config, "fewShots") or list_at(document, "examples")),
        tags=texts_at(document, "meta", "tags"),
        avatar=text_at(document, "meta", "avatar"),
        settings=settings_in(
            at(config, "params"), temperature="temperature", top_p="top_p", max_output_tokens="max_tokens"
        ),
        remarks=[Remark("rewriting", rewriting)] if text_at(config, "inputTemplate") else [],
    )


def write(outline: Outline) -> Object:
    """Return an agent. Its author, home and day are for the publisher to fill in."""
    persona = outline.persona
    settings = settings_of(outline, temperature="temperature", top_p="top_p", max_tokens="max_output_tokens")
    return {
        "schemaVersion": 1,
        "identifier": persona.name,
        "author": "",
        "homepage": "",
        "createdAt": "",
        "meta": {
            "title": persona.label,
            "description": persona.summary,
            "avatar": persona.avatar or "",
            "tags": list(persona.tags),
        },
        "config": {
            "systemRole": outline.body,
            "openingMessage": outline.greeting[0] if outline.greeting else "",
            "openingQuestions": list(persona.starters),
            "params": settings,
        },
        "examples": messages_of(outline),
    }


LOBEHUB = Format(
    key="lobehub",
    file_name="{name}.json",
    fits=fits,
    read=read,
    write=write,
    dialect=Dialect(reads={tag.strip("{}"): name for name, tag in _WRITES.items()}, writes=_WRITES),
    carries=frozenset({"greeting", "starters", "examples", "tags", "avatar", "model"}),
)
