"""What operators do with users, keys, links and policies by the API."""

from pathlib import Path
from typing import Any

import httpx

from server.core.records import Role
from tests.harness import House, house

ASK = {"model": "gpt-4", "input": "hi"}


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Return status, code and field of a refusal."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


async def operator(running: House) -> httpx.AsyncClient:
    """Return a client of an operator."""
    return running.http(await running.key("op", role=Role.OPERATOR))


async def listed(http: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    """Return what a list holds."""
    found: list[dict[str, Any]] = (await http.get(path)).json()["data"]
    return found


async def test_users_are_found_looked_at_and_changed(tmp_path: Path) -> None:
    """Page by page or by a part of the name; what one used and has left; another tier counts at the next request."""
    async with house(tmp_path) as running, await operator(running) as http:
        key = await running.key("ana/1%", "strict")
        for name in ("bo", "Boris", "eve"):
            await running.key(name)
        assert [one["name"] for one in await listed(http, "/admin/users?holding=BO")] == ["Boris", "bo"]
        assert [one["name"] for one in await listed(http, "/admin/users?holding=1%25")] == ["ana/1%"]
        first = (await http.get("/admin/users?limit=2")).json()
        assert ([one["name"] for one in first["data"]], first["has_more"]) == (["Boris", "ana/1%"], True)
        rest = await listed(http, f"/admin/users?limit=3&after={first['last_id']}")
        assert [one["name"] for one in rest] == ["bo", "eve", "op"]

        async with running.http(key) as ana:
            assert (await ana.post("/v1/responses", json=ASK)).status_code == 200
            path = "/admin/users/ana%2F1%25"
            shown = (await http.get(path)).json()
            used = {limit["id"]: limit["used"] + limit["held"] for limit in shown["usage"]["limits"]}
            assert (shown["tier"], used["gpt-4.messages"]) == ("strict", 1)
            (row,) = await listed(http, "/admin/usage?user=ana/1%25&days=1")
            assert (row["model"], row["turns"]) == ("gpt-4", 1)
            changed = (await http.post(path, json={"tier": "plus", "organisation": "acme"})).json()
            assert (changed["tier"], changed["organisation"], changed["suspended"]) == ("plus", "acme", False)
            assert (await ana.get("/v1/usage")).json()["tier"] == "plus"
            await http.post(path, json={"suspended": True})
            assert (await ana.get("/v1/usage")).status_code == 403

        assert refusal(await http.get("/admin/users/nobody")) == (404, "not_found", "user")
        assert refusal(await http.post(path, json={"tier": "gold"})) == (400, "invalid_value", "tier")
        assert refusal(await http.post(path, json={"suspended": "no"})) == (400, "invalid_value", "suspended")
        noted = await listed(http, "/admin/audit?limit=2")
        assert [(entry["what"], entry["who"].split()[0]) for entry in noted] == [("user changed", "op")] * 2


async def test_keys_and_links_are_made_and_ended(tmp_path: Path) -> None:
    """A new key and a new link let somebody in, each in its way, until the operator ends it."""
    async with house(tmp_path) as running, await operator(running) as http, running.http(None) as browser:
        made = await http.post("/admin/keys", json={"user": "ana", "tier": "plus", "role": "developer"})
        assert (made.status_code, made.json()["role"]) == (201, "developer")
        async with running.http(made.json()["secret"]) as ana:
            assert (await ana.get("/session")).json()["tier"] == "plus"
        link = (await http.post("/admin/links", json={"user": "ana"})).json()
        headers = {"x-parley": "1", "origin": running.address}
        code = link["path"].removeprefix("/login#")
        assert (await browser.post("/session", json={"code": code}, headers=headers)).status_code == 200

        kinds = [(one["kind"], one["revoked_at"]) for one in await listed(http, "/admin/keys?user=ana")]
        assert kinds == [("key", None), ("session", None)]
        for one in await listed(http, "/admin/keys?user=ana"):
            assert "secret" not in one
            assert (await http.delete(f"/admin/keys/{one['id']}")).json()["deleted"] is True
            assert (await http.delete(f"/admin/keys/{one['id']}")).json()["deleted"] is False
        assert (await browser.get("/session")).status_code == 401

        for path in ("/admin/keys", "/admin/links"):
            assert refusal(await http.post(path, json={"user": " "})) == (400, "invalid_value", "user")
            assert refusal(await http.post(path, json={"user": "x", "role": "king"})) == (400, "invalid_value", "role")
            assert refusal(await http.post(path, json={"user": "x", "tier": "gold"})) == (400, "invalid_value", "tier")
        bad = {"user": "x", "expires_at": "soon"}
        assert refusal(await http.post("/admin/keys", json=bad)) == (400, "invalid_value", "expires_at")
        assert [one["name"] for one in await listed(http, "/admin/users?holding=x")] == []


async def test_a_policy_is_tried_on_the_past(tmp_path: Path) -> None:
    """Who would have met which cap; what holds now stays, and a policy that contradicts itself is refused."""
    async with house(tmp_path) as running, await operator(running) as http:
        async with running.http(await running.key()) as ana:
            for _ in range(3):
                assert (await ana.post("/v1/responses", json=ASK)).status_code == 200
        before = await listed(http, "/admin/caps/tiers")
        assert ("plus", "gpt-4.messages", "50 messages / 3h") in [
            (row["tier"], row["id"], row["cap"]) for row in before
        ]
        tiers = {"free": {"gpt-4": "1 message / 3h"}, "plus": {"gpt-4": "2 messages / 3h"}}
        policy = {"groups": {}, "tiers": tiers, "default_tier": "free"}
        found = (await http.post("/admin/caps/simulate", json=policy | {"days": 1})).json()
        assert (found["days"], found["requests"], found["refused"]) == (1, 3, 1)
        assert found["users"][0]["user"] == "ana"
        assert await listed(http, "/admin/caps/tiers") == before
        wrong = policy | {"default_tier": "gold"}
        assert refusal(await http.post("/admin/caps/simulate", json=wrong)) == (400, "invalid_value", "policy")
        assert refusal(await http.post("/admin/caps/simulate", json=policy | {"days": 32}))[2] == "days"


async def test_what_happens_now_is_seen(tmp_path: Path) -> None:
    """Answers, tokens and refusals of the last seconds, and since a time."""
    async with house(tmp_path) as running, await operator(running) as http:
        async with running.http(await running.key("bo", "strict")) as bo:
            for status in (200, 200, 429):
                assert (await bo.post("/v1/responses", json=ASK)).status_code == status
        seen = (await http.get("/admin/now")).json()
        while sum(one["limited"] for one in seen["seconds"]) < 1:
            seen = (await http.get("/admin/now")).json()
        assert (seen["answers_running"], seen["sockets_open"]) == (0, 0)
        assert sum(one["ended"] for one in seen["seconds"]) == 2
        assert sum(one["output_tokens"] for one in seen["seconds"]) == 80
        assert (await http.get("/admin/now?since=2100-01-01T00:00:00Z")).json()["seconds"] == []
        assert refusal(await http.get("/admin/now?since=now")) == (400, "invalid_value", "since")


async def test_a_text_is_seen_as_a_model_sees_it(tmp_path: Path) -> None:
    """Under the house, with the persona's words, for the model that is named; nothing is stored."""
    async with house(tmp_path) as running, await operator(running) as http:
        path = "/admin/personas/socratic-tutor"
        source = (await http.get(f"{path}/revisions/1")).json()["source"]
        seen = (await http.post(f"{path}/preview", json={"source": f"{source}\nName a book.\n"})).json()
        assert (seen["model"], seen["messages"][0]["role"]) == ("gpt-4-mini", "system")
        assert "Hello" in [one["content"] for one in seen["messages"] if one["role"] == "user"][-1]
        assert "Name a book." in seen["messages"][0]["content"]
        assert seen["tokens"] == sum(message["tokens"] for message in seen["messages"]) > 100
        assert len(await listed(http, f"{path}/revisions")) == 1
        assert refusal(await http.post(f"{path}/preview", json={"source": "x"}))[:2] == (400, "persona_source_invalid")
        unknown = {"source": source, "model": "gpt-9"}
        assert refusal(await http.post(f"{path}/preview", json=unknown)) == (404, "model_not_found", "model")
