"""Models of Open WebUI: what its workspace exports, one object for each."""

from personas.front_matter import Json
from personas.interop.draft import Draft, Object, at, list_at, settings_in, text_at
from personas.interop.format import Format, json_list_bytes
from personas.interop.outline import Outline, settings_of
from personas.interop.prose import Dialect

_WRITES = {
    "user.name": "{{USER_NAME}}",
    "user.locale": "{{USER_LANGUAGE}}",
    "now.date": "{{CURRENT_DATE}}",
    "now.weekday": "{{CURRENT_WEEKDAY}}",
}


def fits(document: Json) -> bool:
    """Return whether this is a model with parameters and a description."""
    return isinstance(at(document, "params"), dict) and isinstance(at(document, "meta"), dict)


def read(document: Object) -> Draft:
    """Return what a model says."""
    prompts = list_at(document, "meta", "suggestion_prompts")
    return Draft(
        title=text_at(document, "name"),
        summary=[text_at(document, "meta", "description"), text_at(document, "params", "system")],
        body=text_at(document, "params", "system"),
        starters=[text_at(prompt, "content") for prompt in prompts],
        tags=[text_at(tag, "name") for tag in list_at(document, "meta", "tags")],
        avatar=text_at(document, "meta", "profile_image_url").removeprefix("/static/favicon.png"),
        settings=settings_in(
            at(document, "params"), temperature="temperature", top_p="top_p", max_output_tokens="max_tokens"
        ),
    )


def write(outline: Outline) -> Object:
    """Return a model."""
    persona = outline.persona
    settings = settings_of(outline, temperature="temperature", top_p="top_p", max_tokens="max_output_tokens")
    return {
        "id": persona.name,
        "base_model_id": None,
        "name": persona.label,
        "params": {"system": outline.body, **settings},
        "meta": {
            "description": persona.summary,
            "suggestion_prompts": [{"content": starter} for starter in persona.starters],
            "tags": [{"name": tag} for tag in persona.tags],
        },
        "is_active": True,
    }


OPENWEBUI = Format(
    key="openwebui",
    file_name="{name}.json",
    fits=fits,
    read=read,
    write=write,
    encode=json_list_bytes,
    dialect=Dialect(reads={tag.strip("{}").casefold(): name for name, tag in _WRITES.items()}, writes=_WRITES),
    carries=frozenset({"starters", "tags", "model"}),
)
