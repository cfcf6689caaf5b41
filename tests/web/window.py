"""A browser window on the chat page, and what went wrong in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from playwright.async_api import Browser, Locator, Page

_WATCH = """document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`))"""
_EXPECTED = ("Failed to load resource", "WebSocket connection to")
"""What Chromium says of calls that a server refuses or does not answer, which tests do on purpose."""


@dataclass
class Window:
    """One window, with its own cookies and storage."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    """Requests that went to another host."""

    @classmethod
    @asynccontextmanager
    async def opened(cls, browser: Browser, address: str, **more: Any) -> AsyncIterator[Self]:
        """Open a window; `more` are options of Playwright's contexts."""
        context = await browser.new_context(base_url=address, **{"locale": "en-GB", **more})
        try:
            page = await context.new_page()
            one = cls(page, address)
            await page.add_init_script(_WATCH)
            page.on("console", lambda said: one.complaints.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: one.complaints.append(str(error)))
            page.on("request", lambda asked: None if asked.url.startswith(address) else one.strangers.append(asked.url))
            yield one
        finally:
            await context.close()

    def check(self) -> None:
        """Raise if the page broke its policy, threw, or asked another host for anything."""
        assert [said for said in self.complaints if not said.startswith(_EXPECTED)] == []
        assert [url for url in self.strangers if not url.startswith(("blob:", "data:"))] == []

    async def sign_in(self, code: str, path: str = "/") -> None:
        """Open a sign-in link, and then the chat page at `path`."""
        await self.page.goto(f"/login#{code}")
        await self.field.wait_for()
        if path != "/":
            await self.page.goto(path)
            await self.field.wait_for()

    @property
    def field(self) -> Locator:
        """Where messages are written."""
        return self.page.get_by_role("textbox", name="Message")

    @property
    def messages(self) -> Locator:
        """What is shown of the conversation."""
        return self.page.get_by_role("log").get_by_role("article")

    async def choose(self, what: str, option: str) -> None:
        """Choose the persona, the model or a dial."""
        await self.page.get_by_role("main").get_by_label(what, exact=True).select_option(option)

    async def say(self, text: str) -> None:
        """Send a message with the keyboard."""
        await self.field.fill(text)
        await self.field.press("Enter")
