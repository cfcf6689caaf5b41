"""People without an account."""

from starlette.testclient import TestClient

from server.edge.visitors import COOKIE, NO_NETWORK, Visitors
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import FakeIds, World


class Ids(FakeIds):
    """Names as long as real ones."""

    def new(self, prefix: str) -> str:
        return f"{super().new(prefix)}{'0' * 8}"


def open_house(*, secure: bool = False) -> World:
    """Return a world that lets people in as `free`."""
    return World(visitors=Visitors(tier="free", secret=b"s", new=Ids().new, secure=secure))


def who(client: TestClient) -> str:
    """Return the cookie that the client has after a request."""
    assert client.get("/v1/usage").json()["tier"] == "free"
    return str(client.cookies.get(COOKIE))


def test_a_browser_is_known_again_by_its_cookie() -> None:
    """It is given one with its first answer, and no other while it brings it."""
    world = open_house()
    with visiting(world, headers={}) as client:
        first = client.get("/v1/usage")
        assert "HttpOnly; SameSite=Lax" in first.headers["set-cookie"]
        assert "Secure" not in first.headers["set-cookie"]
        known = who(client)
        assert "set-cookie" not in client.get("/v1/usage").headers
        assert who(client) == known
    with visiting(open_house(secure=True), headers={}) as client:
        assert client.get("/v1/usage").headers["set-cookie"].endswith("; Secure")


def test_a_cookie_that_we_did_not_make_is_nobodys() -> None:
    """Who makes one up, or changes one, is somebody new."""
    world = open_house()
    with visiting(world, headers={}) as client:
        known = who(client)
        for forged in (known[:-1], known.replace("visitor_1", "visitor_2"), "visitor_10000000.", "ana", ""):
            client.cookies.clear()
            client.cookies.set(COOKIE, forged)
            answer = client.get("/v1/usage")
            assert answer.headers["set-cookie"].partition("=")[2].partition(";")[0] not in {known, forged}


def test_a_key_counts_before_a_cookie_and_roles_stay() -> None:
    """Whoever brings a key is who it says, a wrong one is refused, and operators' calls are no visitor's."""
    with visiting(open_house(), headers={}) as client:
        key = client.get("/v1/usage", headers={"authorization": "Bearer sk-ana"})
        assert (key.json()["tier"], "set-cookie" in key.headers) == ("plus", False)
        assert error_of(client.get("/v1/usage", headers={"authorization": "Bearer sk-gone"})) == (
            401,
            "invalid_api_key",
        )
        assert error_of(client.get("/admin/audit")) == (403, "role_required")


def test_a_socket_is_one_visitor() -> None:
    """The handshake brings the cookie, and each frame is from the same person."""
    with visiting(open_house(), headers={}) as client, client.websocket_connect("/v1/responses") as socket:
        cookies = [value for name, value in socket.extra_headers if name == b"set-cookie"]  # type: ignore[attr-defined]
        assert len(cookies) == 1


def test_pages_elsewhere_change_nothing_as_a_visitor() -> None:
    """A form on a foreign page is refused before anything is counted; our own pages and programs are not."""
    body = {"headers": {"content-type": "text/plain"}, "content": "{}"}
    with visiting(open_house(), headers={}) as client:
        client.headers["origin"] = "https://else.example"
        assert error_of(client.post("/v1/responses", **body)) == (403, "origin_not_allowed")  # type: ignore[arg-type]
        assert "set-cookie" not in client.post("/v1/responses", **body).headers  # type: ignore[arg-type]
        client.headers["origin"] = "http://testserver"
        assert error_of(client.post("/v1/responses", **body)) == (400, "missing_field")  # type: ignore[arg-type]


async def test_where_somebody_comes_from_goes_with_them() -> None:
    """The network of the address; of this machine, one name for all."""
    from starlette.requests import HTTPConnection

    found = []
    for host in ("203.0.113.7", "127.0.0.1"):
        scope = {"type": "http", "headers": [], "client": (host, 1), "state": {}}
        visitors = Visitors(tier="free", secret=b"s", new=FakeIds().new, secure=False)
        actor = visitors.actor(HTTPConnection(scope))
        assert visitors.actor(HTTPConnection(scope)) == actor
        found.append(actor.network)
    assert found == ["203.0.113.0/24", NO_NETWORK]
