"""Somebody opens the page for the first time."""

from playwright.async_api import expect

from tests.harness import House
from tests.web.window import Window


async def test_a_message_is_answered(window: Window, home: House) -> None:
    """Who signs in and sends a message sees the answer to its end."""
    await window.sign_in(await home.key())
    await window.say("Hello")
    await expect(window.messages).to_have_count(2)
    await expect(window.messages.nth(0)).to_have_text("Hello")
    await expect(window.messages.nth(1)).to_contain_text("0000 0001 0002 0003 0004 0005 0006 0007")
    await expect(window.page.get_by_role("button", name="Send")).to_be_visible()


async def test_a_wrong_key_is_said_to_be_wrong(window: Window) -> None:
    """A key that is none is refused in words, and can be mended."""
    await window.page.goto("/")
    await window.page.get_by_label("Key").fill("sk-none")
    await window.page.get_by_role("button", name="Sign in").click()
    await expect(window.page.get_by_role("alert")).to_have_text("That key is not accepted.")
    await expect(window.page.get_by_label("Key")).to_be_visible()
