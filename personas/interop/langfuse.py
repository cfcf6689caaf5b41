"""Prompts of Langfuse, of text or of messages."""

from personas.front_matter import Json
from personas.interop.draft import Draft, Object, at, list_at, pairs_of, settings_in, text_at, texts_at
from personas.interop.format import Format
from personas.interop.openai import above, below, variables_of
from personas.interop.outline import Outline, messages_of, settings_of
from personas.interop.prose import Dialect


def fits(document: Json) -> bool:
    """Return whether this is a prompt."""
    return isinstance(at(document, "prompt"), str | list) and isinstance(at(document, "name"), str)


def as_chat(document: Object) -> Object:
    """Return a prompt of messages whose first says all that ranks above the user; one of text is that alone."""
    prompt = document["prompt"]
    messages = list_at(document, "prompt")
    body = prompt if isinstance(prompt, str) else above(messages)
    system: Object = {"role": "system", "content": body}
    return {**document, "type": "chat", "prompt": [system, *below(messages)]}


def read(document: Object) -> Draft:
    """Return what a prompt says."""
    messages = list_at(document, "prompt")
    body = above(messages)
    return Draft(
        title=text_at(document, "name"),
        summary=[text_at(document, "config", "description"), body],
        body=body,
        examples=pairs_of(below(messages)),
        tags=texts_at(document, "tags"),
        settings=settings_in(
            at(document, "config"), temperature="temperature", top_p="top_p", max_output_tokens="max_tokens"
        ),
        variables=variables_of(body, None),
    )


def write(outline: Outline) -> Object:
    """Return a prompt of messages."""
    persona = outline.persona
    settings = settings_of(outline, temperature="temperature", top_p="top_p", max_tokens="max_output_tokens")
    return {
        "name": persona.label,
        "type": "chat",
        "prompt": [{"role": "system", "content": outline.body}, *messages_of(outline)],
        "config": {"description": persona.summary, **settings},
        "tags": list(persona.tags),
    }


LANGFUSE = Format(
    key="langfuse",
    file_name="{name}.json",
    fits=fits,
    read=read,
    write=write,
    normal=as_chat,
    dialect=Dialect(dials=True),
    carries=frozenset({"examples", "tags", "model"}),
)
