"""Signing in and out, and from where the cookie of a session counts."""

from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from server.edge.doorkeeper import Doorkeeper
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World

JSON = {"content-type": "application/json"}
OURS = JSON | {"x-parley": "1", "sec-fetch-site": "same-origin"}
OLDER = JSON | {"x-parley": "1", "origin": "http://testserver"}
"""From a browser that does not say where a request comes from."""
COOKIE = "parley_session"


def sign_in(client: TestClient, code: str = "code-ana", headers: dict[str, str] = OURS) -> Any:
    return client.post("/session", json={"code": code}, headers=headers)


def test_a_code_signs_in_once() -> None:
    """The browser is given a cookie that scripts cannot read; the same code again is refused."""
    with visiting(World(), headers={}) as client:
        assert error_of(client.get("/session")) == (401, "invalid_api_key")
        signed = sign_in(client)
        assert signed.json() == {
            "object": "session",
            "user": "ana",
            "tier": "plus",
            "role": "user",
            "expires_at": "2025-12-23T12:13:20.123456Z",
        }
        cookie = signed.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/" in cookie
        assert "max-age=2592000" in cookie
        assert "secure" not in cookie
        assert client.get("/session").json() == {"object": "session", "user": "ana", "tier": "plus", "role": "user"}
        assert client.get("/v1/usage").status_code == 200
        assert error_of(sign_in(client)) == (401, "invalid_login_code")


def test_over_https_no_other_host_can_set_the_cookie() -> None:
    """Its name binds it to this host, and it is sent over https only."""
    with visiting(World(public_url="https://chat.example"), headers={}) as client:
        cookie = sign_in(client).headers["set-cookie"]
        assert cookie.startswith("__Host-parley_session=")
        assert "; Secure" in cookie
        # The other name is nobody's there.
        assert client.get("/session", headers={"cookie": "parley_session=session-ana"}).status_code == 401
        assert client.get("/session", headers={"cookie": "__Host-parley_session=session-ana"}).status_code == 200


def test_signing_out_ends_the_session() -> None:
    """The browser forgets the cookie, and whoever kept it does not come in."""
    with visiting(World(), headers={}) as client:
        sign_in(client)
        kept = client.cookies[COOKIE]
        assert client.delete("/session", headers=OURS).json() == {"object": "session", "user": "ana", "deleted": True}
        assert COOKIE not in client.cookies
        assert error_of(client.get("/session", headers={"cookie": f"{COOKIE}={kept}"})) == (401, "invalid_api_key")


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/session"), ("GET", "/session"), ("GET", "/v1/usage")])
def test_a_session_that_has_ended_leaves_no_cookie(method: str, path: str) -> None:
    """The browser forgets what lets nobody in any more, as no script could make it."""
    world = World()
    world.identity.revoked.add("session-gone")
    with visiting(world, headers={}) as client:
        client.cookies.set(COOKIE, "session-gone", domain="testserver.local", path="/")
        assert error_of(client.request(method, path, headers=OURS)) == (401, "invalid_api_key")
        assert COOKIE not in client.cookies


def test_whoever_is_suspended_can_sign_out() -> None:
    """The cookie goes though the call is refused; one that other pages make changes nothing."""
    world = World()
    world.identity.suspended.add("session-ana")
    with visiting(world, headers={}) as client:
        client.cookies.set(COOKIE, "session-ana", domain="testserver.local", path="/")
        assert error_of(client.get("/session")) == (403, "user_suspended")
        assert error_of(client.delete("/session", headers={"sec-fetch-site": "cross-site"})) == (403, "foreign_page")
        assert COOKIE in client.cookies
        assert error_of(client.delete("/session", headers=OURS)) == (403, "user_suspended")
        assert COOKIE not in client.cookies


def test_a_wrong_key_leaves_the_cookie() -> None:
    """It is the key that was refused, not the session beside it."""
    with visiting(World(), headers={}) as client:
        client.cookies.set(COOKIE, "session-ana", domain="testserver.local", path="/")
        assert client.get("/session", headers={"authorization": "Bearer sk-gone"}).status_code == 401
        assert COOKIE in client.cookies


def test_a_key_is_no_session_to_sign_out_of() -> None:
    """Whoever asks with a key keeps it."""
    with visiting(World()) as client:
        assert client.get("/session").json()["user"] == "ana"
        assert client.delete("/session").json()["deleted"] is False
        assert client.get("/session").status_code == 200


def test_what_has_no_body_says_nothing_of_it() -> None:
    """A DELETE of our own pages needs no content type."""
    headers = {name: value for name, value in OURS.items() if name != "content-type"}
    with visiting(World(), headers={}) as client:
        sign_in(client)
        assert client.delete("/session", headers=headers).status_code == 200


def test_our_own_pages_may_send_files() -> None:
    """A form is taken where files are, with the header of ours, and nowhere without it."""
    form = {"content-type": "multipart/form-data; boundary=x", "sec-fetch-site": "same-origin"}
    with visiting(World(), headers={}) as client:
        sign_in(client)
        assert error_of(client.post("/v1/files", content=b"", headers=form)) == (403, "foreign_page")
        assert error_of(client.post("/v1/files", content=b"", headers=form | {"x-parley": "1"}))[0] == 400
        assert error_of(client.post("/v1/responses", content=b"", headers=form | {"x-parley": "1"}))[0] == 403


@pytest.mark.parametrize("headers", [OURS, OLDER, OURS | {"content-type": "Application/JSON; charset=utf-8"}])
def test_our_own_pages_may_change_things(headers: dict[str, str]) -> None:
    """With the header and JSON, and the browser's word for where they come from."""
    with visiting(World(), headers={}) as client:
        assert sign_in(client, headers=headers).status_code == 200
        assert client.post("/v1/responses/input_tokens", json={"input": "hi"}, headers=headers).status_code == 200


FOREIGN = {
    "a form": {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "cross-site"},
    "a form of text": {"content-type": "text/plain", "origin": "http://testserver"},
    "a form with a file": OURS | {"content-type": "multipart/form-data; boundary=x"},
    "text that is JSON": OURS | {"content-type": "text/plain"},
    "a script elsewhere": OURS | {"sec-fetch-site": "cross-site"},
    "a sibling host": OURS | {"sec-fetch-site": "same-site"},
    "a typed address": OURS | {"sec-fetch-site": "none"},
    "another origin": OLDER | {"origin": "https://evil.example"},
    "a frame without origin": OLDER | {"origin": "null"},
    "an origin that was allowed": OLDER | {"origin": "https://app.example"},
    "nobody says where": JSON | {"x-parley": "1"},
    "no header of ours": JSON | {"sec-fetch-site": "same-origin"},
}


CHANGES = [("POST", "/v1/responses"), ("DELETE", "/v1/conversations/x"), ("DELETE", "/session"), ("POST", "/session")]


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
def test_other_pages_change_nothing(headers: dict[str, str]) -> None:
    """Whatever another page makes the browser send with the cookie is refused before it is read."""
    world = World(allowed_origins=["https://app.example"])
    with visiting(world, headers={"cookie": f"{COOKIE}=session-ana"}) as client:
        for method, path in CHANGES:
            response = client.request(method, path, content=b'{"code": "code-ana", "input": "hi"}', headers=headers)
            assert error_of(response) == (403, "foreign_page")
        assert world.turns.requests == []
        assert client.get("/session").status_code == 200
        assert sign_in(client).status_code == 200


@pytest.mark.parametrize(
    ("site", "status"), [(None, 200), ("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)]
)
def test_other_pages_read_nothing(site: str | None, status: int) -> None:
    """The cookie reads for our own pages and for typed addresses."""
    with visiting(World(), headers={"cookie": f"{COOKIE}=session-ana"}) as client:
        assert client.get("/v1/usage", headers={"sec-fetch-site": site} if site else {}).status_code == status


def test_a_key_needs_nothing_of_this() -> None:
    """Programs and embedded pages bring a key, which counts before any cookie."""
    with visiting(World(), headers={"authorization": "Bearer sk-bo", "cookie": f"{COOKIE}=session-ana"}) as client:
        assert client.get("/session", headers={"sec-fetch-site": "cross-site"}).json()["user"] == "bo"
        counted = client.post("/v1/responses/input_tokens", content=b'{"input": "hi"}', headers={"origin": "null"})
        assert counted.status_code == 200


@pytest.mark.parametrize("value", ["sk-ana", "", "session", "code-ana"])
def test_only_sessions_are_cookies(value: str) -> None:
    """A key in the place of a session lets nobody in."""
    with visiting(World(), headers={"cookie": f"{COOKIE}={value}"}) as client:
        assert error_of(client.get("/session")) == (401, "invalid_api_key")


@pytest.mark.parametrize("origin", [None, "https://app.example", "null", "http://testserver:1"])
def test_a_socket_takes_the_cookie_from_our_own_origin_only(origin: str | None) -> None:
    """Not even from origins that may connect with a key."""
    world = World(allowed_origins=["https://app.example"])
    cookie = {"cookie": f"{COOKIE}=session-ana"}
    with visiting(world, headers={}) as client:
        with client.websocket_connect("/v1/responses", headers=cookie | {"origin": "http://testserver"}):
            pass
        headers = cookie | ({"origin": origin} if origin else {})
        with (
            pytest.raises(WebSocketDenialResponse) as denied,
            client.websocket_connect("/v1/responses", headers=headers),
        ):
            pass
        assert error_of(denied.value)[0] == 403


def test_a_socket_ends_with_its_session() -> None:
    """What is asked after signing out is refused, and the socket closed."""
    with visiting(World(), headers={}) as client:
        sign_in(client)
        with client.websocket_connect("/v1/responses", headers={"origin": "http://testserver"}) as socket:
            client.delete("/session", headers=OURS)
            socket.send_json({"type": "response.create", "input": "hi"})
            assert socket.receive_json()["error"]["code"] == "invalid_api_key"


def test_wrong_codes_are_counted_as_wrong_keys_are() -> None:
    """Who guesses is refused before the guess is looked at."""
    world = World(doorkeeper=Doorkeeper(clock=lambda: 0.0, requests=None, wrong_keys=2))
    with visiting(world, headers={}) as client:
        client._transport.client = ("203.0.113.7", 1)  # type: ignore[attr-defined]  # where the test client comes from
        for guess in ("a", "b"):
            assert error_of(sign_in(client, guess)) == (401, "invalid_login_code")
        assert error_of(sign_in(client)) == (429, "too_many_requests")


@pytest.mark.parametrize("body", [{}, {"code": None}, {"code": 7}, {"code": "x" * 256}])
def test_what_is_no_code_is_named(body: dict[str, object]) -> None:
    """The refusal says which field."""
    with visiting(World(), headers={}) as client:
        response = client.post("/session", json=body, headers=OURS)
        assert (response.status_code, response.json()["error"]["param"]) == (400, "code")


def test_somebody_who_is_suspended_gets_no_cookie() -> None:
    """The link is spent, and the refusal says why."""
    world = World()
    world.identity.suspended.add("session-ana")
    with visiting(world, headers={}) as client:
        refused = sign_in(client)
        assert error_of(refused) == (403, "user_suspended")
        assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("path", ["/login", "/console/login"])
def test_the_page_loads_nothing_from_elsewhere_and_nobody_frames_it(path: str) -> None:
    """Its policy lets only this server's scripts and styles in, and it is not kept."""
    with visiting(World(), headers={}) as client:
        page = client.get(path)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["cache-control"] == "no-store"
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        for address, kind in (("/login.js", "text/javascript"), ("/login.css", "text/css")):
            assert address in page.text
            assert client.get(address).headers["content-type"].startswith(kind)
