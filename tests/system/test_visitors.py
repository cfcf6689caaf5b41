"""People without an account, at real doors."""

import json
from pathlib import Path
from typing import Any

from tests.harness import house

OPEN = {"auth": {"anonymous": "taste"}, "tiers": {"taste": {"standard": "2 messages / 3h"}}, "default_tier": "taste"}
ASK = {"model": "gpt-4-mini", "input": "hi"}


async def test_a_new_browser_is_no_new_cap(tmp_path: Path) -> None:
    """A visitor has their own conversations and caps; who forgets the cookie shares what their network has left."""
    async with house(tmp_path, OPEN) as running:
        async with running.http(None) as ana:
            said = await ana.post("/v1/responses", json=ASK | {"conversation": "new"})
            assert said.status_code == 200
            assert len((await ana.get("/v1/conversations")).json()["data"]) == 1
        async with running.http(None) as bo:
            assert (await bo.get("/v1/conversations")).json()["data"] == []
            assert (await bo.get(f"/v1/responses/{said.json()['id']}")).status_code == 404
            assert (await bo.get("/v1/usage")).json()["limits"][0]["used"] == 0
            assert (await bo.post("/v1/responses", json=ASK)).status_code == 200
        async with running.http(None) as eve:
            refused = await eve.post("/v1/responses", json=ASK)
            assert (refused.status_code, refused.json()["error"]["limit"]["id"]) == (429, "network.standard.messages")
            assert refused.json()["error"]["message"].startswith("Your network has reached")
            assert (await eve.get("/admin/audit")).status_code == 403
        async with running.http(await running.key("member", "taste")) as member:
            assert (await member.post("/v1/responses", json=ASK)).status_code == 200


async def test_a_visitor_on_a_socket_is_one_visitor(tmp_path: Path) -> None:
    """Every frame of a socket is from the same person, whose cookie the handshake brings."""
    async with house(tmp_path, OPEN) as running:
        create: dict[str, Any] = {"type": "response.create", **ASK}
        ids: list[str] = []
        async with running.socket("/v1/responses", None) as socket:
            assert socket.response is not None
            cookie = socket.response.headers["set-cookie"].partition(";")[0]
            for _ in range(2):
                await socket.send(json.dumps(create | ({"previous_response_id": ids[0]} if ids else {})))
                frame = json.loads(await socket.recv())
                while frame["type"] not in {"response.completed", "error"}:
                    frame = json.loads(await socket.recv())
                assert frame["type"] == "response.completed", frame
                ids.append(frame["response"]["id"])
        async with running.http(None) as http:
            found = await http.get(f"/v1/responses/{ids[1]}", headers={"cookie": cookie})
        assert found.status_code == 200
