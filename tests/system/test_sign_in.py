"""A browser signs in at a real server with a link that a command made."""

import json
from pathlib import Path

import websockets
from websockets.typing import Origin

from server import admitting
from server.core.records import Role
from server.settings import Settings
from tests.harness import house

OURS = {"x-parley": "1", "content-type": "application/json", "sec-fetch-site": "same-origin"}


async def link(settings: Settings, user: str, role: Role) -> str:
    """Make the code of a link, as `parley login` does beside the running server."""
    async with admitting.opened(settings) as signing_in:
        return await signing_in.code(user, role=role, by="cli", tier="plus")


async def test_a_session_does_what_a_key_does_until_it_ends(tmp_path: Path) -> None:
    """It asks over HTTP and on a socket, reads as an operator, and is over after signing out."""
    async with house(tmp_path) as running, running.http(None) as browser:
        code = await link(running.settings, "ana", Role.OPERATOR)
        signed = await browser.post("/session", json={"code": code}, headers=OURS)
        assert (signed.status_code, signed.json()["role"]) == (200, "operator")
        replayed = await browser.post("/session", json={"code": code}, headers=OURS)
        assert (replayed.status_code, replayed.json()["error"]["code"]) == (401, "invalid_login_code")

        asked = {"model": "gpt-4-mini", "input": "hi"}
        assert (await browser.post("/v1/responses", json=asked, headers=OURS)).status_code == 200
        assert (await browser.post("/v1/responses", json=asked)).status_code == 403
        noted = (await browser.get("/admin/audit")).json()["data"]
        assert [entry["what"] for entry in noted[:2]] == ["signed in", "login link created"]

        (cookie,) = browser.cookies.jar
        brought = {"cookie": f"{cookie.name}={cookie.value}"}
        address = running.address.replace("http", "ws") + "/v1/responses"
        async with websockets.connect(address, additional_headers=brought, origin=Origin(running.address)) as socket:
            await socket.send(json.dumps({"type": "response.create", **asked}))
            assert json.loads(await socket.recv())["type"] == "response.created"

        assert (await browser.delete("/session", headers=OURS)).json()["deleted"]
        assert (await browser.get("/session", headers=brought)).status_code == 401
