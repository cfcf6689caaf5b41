"""Grants, overrides, organisations and changes of tier, given beside a running server and met by real requests."""

from pathlib import Path
from typing import Any

from server.core.records import Role
from tests.harness import House, house
from tests.system.test_caps import ask
from tests.system.test_explain import command

POOLED = {
    "tiers": {
        "strict": {"gpt-4": "2 messages / 3h", "at_once": 2},
        "generous": {"gpt-4": "5 messages / 3h", "at_once": 2},
        "team": {"gpt-4": "3 messages / 3h", "pool": {"gpt-4": "4 messages / 3h"}},
    },
    "default_tier": "strict",
}


async def usage(running: House, key: str) -> dict[str, Any]:
    """Return what the user may still use."""
    async with running.http(key) as http:
        found: dict[str, Any] = (await http.get("/v1/usage")).json()
    return found


async def messages(running: House, key: str) -> tuple[int, int]:
    """Return the cap on messages and what remains of it."""
    (row,) = [row for row in (await usage(running, key))["limits"] if row["id"] == "gpt-4.messages"]
    return row["cap"], row["remaining"]


async def statuses(running: House, key: str, times: int) -> list[int]:
    """Send so many messages, one after the other."""
    return [(await ask(running, key))["status"] for _ in range(times)]


async def test_a_grant_is_used_when_the_tier_has_no_more(tmp_path: Path) -> None:
    """A user who was refused is served by the grant, sees what is left of it, and is refused when it is used up."""
    async with house(tmp_path, POOLED) as running:
        key, operator = await running.key("bo", "strict"), await running.key("op", "strict", Role.OPERATOR)
        assert await statuses(running, key, 3) == [200, 200, 429]
        async with running.http(operator) as http:
            body = {"user": "bo", "gives": "2 gpt-4 messages", "ends_at": "2099-01-01T00:00:00Z"}
            assert (await http.post("/admin/caps/grants", json=body)).status_code == 400
        await command(running, "caps", "grant", "bo", "2 gpt-4 messages", "--reason", "sorry", quiet=False)
        (grant,) = (await usage(running, key))["grants"]
        assert (grant["amount"], grant["used"], grant["remaining"]) == (2, 0, 2)
        paid = await ask(running, key)
        assert (paid["status"], paid["model"]) == (200, "gpt-4")
        assert f'"grant.{grant["id"]}";r=1' in paid["headers"]["ratelimit"]
        (grant,) = (await usage(running, key))["grants"]
        assert (grant["used"], grant["remaining"]) == (1, 1)
        async with running.http(operator) as http:
            why = (await http.get("/admin/caps/explain", params={"user": "bo", "model": "gpt-4"})).json()
            audit = (await http.get("/admin/audit")).json()["data"]
        assert why["verdict"] == "served_by_grant"
        assert [len(cap["entries"]) for cap in why["caps"] if cap["id"] == f"grant.{grant['id']}"] == [1]
        assert [(entry["who"], entry["detail"]["reason"]) for entry in audit if entry["what"] == "grant given"] == [
            ("cli", "sorry")
        ]
        assert await statuses(running, key, 2) == [200, 429]


async def test_what_was_used_of_a_grant_is_known_after_a_restart(tmp_path: Path) -> None:
    """The ledger is made again with what each grant has paid for."""
    async with house(tmp_path, POOLED) as running:
        key = await running.key("bo", "strict")
        await command(running, "caps", "grant", "bo", "3 gpt-4 messages", quiet=False)
        assert await statuses(running, key, 4) == [200] * 4
    async with house(tmp_path, POOLED) as running:
        (grant,) = (await usage(running, key))["grants"]
        assert (grant["used"], grant["remaining"]) == (2, 1)
        assert await statuses(running, key, 2) == [200, 429]


async def test_an_override_holds_at_once_and_ends_when_it_is_void(tmp_path: Path) -> None:
    """The cap in force is the override's from the next message on."""
    async with house(tmp_path, POOLED) as running:
        key = await running.key("bo", "strict")
        assert await statuses(running, key, 3) == [200, 200, 429]
        await command(running, "caps", "override", "bo", "gpt-4: 4 messages / 3h", "--until", "1d", quiet=False)
        assert await messages(running, key) == (4, 2)
        assert await statuses(running, key, 3) == [200, 200, 429]
        async with running.http(await running.key("op", "strict", Role.OPERATOR)) as http:
            (extra,) = (await http.get("/admin/caps/extras", params={"user": "bo"})).json()["data"]
            assert (await http.delete(f"/admin/caps/extras/{extra['id']}")).json()["deleted"]
        assert await messages(running, key) == (2, 0)


async def test_a_downgrade_takes_nothing_from_the_running_window(tmp_path: Path) -> None:
    """Who had the higher tier keeps its cap for the window they are in; who gets one has it at once."""
    async with house(tmp_path, POOLED) as running:
        key = await running.key("bo", "strict")
        assert await statuses(running, key, 3) == [200, 200, 429]
        await command(running, "users", "set-tier", "bo", "generous", quiet=False)
        assert await statuses(running, key, 1) == [200]
        await command(running, "users", "set-tier", "bo", "strict", quiet=False)
        assert (await usage(running, key))["tier"] == "strict"
        assert await messages(running, key) == (5, 2)
        assert await statuses(running, key, 3) == [200, 200, 429]


async def test_members_of_an_organisation_share_its_pool(tmp_path: Path) -> None:
    """A request passes the member's cap and the pool, all or none; who is in no organisation has a pool of one."""
    async with house(tmp_path, POOLED) as running:
        keys = {name: await running.key(name, "team") for name in ("ana", "bo", "eve")}
        for name in ("ana", "bo"):
            await command(running, "users", "set-organisation", name, "acme", quiet=False)
        assert await statuses(running, keys["ana"], 4) == [200, 200, 200, 429]
        assert await statuses(running, keys["bo"], 2) == [200, 429]
        refused = (await ask(running, keys["bo"]))["error"]
        assert (refused["limit"]["id"], refused["limit"]["used"]) == ("pool.gpt-4.messages", 4)
        rows = {row["id"]: row["used"] for row in (await usage(running, keys["bo"]))["limits"]}
        assert rows == {"gpt-4.messages": 1, "pool.gpt-4.messages": 4}
        assert await statuses(running, keys["eve"], 3) == [200, 200, 200]
