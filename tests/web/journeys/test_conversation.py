"""A conversation that is gone on with, gone back in, and kept."""

from pathlib import Path

from playwright.async_api import expect

from server.adapters.script import Script
from tests.harness import House
from tests.web.window import Window


async def test_an_answer_is_stopped(window: Window, home: House) -> None:
    """Esc stops an answer; what came stays, and says that it was stopped."""
    await window.sign_in(await home.code())
    await window.choose("Model", "slow")
    await window.say("Go on and on")
    await expect(window.messages.nth(1)).to_contain_text("0003")
    await window.field.press("Escape")
    await expect(window.messages.nth(1)).to_contain_text("Stopped by you.")
    await expect(window.page.get_by_role("button", name="Send")).to_be_visible()


async def test_answers_and_questions_have_versions(window: Window, home: House) -> None:
    """Retry and edit leave what was there; the versions are gone through, and found again after a reload."""
    await window.sign_in(await home.code())
    await window.choose("Model", "echo")
    await window.say("First")
    await expect(window.messages.nth(1)).to_contain_text("First")
    await window.messages.nth(1).hover()
    await window.messages.nth(1).get_by_role("button", name="Retry").click()
    await expect(window.messages.nth(1)).to_contain_text("2 / 2")
    await window.messages.nth(0).hover()
    await window.messages.nth(0).get_by_role("button", name="Edit").click()
    await window.page.get_by_role("textbox", name="Edit").fill("Second")
    await window.page.get_by_role("log").get_by_role("button", name="Send").click()
    await expect(window.messages.nth(0)).to_contain_text("2 / 2")
    await expect(window.messages.nth(1)).to_contain_text("Second")
    await window.messages.nth(0).get_by_role("button", name="Previous version").click()
    await expect(window.messages.nth(0)).to_contain_text("First")
    await expect(window.messages.nth(1)).to_contain_text("First")
    await window.page.reload()
    await expect(window.messages.nth(0)).to_contain_text("First")
    await expect(window.messages.nth(0)).to_contain_text("1 / 2")


async def test_the_list_is_kept_in_order(window: Window, home: House, tmp_path: Path) -> None:
    """Conversations are found, renamed, exported, put away, brought back and deleted."""
    await window.sign_in(await home.code("bea"))
    page = window.page
    await window.say("Marmalade for breakfast")
    await expect(window.messages.nth(1)).to_contain_text("0007")
    await page.get_by_role("searchbox").fill("marmal")
    await expect(page.get_by_role("navigation").get_by_role("link", name="Marmalade")).to_be_visible()
    await page.get_by_role("searchbox").fill("")

    menu = page.get_by_role("button", name="Actions for")
    await menu.click()
    await page.get_by_role("button", name="Rename").click()
    await page.get_by_label("New title").fill("Jam: a/b <i>")
    await page.get_by_label("New title").press("Enter")
    await expect(page.get_by_role("navigation").get_by_role("link", name="Jam: a/b <i>")).to_be_visible()
    await expect(page.get_by_role("heading", name="Jam: a/b <i>")).to_be_visible()

    await menu.click()
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Export as Markdown").click()
    download = await downloading.value
    assert download.suggested_filename == "Jam a b i.md"
    await download.save_as(tmp_path / "jam.md")
    assert "Marmalade for breakfast" in (tmp_path / "jam.md").read_text()

    await menu.click()
    await page.get_by_role("button", name="Archive", exact=True).click()
    await expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    await page.get_by_role("button", name="Show archived").click()
    await menu.click()
    page.once("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("Nothing here yet.")).to_be_visible()


async def test_two_tabs_are_in_step(window: Window, home: House) -> None:
    """What one tab sends, and its answer as it comes, is seen in the other."""
    await window.sign_in(await home.code())
    await window.say("Begin")
    await expect(window.messages.nth(1)).to_contain_text("0007")
    other = Window(await window.page.context.new_page(), window.address)
    await other.page.goto(window.page.url)
    await expect(other.messages).to_have_count(2)
    home.scripts["free"] = Script(chunks=[f" {n}" for n in range(40)], delay=0.02)
    await window.choose("Model", "free")
    await window.say("And on")
    await expect(other.messages.nth(2)).to_have_text("And on")
    await expect(other.messages.nth(3)).to_contain_text("0 1 2")
    await expect(other.messages.nth(3)).to_contain_text("38 39")
    await expect(window.messages).to_have_count(4)


async def test_the_reader_is_not_pulled_down(window: Window, home: House) -> None:
    """Who scrolls up while an answer comes stays there, also at its end, and has a way back down."""
    home.scripts["free"] = Script(chunks=[f"Line {n}\n\n" for n in range(120)], delay=0.01)
    await window.sign_in(await home.code())
    await window.choose("Model", "free")
    await window.say("Go")
    log = window.page.get_by_role("log")
    await expect(window.messages.nth(1)).to_contain_text("Line 40")
    await log.hover()
    await window.page.mouse.wheel(0, -400)
    await expect(window.page.get_by_role("button", name="New text below")).to_be_visible()
    there = await log.evaluate("log => log.scrollTop")
    await expect(window.messages.nth(1)).to_contain_text("Line 119")
    await expect(window.page.get_by_role("button", name="Send")).to_be_visible()
    assert await log.evaluate("log => log.scrollTop") == there
    await window.page.get_by_role("button", name="New text below").click()
    assert await log.evaluate("log => log.scrollHeight - log.clientHeight - log.scrollTop") < 2
