"""The connection goes, or the server does: the page says so, and ends with the whole answer."""

import random
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, expect

from server.adapters.script import Script
from tests.faults.lines import line
from tests.harness import CONFIG, House, settings_in
from tests.processes import free_port, killed, served
from tests.web.window import Window

WALK = "".join(f" {index:04d}" for index in range(120))
MODELS = CONFIG["models"] | {"walk": {"upstream": "mock", "id": "t120-d50", "context": 8000, "prefill": True}}
TIERS = {"plus": {"walk": "unlimited", "gpt-4-mini": "unlimited"}}


async def test_a_server_that_is_killed_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    """After kill -9 in the middle of an answer and a restart, the page has the whole text, without a click."""
    changes = {"listen": f"127.0.0.1:{free_port()}", "models": MODELS, "tiers": TIERS, "default_tier": "plus"}
    settings = settings_in(tmp_path, {**changes, "groups": {}})
    config = tmp_path / "parley.yaml"
    async with served(config) as (address, process), Window.opened(browser, address) as window:
        await window.sign_in(await House.code_in(settings))
        await window.choose("Model", "walk")
        await window.say("Walk")
        await expect(window.messages.nth(1)).to_contain_text("0010")
        await killed(process)
        await expect(window.page.get_by_text("Reconnecting").first).to_be_visible()
        async with served(config):
            await expect(window.messages.nth(1)).to_contain_text(WALK.strip(), timeout=30_000)
            await expect(window.messages).to_have_count(2)
            await expect(window.page.get_by_role("button", name="Send")).to_be_visible(timeout=10_000)
            await expect(window.page.get_by_text("Reconnecting")).to_have_count(0)
        window.check()


async def test_a_line_that_is_cut(browser: Browser, home: House) -> None:
    """A socket that is reset again and again in the middle of an answer costs no word and repeats none."""
    home.scripts["free"] = _slowly()
    chance = random.Random(7)  # noqa: S311  which connections are cut is no secret
    async with (
        line(urlsplit(home.address).port or 0) as way,
        Window.opened(browser, f"http://127.0.0.1:{way.port}") as window,
    ):
        await window.sign_in(await home.code())
        await window.choose("Model", "free")
        await window.say("Walk")
        for word in ("0010", "0030", "0050"):
            await expect(window.messages.nth(1)).to_contain_text(word)
            for _ in range(20):
                way.cut(chance)
        await expect(window.messages.nth(1)).to_contain_text(WALK.strip(), timeout=30_000)
        await expect(window.page.get_by_role("button", name="Send")).to_be_visible()


def _slowly() -> Script:
    return Script(chunks=[f" {index:04d}" for index in range(120)], delay=0.03)
