"""What a model says is hostile: nothing of it runs, is fetched, or breaks the page."""

from playwright.async_api import expect

from server.adapters.script import Script
from tests.harness import House
from tests.web.window import Window

HOSTILE = """<script>document.title = "broken"</script><img src=x onerror="document.title='broken'">

<svg onload="document.title='broken'"></svg><style>body { display: none }</style>

[click](javascript:document.title='broken') <javascript:alert(1)> ![x](https://evil.example/secret.png)

\x1b[31mred\x07 \u202eturned \u2066round\u2069 zero\u200bwidth

```html"><img src=x onerror=alert(1)>
<b>code</b> \u202e
```

$$\\href{javascript:alert(1)}{x} \\includegraphics{https://evil.example/x.png}$$
"""

LONG = "a line that does not end, " * 200_000

ALLOWED = """root => [...root.querySelectorAll('.prose *')].filter((one) =>
    ['script', 'img', 'svg', 'style', 'iframe', 'form', 'input', 'object', 'embed', 'link'].includes(one.localName)
    || one.getAttributeNames().some((name) => name.startsWith('on') || name === 'style')
    || /^(javascript|data|vbscript|file):/i.test(one.getAttribute('href') ?? '')
).map((one) => one.outerHTML)"""


async def test_hostile_text_is_only_text(window: Window, home: House) -> None:
    """Markup, scripts, pictures, addresses and controls are shown as what they are, whole and piece by piece."""
    home.scripts["free"] = Script(chunks=[HOSTILE[at : at + 7] for at in range(0, len(HOSTILE), 7)], delay=0.002)
    await window.sign_in(await home.code())
    await window.choose("Model", "free")
    await window.say(HOSTILE)
    await expect(window.page.get_by_role("button", name="Send")).to_be_visible()
    answer = window.messages.nth(1)
    await expect(answer).to_contain_text("<script>document.title")
    await expect(answer.get_by_role("link", name="Image from evil.example")).to_be_visible()
    assert await answer.evaluate(ALLOWED) == []
    assert await window.page.title() != "broken"
    await window.page.reload()
    await expect(answer).to_contain_text("<script>document.title")
    assert await answer.evaluate(ALLOWED) == []


async def test_five_megabytes_of_one_line(window: Window, home: House) -> None:
    """A line of 5 MB is shown in part, the rest on demand, and the page stays usable."""
    home.scripts["free"] = Script(chunks=[LONG[at : at + 50_000] for at in range(0, len(LONG), 50_000)])
    await window.sign_in(await home.code())
    await window.choose("Model", "free")
    await window.say("All of it")
    await expect(window.page.get_by_role("button", name="Send")).to_be_visible(timeout=60_000)
    await expect(window.messages.nth(1).get_by_role("button", name="Show the other")).to_be_visible()
    await window.field.fill("still here")
    await expect(window.field).to_have_value("still here")
