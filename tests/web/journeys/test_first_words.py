"""Somebody opens the page for the first time."""

from playwright.async_api import Browser, expect

from server.adapters.script import Script, chunked
from tests.harness import House
from tests.web.window import Window


async def test_a_message_is_answered(window: Window, home: House) -> None:
    """Who comes by a link and sends a message sees the answer to its end, and the conversation in the list."""
    await window.sign_in(await home.code())
    await window.say("Hello")
    await expect(window.messages).to_have_count(2)
    await expect(window.messages.nth(0)).to_have_text("Hello")
    await expect(window.messages.nth(1)).to_contain_text("0000 0001 0002 0003 0004 0005 0006 0007")
    await expect(window.page.get_by_role("button", name="Send")).to_be_visible()
    await expect(window.page.get_by_role("navigation").get_by_role("link", name="Hello")).to_be_visible()


async def test_a_link_can_be_pasted(window: Window, home: House) -> None:
    """Who opens the page without a session is asked for a link; one that is none is refused in words."""
    await window.page.goto("/")
    await window.page.get_by_label("Sign-in link").fill(f"{home.address}/login#none")
    await window.page.get_by_role("button", name="Sign in").click()
    await expect(window.page.get_by_role("alert")).to_contain_text("opened before, or is too old")
    await window.page.get_by_label("Sign-in link").fill(f"{home.address}/login#{await home.code()}")
    await window.page.get_by_role("button", name="Sign in").click()
    await expect(window.field).to_be_visible()


async def test_a_persona_greets_and_suggests(window: Window, home: House) -> None:
    """The tutor greets who picks it, and a suggestion is sent as it stands, with the greeting that was shown."""
    await window.sign_in(await home.code())
    await window.choose("Persona", "socratic-tutor")
    await expect(window.page.get_by_role("heading", name="Socratic Tutor")).to_be_visible()
    await expect(window.page.get_by_text("Hello ana. What are you working on")).to_be_visible()
    await window.choose("Pace", "gentle")
    await window.page.get_by_role("button", name="Why do we have seasons?").click()
    await expect(window.messages.nth(0)).to_have_text("Why do we have seasons?")
    await expect(window.messages.nth(1)).to_contain_text("0007")
    async with home.http(await home.key()) as client:
        newest = (await client.get("/v1/conversations")).json()["data"][0]
        assert newest["persona"] == "socratic-tutor"
        items = (await client.get(f"/v1/conversations/{newest['id']}/items")).json()["data"]
        made_of = (await client.get(f"/v1/responses/{items[0]['response_id']}/made_of")).json()
    assert any("greeting" in line for line in made_of["added"])


async def test_markdown_code_and_formulas_are_shown(window: Window, home: House) -> None:
    """An answer is read as markdown: code is coloured and copied exactly, a formula is drawn."""
    text = "## Title\n\nSome **bold** words and $x^2$.\n\n```python\ndef f(x):\n    return x\n```\n"
    home.scripts["free"] = Script(chunks=chunked(text))
    await window.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await window.sign_in(await home.code())
    await window.choose("Model", "free")
    await window.say("Show me")
    answer = window.messages.nth(1)
    await expect(answer.get_by_role("heading", name="Title")).to_be_visible()
    await expect(answer.locator("strong")).to_have_text("bold")
    await expect(answer.locator("math msup")).to_be_visible()
    await expect(answer.locator("code .hl-keyword").first).to_have_text("def")
    await answer.get_by_role("button", name="Copy").first.click()
    assert await window.page.evaluate("navigator.clipboard.readText()") == "def f(x):\n    return x\n"


async def test_enter_of_an_input_method_does_not_send(window: Window, home: House) -> None:
    """Enter that confirms a candidate sends nothing, in either order of events; Enter after it does."""
    await window.sign_in(await home.code())
    await window.field.focus()
    devtools = await window.page.context.new_cdp_session(window.page)
    await devtools.send("Input.imeSetComposition", {"text": "ni", "selectionStart": 2, "selectionEnd": 2})
    await devtools.send(
        "Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Process", "windowsVirtualKeyCode": 229}
    )
    await devtools.send("Input.insertText", {"text": "你"})
    # macOS sends the Enter behind the composition, with this code.
    await window.field.evaluate(
        "field => field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', keyCode: 229, bubbles: true}))"
    )
    await expect(window.field).to_have_value("你")
    await window.field.press("Enter")
    await expect(window.messages.nth(0)).to_have_text("你")


async def test_everything_is_said_in_chinese(browser: Browser, home: House) -> None:
    """A browser that prefers Chinese gets the page, its personas and its caps in Chinese."""
    async with Window.opened(browser, home.address, locale="zh-CN") as window:
        await window.page.goto(f"/login#{await home.code()}")
        await expect(window.page.get_by_role("textbox", name="消息")).to_be_visible()
        await window.page.get_by_label("角色").select_option("socratic-tutor")
        await expect(window.page.get_by_role("heading", level=1)).to_have_text("苏格拉底式导师")
        await expect(window.page.get_by_text("gpt-4 还可发送")).to_be_visible()
        assert await window.page.evaluate("document.documentElement.lang") == "zh-cn"
        window.check()
