"""The application as a whole: access, errors, ids of requests."""

import re

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Route
from starlette.testclient import WebSocketDenialResponse

from server.core.ports import StoreAway
from server.core.records import Actor, Role
from server.edge.access import ACCESS, SOCKET
from server.edge.json_in import MOST_BYTES
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World


def test_every_route_is_in_the_table() -> None:
    """The table of access names each route of the application, and no other."""
    found: set[tuple[str, str]] = set()
    with visiting(World()) as client:
        for route in client.app.routes:  # type: ignore[attr-defined]  # the type of any ASGI application
            if isinstance(route, APIWebSocketRoute):
                found.add((SOCKET, route.path))
            else:
                assert isinstance(route, (APIRoute, Route))
                found |= {(method, route.path) for method in route.methods or () if method != "HEAD"}
    assert found == set(ACCESS)


@pytest.mark.parametrize(("method", "path"), [key for key in ACCESS if key[0] != SOCKET])
def test_routes_need_the_key_that_the_table_says(method: str, path: str) -> None:
    """Without a key a public route answers and the others are 401 with a challenge."""
    with visiting(World(), headers={}) as client:
        response = client.request(method, path)
        if ACCESS[method, path] == "public":
            assert response.status_code not in {401, 403}
        elif ACCESS[method, path] == "ours":
            assert error_of(response) == (403, "foreign_page")
        elif ACCESS[method, path] == "signed":
            assert error_of(response) == (401, "invalid_signature")
        else:
            assert error_of(response) == (401, "invalid_api_key")
            assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Bearer sk-ana", 200),
        ("bearer sk-ana", 200),
        ("Bearer sk-gone", 401),
        ("Bearer sk-bad", 403),
        ("Bearer ", 401),
        ("Basic sk-ana", 401),
        ("", 401),
    ],
)
def test_keys(header: str, expected: int) -> None:
    """Only a bearer key that is known, not revoked and not suspended lets in."""
    with visiting(World(), headers={"authorization": header}) as client:
        assert client.get("/v1/models").status_code == expected


@pytest.mark.parametrize("key", ["sk-ana", "sk-dev"])
@pytest.mark.parametrize(("method", "path"), [route for route in ACCESS if route[1].startswith("/admin")])
def test_operators_alone_come_behind(method: str, path: str, key: str) -> None:
    """Every route of `/admin` refuses the keys of users and developers, naming the role that may, and reads no body."""
    assert ACCESS[method, path] is Role.OPERATOR
    with visiting(World(), headers={"authorization": f"Bearer {key}"}) as client:
        response = client.request(method, path, content=b"no JSON")
        assert error_of(response) == (403, "role_required")
        assert "operator" in response.json()["error"]["message"]


def test_a_role_can_be_demanded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A route that the table gives to operators refuses users, naming the role."""
    monkeypatch.setitem(ACCESS, ("GET", "/v1/usage"), Role.OPERATOR)
    with visiting(World()) as client:
        response = client.get("/v1/usage")
        assert error_of(response) == (403, "role_required")
        assert "operator" in response.json()["error"]["message"]
        assert client.get("/v1/usage", headers={"authorization": "Bearer sk-op"}).status_code == 200


def test_addresses_and_methods_that_do_not_exist() -> None:
    """404 and 405 have the shape of every error, and 405 names what is allowed."""
    with visiting(World()) as client:
        assert error_of(client.get("/v1/nothing")) == (404, "not_found")
        response = client.put("/v1/usage")
        assert error_of(response) == (405, "method_not_allowed")
        assert response.headers["allow"] == "GET"


def test_a_plain_get_of_a_socket() -> None:
    """A GET without an upgrade is told to upgrade."""
    with visiting(World()) as client:
        response = client.get("/v1/responses")
        assert error_of(response) == (426, "upgrade_required")
        assert response.headers["upgrade"] == "websocket"


def test_bad_parameters_are_named() -> None:
    """A query parameter that does not fit is a 400 that names it."""
    with visiting(World()) as client:
        response = client.get("/v1/conversations?limit=0")
        assert error_of(response) == (400, "invalid_value")
        assert response.json()["error"]["param"] == "limit"


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "invalid_json")),
        (b"[]", (400, "invalid_json")),
        (b"\xff", (400, "invalid_json")),
        (b"{}", (400, "missing_field")),
        (b'{"a":' * 65 + b"1" + b"}" * 65, (400, "too_deep")),
        (b" " * (MOST_BYTES + 1), (413, "message_too_large")),
    ],
)
def test_bad_bodies(path: str, body: bytes, expected: tuple[int, str]) -> None:
    """Each bad body is a documented error, whatever its content type."""
    with visiting(World()) as client:
        assert error_of(client.post(path, content=body, headers={"content-type": "text/plain"})) == expected


def test_a_body_of_unknown_length_is_bounded() -> None:
    """A body that is sent in pieces is refused once it is too large."""
    with visiting(World()) as client:
        response = client.post("/v1/responses", content=(b" " * 1024 * 1024 for _ in range(12)))
        assert error_of(response) == (413, "message_too_large")


def test_a_fault_is_a_500_without_its_text() -> None:
    """What goes wrong inside is `internal_error` with an id that stands in the logs, and no trace."""
    world = World(quota=None)
    with visiting(world) as client:
        response = client.get("/v1/usage")
        assert error_of(response) == (500, "internal_error")
        assert "Traceback" not in response.text
        assert "NoneType" not in response.text


def test_a_database_that_is_away_is_a_503() -> None:
    """The client learns that the same may succeed later, over HTTP and when it opens a socket."""

    class Away:
        async def actor(self, secret: str, now: int) -> Actor:
            raise StoreAway("gone")

    with visiting(World(identity=Away())) as client:
        response = client.get("/v1/usage")
        assert error_of(response) == (503, "storage_unavailable")
        assert response.headers["retry-after"] == "1"
        with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect("/v1/responses"):
            pass
        assert error_of(denied.value) == (503, "storage_unavailable")


def test_health() -> None:
    """A node is alive, ready or says why not, and shows its metrics."""
    world = World()
    with visiting(world) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").status_code == 200
        world.unready = "draining"
        response = client.get("/readyz")
        assert (response.status_code, response.json()) == (503, {"status": "draining"})
        assert client.get("/metrics").text == "parley_up 1\n"


def test_the_reference_needs_nothing_from_elsewhere() -> None:
    """`/docs` names each documented operation and loads nothing from another host."""
    with visiting(World()) as client:
        page = client.get("/docs").text
        for path in client.get("/openapi.json").json()["paths"]:
            assert path in page
        assert "://" not in page


def test_the_reference_of_the_sockets_needs_nothing_from_elsewhere() -> None:
    """`/docs/sockets` names each frame of `/asyncapi.json`, leads to its members, and loads nothing from elsewhere."""
    with visiting(World()) as client:
        page = client.get("/docs/sockets").text
        components = client.get("/asyncapi.json").json()["components"]
        for message in components["messages"].values():
            assert f"<code>{message['name']}</code>" in page
        for name in components["schemas"]:
            assert f'id="{name}"' in page
        assert set(re.findall(r'href="#([^"]+)"', page)) <= set(components["schemas"])
        assert "://" not in page


def test_other_origins_are_answered_as_configured() -> None:
    """CORS headers go to the origins that are allowed, and to no others."""
    with visiting(World(allowed_origins=["https://app.example"])) as client:
        allowed = client.get("/v1/models", headers={"origin": "https://app.example"})
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        asked = {"origin": "https://app.example", "access-control-request-method": "POST"}
        assert client.options("/v1/responses", headers=asked).status_code == 200
        assert (
            "access-control-allow-origin"
            not in client.get("/v1/models", headers={"origin": "https://evil.example"}).headers
        )
    with visiting(World()) as client:
        response = client.get("/v1/models", headers={"origin": "https://app.example"})
        assert "access-control-allow-origin" not in response.headers
