"""The example of docs/embedding.md, run as it stands: a site with its own login embeds the chat from another origin."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from server.core.records import Role
from tests.harness import House, house
from tests.processes import free_port, killed
from tests.web.window import Window

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sites(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[House, str, str]]:
    """A server, a site that it allows, and the same site at an address that it does not."""
    ports = [free_port(), free_port()]
    allowed, other = (f"http://127.0.0.1:{port}" for port in ports)
    folder = tmp_path_factory.mktemp("house")
    async with house(folder, {"allowed_origins": [allowed], "default_tier": "plus"}) as home:
        environment = {**os.environ, "PARLEY_URL": home.address}
        environment["PARLEY_DEVELOPER_KEY"] = await home.key("shop", "plus", Role.DEVELOPER)
        command = [sys.executable, "-m", "uvicorn", "host_app:app", "--app-dir", str(EXAMPLES)]
        running = [
            await asyncio.create_subprocess_exec(
                *command, "--port", str(port), env=environment, stderr=asyncio.subprocess.PIPE
            )
            for port in ports
        ]
        try:
            for process in running:
                await _listens(process)
            yield home, allowed, other
        finally:
            for process in running:
                await killed(process)


async def _listens(process: asyncio.subprocess.Process) -> None:
    assert process.stderr
    async with asyncio.timeout(60):
        while b"running on" not in (line := await process.stderr.readline()):
            assert line, "the site ended before it was ready"


async def _enter(window: Window, name: str) -> None:
    await window.page.goto("/")
    await window.page.locator("input[name=name]").fill(name)
    await window.page.get_by_role("button", name="Log in").click()
    await expect(window.page.get_by_role("heading", name=f"Welcome, {name}")).to_be_visible()


async def test_the_chat_works_in_another_site(browser: Browser, sites: tuple[House, str, str]) -> None:
    """A user of the site talks as themselves, under the site's strict policy, and never sees a key."""
    home, allowed, _ = sites
    async with Window.opened(browser, allowed) as window:
        await _enter(window, "ana")
        await window.say("Hello")
        await expect(window.messages.nth(1)).to_contain_text("0007")
        assert [said for said in window.complaints if "policy" in said] == []
        assert all(url.startswith((home.address, "blob:", "data:")) for url in window.strangers)
        assert "sk-" not in await window.page.content()


async def test_a_site_that_is_not_allowed_is_refused(browser: Browser, sites: tuple[House, str, str]) -> None:
    """From a third origin the element says that it cannot, and nothing is answered."""
    _, _, other = sites
    async with Window.opened(browser, other) as window:
        await _enter(window, "ana")
        await expect(window.page.locator("parley-chat").get_by_role("alert")).to_be_visible()
        await expect(window.field).to_have_count(0)


async def test_a_stolen_secret_opens_no_socket_elsewhere(browser: Browser, sites: tuple[House, str, str]) -> None:
    """A secret of the allowed site is of no use to a page of another one, over sockets and over HTTP."""
    home, allowed, other = sites
    async with Window.opened(browser, allowed) as window:
        await _enter(window, "ana")
        await window.field.wait_for()
        fetch = "fetch('/chat-secret', {method: 'POST'}).then((answer) => answer.json())"
        secret = (await window.page.evaluate(fetch))["value"]
    async with Window.opened(browser, other, bypass_csp=True) as window:
        await window.page.goto("/")
        opened = """([url, secret]) => new Promise((done) => {
            const socket = new WebSocket(url, ['parley.v1', `openai-insecure-api-key.${secret}`]);
            socket.onopen = () => done('opened');
            socket.onclose = () => done('refused');
        })"""
        url = home.address.replace("http", "ws") + "/v1/responses"
        assert await window.page.evaluate(opened, [url, secret]) == "refused"
        read = """([url, secret]) => fetch(url, {headers: {authorization: `Bearer ${secret}`}})
            .then(() => 'read', () => 'refused')"""
        assert await window.page.evaluate(read, [f"{home.address}/v1/usage", secret]) == "refused"
