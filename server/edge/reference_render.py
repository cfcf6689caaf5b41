"""Descriptions of the surface as pages for people. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

Schema = Mapping[str, Any]

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "body{color:#1b1f27;background:#fff}"
    "a{color:#0b5cad}h2,h3{margin:2rem 0 .25rem}h3 code{font-weight:600}p{margin:.25rem 0 .75rem}"
    "table{border-collapse:collapse;width:100%;margin:.25rem 0 1rem}"
    "td{border-top:1px solid #8884;padding:.3rem .6rem .3rem 0;vertical-align:top}td:first-child{width:16rem}"
    "code{font-size:.92em;overflow-wrap:anywhere}nav{margin:1rem 0;columns:20rem}nav a{display:block}i{color:#59616f}"
    "@media(prefers-color-scheme:dark){body{background:#14171c;color:#e8eaee}a{color:#79b8ff}i{color:#a3abb8}}"
)


def calls_page(document: Mapping[str, Any]) -> str:
    """Return an OpenAPI description as HTML."""
    about = (
        '<p>For programs: <a href="/openapi.json">/openapi.json</a>. '
        'The sockets: <a href="/docs/sockets">/docs/sockets</a>.</p>'
    )
    calls = [
        (f"{method.upper()} {path}", operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    listed = "".join(f'<a href="#{_anchor(name)}"><code>{escape(name)}</code></a>' for name, _ in calls)
    told = "".join(_call(name, operation) for name, operation in calls)
    return _page(document, f"{about}<nav>{listed}</nav>{told}{_types(document['components']['schemas'])}")


def frames_page(document: Mapping[str, Any]) -> str:
    """Return an AsyncAPI description as HTML."""
    about = (
        f"<p>{escape(document['info']['description'])} "
        'For programs: <a href="/asyncapi.json">/asyncapi.json</a>. The HTTP calls: <a href="/docs">/docs</a>.</p>'
    )
    channels = "".join(_channel(name, document) for name in document["channels"])
    return _page(document, about + channels + _types(document["components"]["schemas"]))


def _page(document: Mapping[str, Any], body: str) -> str:
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style><h1>{title}</h1>{body}</html>'
    )


def _call(name: str, operation: Mapping[str, Any]) -> str:
    parameters = [(one["name"], one["schema"], one.get("required", False)) for one in operation.get("parameters", ())]
    rows = "".join(_row(*one) for one in parameters)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    key = "" if "security" in operation else " <i>No key is needed.</i>"
    return (
        f'<h3 id="{_anchor(name)}"><code>{escape(name)}</code></h3>'
        f"<p>{escape(operation.get('description', ''))}{key}</p>"
        + (f"<table>{rows}</table>" if rows else "")
        + (f"<p>Body: {_kind(body)}</p>{_members(body)}" if body else "")
    )


def _channel(name: str, document: Mapping[str, Any]) -> str:
    channel = document["channels"][name]
    told = [f"<h2><code>{escape(channel['address'])}</code></h2><p>{escape(channel['description'])}</p>"]
    for operation in document["operations"].values():
        if operation["channel"]["$ref"].endswith(f"/{name}"):
            names = [one["$ref"].rpartition("/")[2] for one in operation["messages"]]
            rows = "".join(_message(document["components"]["messages"][one]) for one in names)
            told.append(f"<h3>{escape(operation['summary'])}</h3><table>{rows}</table>")
    return "".join(told)


def _message(message: Mapping[str, Any]) -> str:
    shape = message["payload"]["$ref"].rpartition("/")[2]
    return f'<tr><td><a href="#{shape}"><code>{escape(message["name"])}</code></a><td>{escape(message["summary"])}'


def _types(schemas: Mapping[str, Schema]) -> str:
    told = (
        f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3>'
        f"<p>{escape(schema.get('description', ''))}</p>{_members(schema)}"
        for name, schema in sorted(schemas.items())
    )
    return f"<h2>Shapes</h2>{''.join(told)}"


def _members(schema: Schema) -> str:
    properties = schema.get("properties")
    if not properties:
        return ""
    required = schema.get("required", ())
    return f"<table>{''.join(_row(name, one, name in required) for name, one in properties.items())}</table>"


def _row(name: str, schema: Schema, required: bool) -> str:  # noqa: FBT001  a row is what the table passes on
    optional = "" if required else " <i>may be absent</i>"
    about = escape(schema.get("description", ""))
    return f"<tr><td><code>{escape(name)}</code>{optional}<td>{_kind(schema)}{f'<br>{about}' if about else ''}"


def _kind(schema: Schema) -> str:
    """Return what a schema lets in, in a few words."""
    match schema:
        case {"$ref": str(place)}:
            name = escape(place.rpartition("/")[2])
            return f'<a href="#{name}">{name}</a>'
        case {"const": value}:
            return _values([value])
        case {"enum": [*values]}:
            return _values(values)
        case {"anyOf": [*several]} | {"oneOf": [*several]}:
            return " or ".join(_different(several))
        case {"type": "array", "items": inner}:
            return f"array of {_kind(inner)}"
        case {"type": "object", "additionalProperties": {"type": str(kind)}}:
            return f"object of {escape(kind)}s"
        case _:
            kinds = schema.get("type", "anything")
            return escape(kinds if isinstance(kinds, str) else " or ".join(kinds))


def _values(values: Sequence[Any]) -> str:
    return ", ".join(f"<code>{escape(json.dumps(value))}</code>" for value in values)


def _different(several: Sequence[Schema]) -> Iterator[str]:
    yield from dict.fromkeys(_kind(one) for one in several)


def _anchor(name: str) -> str:
    return escape("".join(letter if letter.isalnum() else "-" for letter in name))
