"""Opening a WebSocket."""

from typing import cast

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from server.edge.cross_origin import may_connect
from server.edge.sockets import Sockets
from tests.unit.server.edge.browser import KEY, error_of, visiting
from tests.unit.server.edge.doors import World

PATHS = ["/v1/responses", "/v1/chat/completions"]


def refusal(client: TestClient, path: str = "/v1/responses", **how: object) -> tuple[int, str]:
    with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect(path, **how):  # type: ignore[arg-type]
        pass
    return error_of(denied.value)


def headers_of(socket: WebSocketTestSession) -> list[tuple[bytes, bytes]]:
    """Return the headers that the handshake was answered with, which the library does not type."""
    return list(cast("list[tuple[bytes, bytes]]", socket.extra_headers))


@pytest.mark.parametrize("path", PATHS)
def test_a_key_in_the_header(path: str) -> None:
    """A bearer key lets in, without any subprotocol; the response names the request."""
    with visiting(World()) as client, client.websocket_connect(path) as socket:
        assert socket.accepted_subprotocol is None
        assert b"x-request-id" in dict(headers_of(socket))
        socket.send_text("{")
        assert socket.receive_json()["error"]["code"] == "invalid_json"


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        (["realtime", "openai-insecure-api-key.sk-ana"], "realtime"),
        (["openai-insecure-api-key.sk-ana", "x", "realtime"], "realtime"),
        (["openai-insecure-api-key.sk-ana", "openai-project.p", "other"], "other"),
        (["openai-insecure-api-key.sk-ana"], None),
    ],
)
def test_a_key_among_the_subprotocols(offered: list[str], answered: str | None) -> None:
    """Browsers bring the key as a subprotocol; it is never answered with."""
    with (
        visiting(World(), headers={}) as client,
        client.websocket_connect("/v1/responses", subprotocols=offered) as socket,
    ):
        assert socket.accepted_subprotocol == answered


@pytest.mark.parametrize("path", PATHS)
def test_refusals_are_plain_http(path: str) -> None:
    """Without a good key the handshake is answered by the JSON error, its status and an id."""
    with visiting(World(), headers={}) as client:
        assert refusal(client, path) == (401, "invalid_api_key")
        assert refusal(client, path, headers={"authorization": "Bearer sk-gone"}) == (401, "invalid_api_key")
        assert refusal(client, path, subprotocols=["openai-insecure-api-key.sk-bad"]) == (403, "user_suspended")


def test_origins() -> None:
    """A browser on another origin is refused unless it is allowed; our own pages are let in."""
    with visiting(World()) as client:
        assert refusal(client, headers=KEY | {"origin": "https://evil.example"}) == (403, "origin_not_allowed")
        with client.websocket_connect("/v1/responses", headers=KEY | {"origin": "http://testserver"}):
            pass
    with visiting(World(allowed_origins=["https://app.example"])) as client:
        with client.websocket_connect("/v1/responses", headers=KEY | {"origin": "https://app.example"}):
            pass
        assert refusal(client, headers=KEY | {"origin": "null"}) == (403, "origin_not_allowed")


@pytest.mark.parametrize(
    ("origin", "public_url", "allowed", "expected"),
    [
        (None, None, [], True),
        ("http://a.example:8000", None, [], True),
        ("HTTP://A.example:8000", None, [], True),
        ("http://a.example", None, [], False),
        ("https://chat.example", "https://Chat.example/path", [], True),
        ("http://chat.example", "https://chat.example", [], False),
        ("http://a.example:8000", "https://a.example:8000", [], False),
        ("https://a.example:8000", None, [], True),
        ("javascript://a.example:8000", None, [], False),
        ("https://b.example", None, ["https://b.example"], True),
        ("https://b.example", None, ["*"], True),
        ("null", None, [], False),
        ("", None, [], False),
        ("http://[", "https://a.example", [], False),
    ],
)
def test_which_origins_may_connect(
    origin: str | None,
    public_url: str | None,
    allowed: list[str],
    expected: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    """Programs, the host itself, the public address and the allowed origins may connect."""
    assert may_connect(origin, host="a.example:8000", public_url=public_url, allowed=allowed) is expected


def test_a_page_in_the_clear_is_none_of_a_host_with_tls() -> None:
    """Where the request came over TLS, so has the page that may make it."""
    for origin, expected in (("http://a.example", False), ("https://a.example", True)):
        assert may_connect(origin, host="a.example", public_url=None, allowed=[], secure=True) is expected


def test_sockets_of_a_user_are_counted() -> None:
    """One socket too many is refused, and a closed one makes room."""
    world = World(sockets=Sockets(random=lambda: 0.0, most_per_user=1))
    with visiting(world) as client:
        with client.websocket_connect("/v1/responses"):
            assert refusal(client) == (429, "too_many_connections")
            with client.websocket_connect("/v1/responses", headers={"authorization": "Bearer sk-bo"}):
                pass
        with client.websocket_connect("/v1/responses"):
            pass


async def test_a_draining_node_lets_nobody_in() -> None:
    """While a node goes down, handshakes are refused with 503."""
    world = World()
    await world.services.sockets.drain(0.0)
    with visiting(world) as client:
        assert refusal(client) == (503, "draining")


def test_extensions_are_told_to_be_on() -> None:
    """The handshake says whether the extensions are on, by query or header."""
    with visiting(World()) as client:
        for path, headers in (("/v1/responses?extensions=parley", {}), ("/v1/responses", {"parley-extensions": "1"})):
            with client.websocket_connect(path, headers=KEY | headers) as socket:
                assert (b"parley-extensions", b"1") in headers_of(socket)
                socket.send_json({"type": "parley:ping"})
                assert socket.receive_json() == {"type": "parley:pong"}


def test_a_revoked_key_ends_the_socket() -> None:
    """A key that is revoked meanwhile closes the socket at the next request."""
    world = World()
    with visiting(world) as client, client.websocket_connect("/v1/responses") as socket:
        world.identity.revoked.add("sk-ana")
        socket.send_json({"type": "response.create", "input": "hi"})
        assert socket.receive_json()["error"]["code"] == "invalid_api_key"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 4401
