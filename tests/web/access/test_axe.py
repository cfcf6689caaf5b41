"""Everybody can use the page: no rule of WCAG 2.2 AA is broken on any view, and a keyboard is enough."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from server.adapters.script import Script
from tests.harness import House
from tests.web.window import Window

AXE = Path(__file__).parents[3] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
TEXT = "# Title\n\nWords with `code`, a [link](https://example.org).\n\n```py\nx = 1\n```\n\n|a|b|\n|-|-|\n|1|2|\n"


async def violations(window: Window) -> list[str]:
    """Return what axe finds wrong with the page as it is."""
    await window.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await window.page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"color_scheme": "dark"},
        {"viewport": {"width": 390, "height": 844}},
        {"locale": "zh-CN", "color_scheme": "dark"},
    ],
    ids=["light", "dark", "phone", "chinese"],
)
async def test_no_view_breaks_a_rule(browser: Browser, home: House, options: dict[str, object]) -> None:
    """The way in, the welcome, a conversation with an open menu and the settings: no violation on any."""
    home.scripts["free"] = Script(chunks=[TEXT])
    async with Window.opened(browser, home.address, **options) as window:
        await window.page.goto("/")
        await window.page.locator("input[name=link]").wait_for()
        assert await violations(window) == []
        await window.page.goto(f"/login#{await home.code()}")
        await window.page.locator("textarea").wait_for()
        assert await violations(window) == []
        await window.page.locator("main select").nth(1).select_option("free")
        await window.page.locator("textarea").fill("Hello")
        await window.page.locator("textarea").press("Enter")
        await expect(window.messages.nth(1).get_by_role("table")).to_be_visible()
        await expect(window.page.locator("button.main")).to_be_visible()
        await window.page.locator("summary").last.click()
        assert await violations(window) == []
        window.check()


async def test_the_keyboard_is_enough(window: Window, home: House) -> None:
    """Sending, editing, retrying and opening a conversation need no mouse, and the focus is never lost."""
    await window.sign_in(await home.code("eve"))
    page = window.page
    await page.keyboard.press("Control+Shift+O")
    await expect(window.field).to_be_focused()
    await page.keyboard.type("Hello")
    await page.keyboard.press("Enter")
    await expect(window.messages.nth(1)).to_contain_text("0007")
    await expect(window.field).to_be_focused()
    await expect(window.messages.nth(0).get_by_role("button", name="Edit")).to_be_enabled()
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_role("textbox", name="Edit")).to_be_focused()
    await page.keyboard.press("Control+A")
    await page.keyboard.type("Hello again")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(window.messages.nth(0)).to_contain_text("Hello again")
    await expect(window.messages.nth(1).get_by_role("button", name="Retry")).to_be_enabled()
    await window.messages.nth(1).focus()
    await page.keyboard.press("r")
    await expect(window.messages.nth(1)).to_contain_text("2 / 2")
    await window.messages.nth(1).focus()
    await page.keyboard.press("ArrowLeft")
    await expect(window.messages.nth(1)).to_contain_text("1 / 2")
    assert await page.evaluate("document.activeElement !== document.body")
