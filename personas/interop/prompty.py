"""Prompty: `.prompty` files, front matter and a template in parts by role. Inputs are dials here.

Keys and addresses of providers, which such files may hold, are never taken over.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from personas.front_matter import Json, Unreadable
from personas.interop.draft import Draft, Object, Remark, at, list_at, settings_in, text_at
from personas.interop.format import Format, front_matter_bytes
from personas.interop.inputs import Inputs
from personas.interop.outline import Outline, settings_of
from personas.interop.prose import Dialect, joined, visible
from personas.template import NAMES

SUFFIX = ".prompty"
_ROLE = re.compile(
    r"^[ \t]*#?[ \t]*(?P<role>system|developer|user|assistant|tool|function)(?:\[[^\]\n]{0,200}\])?[ \t]*:[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_SYSTEM = frozenset({"system", "developer"})
_NAME = r"[A-Za-z_][A-Za-z0-9_.]{0,63}"
_TAG = re.compile(
    rf"\{{\{{-?\s{{0,8}}(?P<name>{_NAME})\s{{0,8}}-?\}}\}}"
    rf"|\{{%-?\s{{0,8}}(?:(?P<word>if|elif)\s{{1,8}}(?P<negation>not\s{{1,8}})?(?P<test>{_NAME})|(?P<end>else|endif))\s{{0,8}}-?%\}}"
    r"|\{#[^#]{0,2000}#\}"
    r"|\{[{%#]"
)
_SECRET = ("configuration", "connection")
_RENAMED = {"top_p": "topP", "max_tokens": "maxOutputTokens"}
"""Settings of version 1 by the names of version 2."""
_WRITES = {name: f"{{{{{name}}}}}" for name in NAMES if not name.startswith("persona.")}


def fits(document: Json) -> bool:
    """Return whether the front matter has fields of Prompty's alone."""
    front = at(document, "front")
    if not isinstance(front, dict):
        return False
    return isinstance(front.get("model"), dict) or bool(front.keys() & {"sample", "template"})


def normal(document: Object) -> Object:
    """Return the document with settings as version 2 has them, and without the provider's address and keys."""
    front = document["front"]
    model = at(front, "model")
    if not isinstance(front, dict) or not isinstance(model, dict):
        return document
    kept = {key: model[key] for key in model if key not in _SECRET}
    former = kept.pop("parameters", {})
    options = kept.get("options", {})
    if isinstance(former, dict) and isinstance(options, dict) and (former or options):
        kept["options"] = {**{_RENAMED.get(key, key): value for key, value in former.items()}, **options}
    return {**document, "front": {**front, "model": kept}}


def read(document: Object) -> Draft:
    """Return what a prompt says to the system. Raises `Unreadable` where that computes."""
    front, body = at(document, "front"), text_at(document, "body")
    line = document.get("line")
    inputs = Inputs(_defaults(front))
    parts = list(_parts(visible(body)))
    said = [(text, start) for role, text, start in parts if role in _SYSTEM]
    others = sum(bool(text.strip()) for role, text, _ in parts if role not in _SYSTEM)
    first_line = line if isinstance(line, int) else 1
    text = "\n\n".join(
        part for text, start in said if (part := _translated(text, inputs.meaning, first_line + start).strip())
    )
    if not text and others:
        raise Unreadable(1, "no_text", "The prompt has no text for the system.", "Put it under a line `system:`.")
    remarks = []
    if others:
        remarks.append(Remark("roles", "Texts for other roles are left out: a persona is what the system says."))
    if at(front, "model") is not None:
        remarks.append(Remark("model", "Which model answers, its address and its keys are for the deployment to say."))
    return Draft(
        title=text_at(front, "name"),
        summary=[text_at(front, "description"), "" if "{" in text else text],
        body=text,
        is_ours=True,
        settings=settings_in(
            at(front, "model", "options"),
            temperature="temperature",
            top_p="topP",
            max_output_tokens="maxOutputTokens",
        ),
        variables=inputs.variables,
        remarks=remarks,
    )


def write(outline: Outline) -> Object:
    """Return a prompt for the system. What is asked, and of which model, is for its user to fill in."""
    persona = outline.persona
    options = settings_of(outline, temperature="temperature", topP="top_p", maxOutputTokens="max_output_tokens")
    front: Object = {"name": persona.label, "description": persona.summary}
    if options:
        front["model"] = {"options": options}
    if outline.dials:
        front["inputs"] = [{"name": name, "kind": "string", "default": said} for name, said in outline.dials.items()]
    return {"front": front, "body": f"system:\n{outline.body}"}


def _defaults(front: Json) -> Mapping[str, Json]:
    """Return the defaults of the inputs, in any of the forms that versions of the format have."""
    sample, inputs = at(front, "sample"), at(front, "inputs")
    declared = (
        inputs.items()
        if isinstance(inputs, dict)
        else ((text_at(one, "name"), one) for one in list_at(front, "inputs"))
    )
    found = {name: at(one, "default") if isinstance(one, dict) else one for name, one in declared}
    shown = sample if isinstance(sample, dict) else {}
    return {**shown, **{name: value for name, value in found.items() if value is not None}}


def _parts(body: str) -> Iterator[tuple[str, str, int]]:
    """Yield role, text and first line of each part; what stands before any role is the system's."""
    role, start, line = "system", 0, 0
    for match in _ROLE.finditer(body):
        yield role, body[start : match.start()], line
        # Counted on from the last role: from the beginning, a file of many would take the square of its length.
        line += body.count("\n", start, match.end())
        role, start = match["role"].lower(), match.end()
    yield role, body[start:], line


def _translated(text: str, meaning: Callable[[str], str], first_line: int) -> str:
    """Return a Jinja template as one of ours. Raises `Unreadable`, with the line, for what has no counterpart."""
    pieces, position, depth = list[tuple[str, str]](), 0, 0
    for match in _TAG.finditer(text):
        line = first_line + text.count("\n", 0, match.start())
        tag = _ours(match, meaning, line)
        depth += (match["word"] == "if") - (match["end"] == "endif")
        if depth < 0 or (depth == 0 and match["end"] == "else") or (depth == 0 and match["word"] == "elif"):
            raise Unreadable(line, "tag", f"`{match[0][:40]}` belongs to no condition.", "Remove it.")
        pieces.append((text[position : match.start()], tag))
        position = match.end()
    if depth:
        raise Unreadable(first_line, "tag", "A condition has no end.", "Close it before the next role.")
    return joined([*pieces, (text[position:], "")])


def _ours(match: re.Match[str], meaning: Callable[[str], str], line: int) -> str:
    if match["end"]:
        return f"{{% {match['end']} %}}"
    if word := match["name"] or match["test"]:
        if not (name := meaning(word)):
            cure = "Name variables in small letters, without dots, in at most 32 characters."
            raise Unreadable(line, "variable", f"There can be no variable `{word}`.", cure)
        negation = "not " if match["negation"] else ""
        return f"{{% {match['word']} {negation}{name} %}}" if match["test"] else f"{{{{ {name} }}}}"
    if match[0].startswith("{#") and match[0].endswith("#}"):
        return ""
    rest = match.string[match.start() : match.start() + 40].partition("\n")[0]
    message = f"`{rest}` has no counterpart: there are variables, `if`, `elif`, `else` and `endif`."
    raise Unreadable(line, "tag", message, "Write the text without it.")


PROMPTY = Format(
    key="prompty",
    file_name="{name}.prompty",
    fits=fits,
    read=read,
    write=write,
    normal=normal,
    encode=front_matter_bytes,
    dialect=Dialect(writes=_WRITES, dials=True),
    carries=frozenset({"model"}),
)
