"""A policy that is published beside a running server."""

import asyncio
from pathlib import Path

import yaml

from tests.harness import CONFIG, house
from tests.system.test_caps import ask
from tests.system.test_explain import command


async def test_a_published_policy_holds_without_a_restart(tmp_path: Path) -> None:
    """Who was refused is served soon after a publication, and the rollback brings the old cap back."""
    async with house(tmp_path) as running:
        key = await running.key("bo", "strict")
        for _ in range(2):
            await ask(running, key)
        assert (await ask(running, key))["status"] == 429
        tiers = {**CONFIG["tiers"], "strict": {"gpt-4": "3 messages / 3h"}}
        (tmp_path / "new.yaml").write_text(yaml.safe_dump({"tiers": tiers}), encoding="utf-8")
        found = await command(running, "caps", "simulate", "--policy", "new.yaml")
        assert "2 requests in 7d: 2 served, 0 of them by a fallback, 0 refused." in found
        await command(running, "caps", "publish", "--policy", "new.yaml", quiet=False)
        async with asyncio.timeout(20):
            while (await ask(running, key))["status"] == 429:
                pass
        assert (await ask(running, key))["error"]["limit"]["cap"] == 3
        await command(running, "caps", "rollback", quiet=False)
        async with asyncio.timeout(20):
            while (await ask(running, key))["error"]["limit"]["cap"] != 2:
                pass
