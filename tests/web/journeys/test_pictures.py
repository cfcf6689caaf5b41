"""Pictures are pasted, dropped and picked, sent, and shown again."""

import io
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import expect

from tests.harness import CONFIG, House, house
from tests.web.window import Window


def _dot() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (10, 10), "red").save(file, "PNG")
    return file.getvalue()


DOT = _dot()
MODELS = CONFIG["models"] | {"free": {"upstream": "mock", "id": "free", "context": 8000, "vision": True}}
GIVE = """([kind, bytes, name, type]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], name, {type}));
    const pane = document.querySelector('parley-app').shadowRoot.querySelector('parley-pane').shadowRoot;
    const field = pane.querySelector('parley-composer').shadowRoot.querySelector('textarea');
    if (kind === 'paste') field.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}));
    else pane.querySelector('.log').dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true}));
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A server with a model that sees."""
    async with house(tmp_path_factory.mktemp("house"), {"models": MODELS}) as one:
        yield one


async def test_pictures_are_sent_and_shown_again(window: Window, home: House) -> None:
    """A pasted, a dropped and a picked picture go with the message; after a reload they are still there."""
    await window.sign_in(await home.code())
    page = window.page
    await window.choose("Model", "free")
    await page.evaluate(GIVE, ["paste", list(DOT), "a.png", "image/png"])
    await page.evaluate(GIVE, ["drop", list(DOT), "b.png", "image/png"])
    await page.locator("input[type=file]").set_input_files({"name": "c.png", "mimeType": "image/png", "buffer": DOT})
    await expect(page.get_by_role("button", name="Remove")).to_have_count(3)
    await page.get_by_role("button", name="Remove b.png").click()
    await window.say("What is this?")
    await expect(window.messages.nth(0).get_by_role("img")).to_have_count(2)
    await expect(page.get_by_role("button", name="Send")).to_be_visible()
    await page.reload()
    pictures = window.messages.nth(0).get_by_role("img")
    await expect(pictures).to_have_count(2)
    assert await pictures.first.evaluate("image => image.decode().then(() => image.naturalWidth)") == 10


async def test_what_is_no_picture_is_said_not_to_be(window: Window, home: House) -> None:
    """A file that is no picture, whatever its name says, is refused in words, and nothing is sent of it."""
    await window.sign_in(await home.code())
    await window.choose("Model", "free")
    await window.page.evaluate(GIVE, ["paste", list(b"<svg onload=alert(1)>"), "<b>a.png", "image/png"])
    await expect(window.page.get_by_role("alert")).to_have_text("<b>a.png is not an image that can be sent.")
    await expect(window.page.get_by_role("button", name="Remove")).to_have_count(0)
