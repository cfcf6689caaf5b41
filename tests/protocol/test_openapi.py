"""The description of the HTTP surface that is served, and the one that is in the documentation."""

import json
from pathlib import Path
from typing import Any

from server.edge.access import ACCESS, SOCKET
from server.edge.openapi import text

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"
UNDESCRIBED = {
    ("GET", "/docs"),
    ("GET", "/docs/sockets"),
    ("GET", "/openapi.json"),
    ("GET", "/asyncapi.json"),
    ("GET", "/v1/responses"),
    ("GET", "/"),
    ("GET", "/c/{conversation_id}"),
    ("GET", "/assets/{name}"),
    ("GET", "/embed/{name}"),
    ("GET", "/login"),
    ("GET", "/console/login"),
    ("GET", "/console"),
    ("GET", "/console/{view}"),
    ("GET", "/login.js"),
    ("GET", "/login.css"),
}


def described() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text())
    return document


def test_the_file_is_what_is_served() -> None:
    """A change of the surface changes the file: `make describe` writes it anew, and its difference is reviewed."""
    assert FILE.read_text(encoding="utf-8") == text(), "run `make describe` and look at what it changes"


def test_every_call_is_described() -> None:
    """Each route of the access table is there with what it is for, and says whether it needs a key."""
    document = described()
    assert document["openapi"].startswith("3.1.")
    calls = {
        (method.upper(), path): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    routes = {
        (method, path.replace(":path}", "}")): role for (method, path), role in ACCESS.items() if method != SOCKET
    }
    assert set(calls) | UNDESCRIBED == set(routes)
    for route, operation in calls.items():
        assert operation["description"], route
        assert ("security" in operation) == (routes[route] not in {"public", "ours"}), route


def test_a_refusal_has_one_shape() -> None:
    """Every call says that it may be refused, in the one shape; references lead somewhere."""
    document = described()
    for operations in document["paths"].values():
        for operation in operations.values():
            assert "422" not in operation["responses"]
            reference = operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"]
            assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]
    assert json.dumps(document).count("$ref") == sum(len(calls) for calls in document["paths"].values())
