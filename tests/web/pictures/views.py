"""`make screenshots`: every view of the pages for people to look at, in each theme, size and language.

Nothing is compared: pictures change with fonts. That no rule of access is broken in any view is tested elsewhere.
"""

import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from playwright.async_api import async_playwright, expect

from server.adapters.script import Script, chunked
from tests.harness import House, house
from tests.web.conftest import CHROMIUM
from tests.web.window import Window

TEXT = """## Why the sky is blue

Light from the sun is *scattered* by the **molecules** of the air: the shorter the wave, the more, by $1/\\lambda^4$.

1. Red goes nearly straight on.
2. Blue is scattered about `5.5` times as much.

```python
def scattered(wave: float) -> float:
    # Rayleigh
    return wave ** -4
```

| colour | nm |
|---|---:|
| red | 700 |
| blue | 450 |

> See [the article](https://example.org/sky) and ![a picture](https://example.org/a.png).

$$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$
"""
CHINESE = "因为空气分子对**短波**的散射更强。\n\n- 红光几乎直线传播\n- 蓝光被散射得更多\n"
SIZES = {"wide": {"width": 1280, "height": 860}, "phone": {"width": 390, "height": 844}}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}


@dataclass(frozen=True)
class Album:
    """Where the pictures of one look go."""

    folder: Path
    look: str

    async def take(self, window: Window, view: str) -> None:
        """Take a picture of the window as it is."""
        await window.page.screenshot(path=self.folder / f"{view}-{self.look}.png")


async def views(window: Window, home: House, album: Album, *, chinese: bool) -> None:
    """Go through every view once."""
    page = window.page
    await page.goto("/")
    await page.locator("input[name=link]").wait_for()
    await album.take(window, "sign-in")
    await page.goto(f"/login#{await home.code(album.look, 'taste')}")
    await page.locator("textarea").wait_for()
    await page.locator("main select").first.select_option("socratic-tutor")
    await album.take(window, "welcome")
    home.scripts["free"] = Script(chunks=chunked(CHINESE if chinese else TEXT))
    await page.locator("main select").nth(1).select_option("free")
    await _say(window, "天空为什么是蓝色的" if chinese else "Why is the sky blue?", 1)
    await album.take(window, "conversation")
    await page.locator("main select").nth(1).select_option("gpt-4")
    await _say(window, "你好" if chinese else "Hello", 3)
    await _say(window, "再问一次" if chinese else "Once more", 5)
    await page.locator("parley-meter summary").click()
    await album.take(window, "fallback")
    home.scripts["free"] = Script(chunks=[" walking"] * 400, delay=0.02)
    await page.locator("main select").nth(1).select_option("free")
    await page.locator("textarea").fill("Walk")
    await page.locator("textarea").press("Enter")
    await expect(window.messages.nth(7)).to_contain_text("walking walking")
    await album.take(window, "answering")
    await page.locator("textarea").press("Escape")
    await expect(page.locator("button.main")).to_be_visible()
    await album.take(window, "stopped")
    if menu := await page.locator("main header button").is_visible():
        await page.locator("main header button").click()
    await page.locator("parley-list li button").first.click()
    await album.take(window, "list" if menu else "menu")


async def _say(window: Window, text: str, answer: int) -> None:
    await window.page.locator("textarea").fill(text)
    await window.page.locator("textarea").press("Enter")
    await expect(window.messages.nth(answer)).to_have_attribute("aria-busy", "false")


async def main(folder: Path) -> None:
    """Take all pictures into the folder."""
    tiers = {"taste": {"gpt-4": "1 messages / 3h", "standard": "unlimited", "when_capped": "use standard"}}
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as data:
        async with (
            house(Path(data), {"tiers": tiers, "default_tier": "taste"}) as home,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
            for size, language, theme in product(SIZES, LANGUAGES, ("light", "dark")):
                album = Album(folder, f"{theme}-{size}-{language}")
                options = {"viewport": SIZES[size], "locale": LANGUAGES[language], "color_scheme": theme}
                async with Window.opened(browser, home.address, **options) as window:
                    await views(window, home, album, chinese=language == "zh")
            await browser.close()


if __name__ == "__main__":
    into = Path(sys.argv[1])
    into.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(into))
    print(f"{len(list(into.glob('*.png')))} pictures are in {into}")
