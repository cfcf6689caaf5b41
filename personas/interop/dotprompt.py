"""Dotprompt: `.prompt` files, front matter and a Handlebars template. Inputs are dials here."""

from collections.abc import Mapping

from personas.front_matter import Json, Unreadable
from personas.interop.draft import Draft, Object, Remark, at, integer_at, settings_in, text_at
from personas.interop.format import Format, front_matter_bytes
from personas.interop.handlebars import translated
from personas.interop.inputs import Inputs
from personas.interop.outline import Outline, settings_of
from personas.interop.prose import Dialect
from personas.template import NAMES

_WRITES = {name: f"{{{{{name}}}}}" for name in NAMES if not name.startswith("persona.")}


def fits(document: Json) -> bool:
    """Return whether the front matter has fields of Dotprompt's alone."""
    front = at(document, "front")
    return isinstance(front, dict) and bool(front.keys() & {"model", "config", "input", "output", "variant"})


def read(document: Object) -> Draft:
    """Return what a prompt says. Raises `Unreadable` where its template computes."""
    front, body = at(document, "front"), text_at(document, "body")
    defaults = at(front, "input", "default")
    inputs = Inputs(defaults if isinstance(defaults, dict) else {})
    found = translated(body, inputs.meaning, first_line=integer_at(document, "line") or 1)
    if not found.text.strip() and found.others:
        raise Unreadable(1, "no_text", "The prompt has no text for the system.", 'Put it under `{{role "system"}}`.')
    others = "Texts for other roles and the place of the history are left out: a persona is what the system says."
    return Draft(
        title=text_at(front, "name"),
        summary=[text_at(front, "description"), "" if "{" in found.text else found.text],
        body=found.text,
        is_ours=True,
        settings=settings_in(
            at(front, "config"), temperature="temperature", top_p="topP", max_output_tokens="maxOutputTokens"
        ),
        variables=inputs.variables,
        remarks=[Remark("roles", others)] if found.others else [],
    )


def write(outline: Outline) -> Object:
    """Return a prompt for the system."""
    persona = outline.persona
    config = settings_of(outline, temperature="temperature", topP="top_p", maxOutputTokens="max_output_tokens")
    front: Object = {"name": persona.label, "description": persona.summary}
    more: Mapping[str, Json] = {"config": config, "input": {"default": dict(outline.dials)} if outline.dials else {}}
    front |= {key: value for key, value in more.items() if value}
    return {"front": front, "body": f'{{{{role "system"}}}}\n{outline.body}'}


DOTPROMPT = Format(
    key="dotprompt",
    file_name="{name}.prompt",
    fits=fits,
    read=read,
    write=write,
    encode=front_matter_bytes,
    dialect=Dialect(writes=_WRITES, dials=True),
    carries=frozenset({"model"}),
)
