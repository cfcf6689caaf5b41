"""An operator at the console."""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from server import admitting
from server.core.records import Role
from tests.harness import House
from tests.web.window import Window

AXE = Path(__file__).parents[3] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
VIEWS = ("", "/personas", "/personas/socratic-tutor", "/caps", "/people", "/people/olga", "/log")
ASK = {"model": "gpt-4", "input": "hi"}


async def link(house: House, user: str, role: Role) -> str:
    """Make a link, as `parley login` does."""
    async with admitting.opened(house.settings) as signing_in:
        code = await signing_in.code(user, role=role, by="cli", tier="plus")
    return f"/console/login#{code}"


async def ask(house: House, key: str, times: int, **body: Any) -> list[int]:
    """Ask as a user; return the statuses."""
    async with house.http(key) as http:
        return [(await http.post("/v1/responses", json=ASK | body)).status_code for _ in range(times)]


@pytest_asyncio.fixture(loop_scope="session")
async def console(browser: Browser, home: House) -> AsyncIterator[Page]:
    """The console, with an operator signed in by a link."""
    async with Window.opened(browser, home.address) as one:
        await one.page.goto(await link(home, "olga", Role.OPERATOR))
        await one.page.wait_for_url("**/console")
        await expect(one.page.get_by_role("heading", name="Now", exact=True)).to_be_visible()
        yield one.page
        one.check()


async def test_a_link_lets_in_once(browser: Browser, home: House) -> None:
    """The second time it says how to get another one; a user who is no operator is told so."""
    path = await link(home, "ulf", Role.USER)
    async with Window.opened(browser, home.address) as first:
        await first.page.goto("/console")
        await expect(first.page.get_by_text("parley login --role operator")).to_be_visible()
        await first.page.goto(path)
        await expect(first.page.get_by_role("alert")).to_have_text("You are signed in as ulf, who is no operator.")
        await first.page.goto(await link(home, "olga", Role.OPERATOR))
        await expect(first.page.get_by_text("You are signed in as ulf.")).to_be_visible()
        await first.page.get_by_role("button", name="Stay ulf").click()
        await first.page.wait_for_url("**/console")
        first.check()
    async with Window.opened(browser, home.address) as second:
        await second.page.goto(path)
        await expect(second.page.get_by_role("status")).to_contain_text("This link was opened before")
        second.check()


async def test_what_happens_is_seen_as_it_happens(console: Page, home: House) -> None:
    """Answers and refusals of others show within seconds, drawn and as a table."""
    await ask(home, await home.key("ned", "strict"), 3)
    tile = console.locator("dl div", has_text="429, last minute").locator("dd")
    await expect(tile).to_have_text(re.compile(r"[1-9]"))
    drawn = console.get_by_role("img", name=re.compile("Calls that were not served.*[1-9]\\d* over a cap"))
    await expect(drawn).to_be_visible()
    await console.get_by_role("button", name="As a table").click()
    await expect(console.get_by_role("columnheader", name="Tokens out")).to_be_visible()


async def test_why_somebody_is_refused_and_what_helps(console: Page, home: House) -> None:
    """The operator finds the person, reads which cap refuses, grants more, and the next message is served."""
    key = await home.key("bo b/1%", "strict")
    assert await ask(home, key, 3) == [200, 200, 429]
    async with home.http(await home.key("op", role=Role.OPERATOR)) as http:
        # Refusals are written once a second.
        while not (await http.get("/admin/caps/explain?user=bo b/1%25&model=gpt-4")).json()["refused"]:
            pass
    await console.get_by_role("link", name="People").click()
    await console.get_by_label("Name holds").fill("B/1")
    await console.get_by_role("link", name="bo b/1%").click()
    why = console.locator("console-why")
    await expect(why.get_by_text("It would be refused: usage cap reached.")).to_be_visible()
    await expect(why.get_by_role("row", name=re.compile("gpt-4.messages ✕ no 2 2"))).to_be_visible()
    await expect(why.get_by_role("row", name=re.compile("usage_cap_reached gpt-4 gpt-4.messages"))).to_be_visible()
    await console.get_by_label("Give").fill("1 gpt-4 message")
    await console.get_by_role("button", name="Grant").click()
    await expect(console.get_by_text("Given.")).to_be_visible()
    assert await ask(home, key, 2) == [200, 429]
    await console.get_by_role("combobox", name="Tier").select_option("plus")
    await expect(console.get_by_text("it holds from the next request on")).to_be_visible()
    assert await ask(home, key, 1) == [200]
    await console.get_by_role("button", name="Suspend").click()
    await expect(console.get_by_role("button", name="Let in again")).to_be_visible()
    assert await ask(home, key, 1) == [403]
    await console.get_by_role("link", name="Log").click()
    await expect(console.get_by_role("row", name=re.compile("olga .* user changed .* suspended true"))).to_be_visible()


async def test_a_persona_is_changed_tried_published_and_rolled_back(console: Page, home: House) -> None:
    """A mistake is told while one types; a draft answers nobody until it is published; the old one can come back."""
    await console.get_by_role("link", name="Personas").click()
    await console.get_by_role("link", name="socratic-tutor").click()
    text = console.get_by_role("textbox", name="The text")
    await expect(text).to_have_value(re.compile("---"))
    good = await text.input_value()
    await text.fill(good.replace("---\n", "---\ncolour: blue\n", 1))
    await expect(console.get_by_text(re.compile("colour")).first).to_be_visible()
    await text.fill(good + "\nAlways name one book.\n")
    await expect(console.get_by_text("✓ Nothing.")).to_be_visible()
    await expect(console.get_by_label("Message of role system").first).to_contain_text("Always name one book.")
    await console.get_by_role("button", name="Save as a draft").click()
    await expect(console.get_by_text("nobody is answered by it yet")).to_be_visible()
    await expect(console.get_by_label("Differences")).to_contain_text("+Always name one book.")
    await console.get_by_label("Ask revision 2 and revision 1").fill("hi")
    await console.get_by_role("button", name="Ask", exact=True).click()
    await expect(console.get_by_role("heading", name="Revision 1, live")).to_be_visible()
    await console.get_by_role("button", name="Publish revision 2 to everybody").click()
    await expect(console.get_by_text("Revision 2 is live.")).to_be_visible()
    await console.get_by_role("button", name="Make 1 live").click()
    await expect(console.get_by_text("Revision 1 is live.")).to_be_visible()


async def test_a_cap_is_tried_on_the_past_before_it_holds(console: Page, home: House, window: Window) -> None:
    """Who would have met it is told; what was not simulated is not published; the meter of an open page follows."""
    assert await ask(home, await home.key("cleo", "plus"), 3) == [200] * 3
    await window.sign_in(await home.code("cleo", "plus"))
    await window.choose("Model", "gpt-4")
    await expect(window.page.get_by_text("47 gpt-4 messages left")).to_be_visible()
    await console.get_by_role("link", name="Caps").click()
    text = console.get_by_role("textbox", name="Groups, tiers")
    await expect(text).to_have_value(re.compile("default_tier"))
    policy = await text.input_value()
    publish = console.get_by_role("button", name="Publish", exact=True)
    await text.fill(policy.replace("50 messages / 3h", "2 messages / 3h", 1))
    await expect(publish).to_be_disabled()
    await console.get_by_role("button", name="Simulate the last 7 days").click()
    await expect(console.get_by_role("row", name=re.compile("cleo plus 3"))).to_be_visible()
    await publish.click()
    await expect(console.get_by_text("holds within a second")).to_be_visible()
    await expect(console.get_by_role("row", name="plus gpt-4.messages 2 messages / 3h")).to_be_visible()
    await expect(window.page.get_by_text("gpt-4 is used up until")).to_be_visible()
    await console.get_by_role("button", name="Make 1 live").click()
    await expect(console.get_by_role("row", name="plus gpt-4.messages 50 messages / 3h")).to_be_visible()
    await expect(window.page.get_by_text("47 gpt-4 messages left")).to_be_visible()


async def test_every_view_can_be_used_by_everybody(console: Page, home: House) -> None:
    """Axe finds nothing to complain of, light and dark, and no view is wider than a phone."""
    await ask(home, await home.key("olga", "strict"), 3)
    for scheme in ("light", "dark"):
        await console.emulate_media(color_scheme=scheme)
        for view in VIEWS:
            await opened(console, view)
            await console.evaluate(AXE.read_text(encoding="utf-8"))
            ran = await console.evaluate("tags => axe.run({ runOnly: tags })", RULES)
            assert [(one["id"], one["nodes"][0]["html"]) for one in ran["violations"]] == [], (view, scheme)
            await shot(console, f"{view.strip('/').replace('/', '-') or 'now'}-{scheme}")
    await console.set_viewport_size({"width": 390, "height": 844})
    for view in VIEWS:
        await opened(console, view)
        assert await console.evaluate("document.documentElement.scrollWidth") <= 390, view
        await shot(console, f"{view.strip('/').replace('/', '-') or 'now'}-phone")


async def opened(page: Page, view: str) -> None:
    """Open a view and wait until it shows what it asked for."""
    await page.goto(f"/console{view}")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.locator("tbody tr, console-plot").first).to_be_visible()


async def shot(page: Page, name: str) -> None:
    """Keep a picture for people where one was asked for."""
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=f"{folder}/console-{name}.png", full_page=True)
