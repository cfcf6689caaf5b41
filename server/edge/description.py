"""The description of the HTTP surface for programs, as far as the framework cannot know it. Pure."""

from typing import Any, Final

from server.core.errors import CATALOGUE
from server.edge.access import ACCESS

_KEY: Final = {"type": "http", "scheme": "bearer", "description": "A key that `parley keys create` makes."}
_ERROR: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string", "enum": sorted({problem.type for problem in CATALOGUE.values()})},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string", "enum": sorted(CATALOGUE)},
            },
        }
    },
}
_REFUSED: Final = {
    "description": "A refusal, of the shape and the codes that docs/errors.md has.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add how calls are refused and which of them need a key. Doing so again changes nothing."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            # The framework's own answer to a bad parameter, which is never given.
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _REFUSED
            if ACCESS.get((method.upper(), path)) not in {"public", "ours"}:
                operation["security"] = [{"key": []}]
    components = document.setdefault("components", {})
    components["schemas"] = {"Error": _ERROR}
    components["securitySchemes"] = {"key": _KEY}
    return document
