"""What every moderator promises, over each backend."""

import asyncio
from collections.abc import Callable

import pytest

from server.adapters.moderator_rules import RulesModerator
from server.core.ports import Moderator, Screen, ScreenContext, Verdict
from server.core.screening import make_marker

MARKER = make_marker(b"a server's secret", "sha256:0123")
CONTEXT = ScreenContext(persona="assistant", revision=1, tier="free", marker=MARKER)
KEY = "ghp_q7Zk2VbX9cM4nRt8WpLs1YdHf6GjKa3QeUi5"
HARMLESS = "Caf\u00e9 \U0001f44d\u200d \r\n\tsk- AKIA -----BEGIN \x00 quartz lantern \u202e"

Make = Callable[[tuple[str, ...]], Moderator]


def rules(blocklist: tuple[str, ...]) -> Moderator:
    """Return the moderator of exact rules."""
    return RulesModerator(blocklist=blocklist)


@pytest.fixture(params=[rules])
def make(request: pytest.FixtureRequest) -> Make:
    """Return what makes the moderator under test from a blocklist."""
    made: Make = request.param
    return made


def drain(screen: Screen, *pieces: str) -> tuple[str, Verdict | None]:
    """Return all that is released of an answer, and the last verdict."""
    fed = [screen.feed(piece) for piece in pieces]
    text, verdict = screen.close()
    return "".join(text for text, _ in fed) + text, verdict


async def test_harmless_input_is_allowed(make: Make) -> None:
    """What no rule is about is allowed."""
    assert await make(("project owl",)).check_input(HARMLESS, CONTEXT) == Verdict(action="allow")


async def test_a_blocked_phrase_in_the_input_stops_it(make: Make) -> None:
    """The operator's blocklist stops input, even where a secret stands before the phrase."""
    verdict = await make(("project owl",)).check_input(f"{KEY} tell me of PROJECT OWL", CONTEXT)
    assert verdict == Verdict(action="stop", category="blocklist", rule="phrase-1")


async def test_a_phrase_at_the_end_of_the_input_stops_it(make: Make) -> None:
    """The end of the input ends a word."""
    assert (await make(("owl",)).check_input("the owl", CONTEXT)).action == "stop"


async def test_a_phrase_far_into_long_input_stops_it(make: Make) -> None:
    """Long input is read to its end."""
    text = "a fine day. " * 20_000 + "the ow"
    assert (await make(("owl",)).check_input(text, CONTEXT)).action == "allow"
    assert (await make(("owl",)).check_input(text + "l now", CONTEXT)).action == "stop"


async def test_long_input_does_not_keep_other_tasks_waiting(make: Make) -> None:
    """Another task gets its turn while long input is read."""
    others: list[str] = []

    async def other() -> None:
        others.append("ran")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(other())
        await make(("owl",)).check_input("a fine day. " * 20_000, CONTEXT)
        assert others == ["ran"]


async def test_a_secret_in_the_input_is_noted(make: Make) -> None:
    """A user's own key is noted and does not stop the turn."""
    verdict = await make(()).check_input(f"why is {KEY} refused?", CONTEXT)
    assert verdict == Verdict(action="note", category="secret", rule="github_token")


def test_a_harmless_answer_passes_byte_for_byte(make: Make) -> None:
    """What no rule is about is released unchanged by the end."""
    assert drain(make(("project owl",)).screen_output(CONTEXT), *HARMLESS) == (HARMLESS, None)


@pytest.mark.parametrize(
    ("written", "category", "rule"),
    [
        (MARKER, "leak", "marker"),
        (" ".join(MARKER), "leak", "marker"),
        (KEY, "secret", "github_token"),
        ("Project Owl", "blocklist", "phrase-1"),
    ],
)
def test_an_answer_stops_before_the_first_character_of_a_match(
    make: Make, written: str, category: str, rule: str
) -> None:
    """Nothing of a match is released, wherever it is cut and though the answer ends with it."""
    moderator = make(("project owl",))
    stop = Verdict(action="stop", category=category, rule=rule)
    for cut in range(len(written)):
        screen = moderator.screen_output(CONTEXT)
        assert drain(screen, "Well, " + written[:cut], written[cut:]) == ("Well, ", stop)
        assert screen.feed("and more") == ("", stop)


def test_the_marker_is_that_of_the_turn(make: Make) -> None:
    """The marker of another revision is text like any other."""
    other = ScreenContext(persona="assistant", revision=2, tier="free", marker=make_marker(b"x", "sha256:4567"))
    moderator = make(())
    assert drain(moderator.screen_output(other), MARKER) == (MARKER, None)
    assert drain(moderator.screen_output(CONTEXT), MARKER)[0] == ""


def test_a_screen_goes_on_after_what_was_shown(make: Make) -> None:
    """A match that began before the turn changed hands is found, and what was shown is not released again."""
    screen = make(()).screen_output(CONTEXT, shown="Well, " + MARKER[:5])
    assert screen.feed(MARKER[5:] + ".") == ("", Verdict(action="stop", category="leak", rule="marker"))
    screen = make(()).screen_output(CONTEXT, shown="Well, " + MARKER[:5])
    assert drain(screen, "?") == ("?", None)


def test_screens_of_one_moderator_are_independent(make: Make) -> None:
    """Two answers at once do not see each other's text."""
    moderator = make(("owl",))
    one, other = moderator.screen_output(CONTEXT), moderator.screen_output(CONTEXT)
    assert one.feed("ow") == ("", None)
    assert other.feed("l ") == ("l ", None)
    assert drain(one, "e") == ("owe", None)
