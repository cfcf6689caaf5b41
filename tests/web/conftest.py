"""A real browser on the real server: houses, pages, and what must never be seen in any of them."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from server.edge.site import BUILT
from tests.harness import House, house
from tests.web.window import Window

# A busy machine is slow; what is waited for comes, or the test fails.
expect.set_options(timeout=20_000)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all tests of a run share one browser: they run in one event loop."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is."""
    assert (BUILT / "index.html").is_file(), "`make web` builds the pages"
    assert CHROMIUM is not None, "`make test` installs Chromium where it can"
    return CHROMIUM


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One browser for all tests."""
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A server for the tests of a module."""
    async with house(tmp_path_factory.mktemp("house")) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def window(browser: Browser, home: House) -> AsyncIterator[Window]:
    """A window in which nobody is signed in; nothing may have broken the page's own rules when the test ends."""
    async with Window.opened(browser, home.address) as one:
        yield one
        one.check()
