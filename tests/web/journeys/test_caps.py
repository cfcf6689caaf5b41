"""What is left, what happens when nothing is, and the ways on."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.harness import CONFIG, FakeClock, House, house
from tests.web.window import Window

TIERS = CONFIG["tiers"] | {
    "taste": {"gpt-4": "2 messages / 3h", "standard": "unlimited", "when_capped": "use standard"},
    "tight": {"gpt-4": "1 messages / 3h", "standard": "unlimited"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def clock() -> FakeClock:
    """The clock of the server."""
    return FakeClock()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def home(tmp_path_factory: pytest.TempPathFactory, clock: FakeClock) -> AsyncIterator[House]:
    """A server with small caps and a clock that obeys."""
    async with house(tmp_path_factory.mktemp("house"), {"tiers": TIERS}, clock=clock) as one:
        yield one


async def test_the_fallback_is_seen_and_turned_back(window: Window, home: House, clock: FakeClock) -> None:
    """The meter counts down; then another model answers, says so for ever, and people choose; later it comes back."""
    await window.sign_in(await home.code("cleo", "taste"))
    page = window.page
    await window.choose("Model", "gpt-4")
    await expect(page.get_by_text("2 gpt-4 messages left")).to_be_visible()
    await window.say("One")
    await expect(page.get_by_text(re.compile("Last gpt-4 message until"))).to_be_visible()
    await window.say("Two")
    await expect(page.get_by_text(re.compile("^gpt-4 is used up until"))).to_be_visible()
    await window.say("Three")
    await expect(window.messages.nth(5)).to_contain_text("gpt-4-mini, instead of gpt-4")
    await expect(page.get_by_text(re.compile("Answers come from gpt-4-mini until then"))).to_be_visible()
    await page.get_by_role("button", name="Wait for gpt-4").click()
    await window.say("Four")
    await expect(page.get_by_role("alert")).to_contain_text("Your text is kept.")
    await expect(window.field).to_have_value("Four")
    await expect(window.messages).to_have_count(6)
    clock.at += 3 * 3600 * 1_000_000
    await window.field.press("Enter")
    await expect(window.messages.nth(7)).to_contain_text("0039")
    await expect(window.messages.nth(7)).not_to_contain_text("instead of")


async def test_a_refused_message_is_kept_and_sent_otherwise(window: Window, home: House) -> None:
    """Where nothing falls back, the text returns to the field, with the time, and can be sent then."""
    await window.sign_in(await home.code("dora", "tight"))
    await window.choose("Model", "gpt-4")
    await window.say("One")
    await expect(window.messages.nth(1)).to_contain_text("0039")
    await window.say("Two")
    alert = window.page.get_by_role("alert")
    await expect(alert).to_contain_text(re.compile(r"Next gpt-4 message at .* \(in (2 h|3 h)"))
    await expect(window.field).to_have_value("Two")
    await expect(alert.get_by_role("button", name="Send it then")).to_be_visible()
