"""Releases on the command line, beside a server that may run."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from server.cli.setup import stores
from server.settings import from_machine


def text(body: str) -> str:
    return f"---\nspec: persona/1\nname: pilot\nsummary: Flies.\n---\n\n{body}\n"


@pytest.fixture
def pilot(parley: Any, tmp_path: Path) -> Any:
    """Give the command, with three revisions of a pilot of which none is live."""

    async def write() -> None:
        async with stores(from_machine()) as opened:
            for body in ("You fly.", "You soar.", "You glide."):
                await opened.releases.write("pilot", text(body), note=body, by="ana")

    asyncio.run(write())
    return lambda *words: parley("personas", words[0], "pilot", *words[1:])


def rows(pilot: Any) -> dict[int, dict[str, Any]]:
    return {row["revision"]: row for row in json.loads(pilot("revisions", "--json").out)}


def test_publish_and_go_back(pilot: Any) -> None:
    """The draft is published if no revision is named; going back leads to what was live before."""
    assert pilot("publish", "1").err == "Revision 1 of pilot is live now.\n"
    assert pilot("publish").err == "Revision 3 of pilot is live now.\n"
    assert pilot("publish", "2", "--label", "staging").code == 0
    found = rows(pilot)
    assert [found[number]["labels"] for number in (1, 2, 3)] == [[], ["staging"], ["live"]]
    assert (found[1]["origin"], found[1]["author"], found[1]["note"]) == ("console", "ana", "You fly.")
    assert pilot("rollback", "--recall").err == "Revision 1 of pilot is live again.\n"
    assert rows(pilot)[3]["recalled_at"]
    assert "You glide." in pilot("revisions").out


def test_what_is_not_there_is_told_with_what_is(pilot: Any, parley: Any) -> None:
    """A number that is missing is answered with the newest revision, a name not with a missing draft."""
    assert pilot("publish", "9").err == "parley: The persona 'pilot' has no revision 9; the newest is 3.\n"
    assert parley("personas", "publish", "nobody").err == "parley: There is no persona 'nobody'.\n"


def test_a_rollout(pilot: Any) -> None:
    """Shares are written REVISION=PERCENT; none ends it."""
    pilot("publish", "1")
    assert pilot("rollout", "3=10", "2=5%").err == "pilot is rolled out: revision 3 to 10%, revision 2 to 5%.\n"
    assert {number: row["percent"] for number, row in rows(pilot).items()} == {1: None, 2: 5, 3: 10}
    assert pilot("rollout").err == "The rollout of pilot has ended.\n"
    assert pilot("rollout", "3:10").code == 2
    assert pilot("rollout", "3=0").code == 1


def test_recall(pilot: Any) -> None:
    """A revision, by number or label, has no label any more when it is recalled."""
    pilot("publish", "1")
    assert pilot("publish", "live", "--label", "staging").err == "Revision 1 of pilot is staging now.\n"
    assert pilot("recall", "live").err == "Revision 1 of pilot is recalled.\n"
    assert rows(pilot)[1]["labels"] == []


def test_what_differs(pilot: Any) -> None:
    """Without numbers it is what the newest revision would change for users."""
    pilot("publish", "1")
    assert "-You fly.\n+You glide." in pilot("diff").out
    assert "-You fly.\n+You soar." in pilot("diff", "1", "2").out
    assert pilot("diff", "2", "2").out == "They are the same.\n"
    assert "-You soar.\n+You fly." in pilot("diff", "2", "live").out
    assert "+You glide." in pilot("diff", "live", "draft").out
    assert pilot("diff", "best").err.endswith("There are: draft, live, numbers up to 3.\n")
    assert pilot("diff", "2", "9").code == 1


def test_what_cannot_be_done_is_a_line(pilot: Any, parley: Any) -> None:
    """Each refusal says why in one line."""
    for ran in (
        pilot("publish", "9"),
        pilot("rollback"),
        pilot("publish", "1", "--label", "best"),
        parley("personas", "revisions", "nobody"),
        parley("personas", "publish", "nobody"),
    ):
        assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
