"""What happened lately, second by second."""

from ratelimit import Price
from server.chat.recent import KEPT, SECOND, Recent
from server.core.happenings import Happening
from server.core.ports import Happened

START = 1_700_000_000 * SECOND


class Wall:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return 0.0


def test_a_second_counts_what_happened_in_it() -> None:
    """Turns, how they ended, tokens with their cost, the time to the first text, and refusals by kind."""
    wall = Wall()
    recent = Recent(clock=wall, prices={"gpt-4": Price.of_dollars(input=2, output=10)})
    turn = {"model": "gpt-4", "persona": "p", "door": "d"}
    for happened in (
        Happened(name=Happening.TURN_STARTED, labels=turn),
        Happened(name=Happening.TURN_ENDED, labels=turn | {"status": "failed"}),
        Happened(name=Happening.TURN_ENDED, labels=turn | {"status": "completed"}),
        Happened(name=Happening.INPUT_TOKENS, labels=turn, value=1_000_000.0),
        Happened(name=Happening.OUTPUT_TOKENS, labels=turn, value=100_000.0),
        Happened(name=Happening.OUTPUT_TOKENS, labels=turn | {"model": "free"}, value=1.0),
        *(Happened(name=Happening.FIRST_TOKEN, labels=turn, value=wait) for wait in (0.5, 0.1, 0.2)),
        Happened(name=Happening.REFUSED, labels={"code": "usage_cap_reached"}),
        Happened(name=Happening.REFUSED, labels={"code": "invalid_api_key"}),
        Happened(name=Happening.UPSTREAM_FAILED, labels={"upstream": "u"}),
        Happened(name=Happening.POLICY_LIVE),
    ):
        recent.saw(happened)
    assert recent.since(0) == []
    wall.at += SECOND
    assert recent.since(0) == [
        {
            "at": "2023-11-14T22:13:20Z",
            "started": 1,
            "ended": 2,
            "failed": 1,
            "limited": 1,
            "refused": 1,
            "faults": 1,
            "input_tokens": 1_000_000,
            "output_tokens": 100_001,
            "cost_usd": 3.0,
            "first_text_seconds": 0.2,
            "slowest_first_text_seconds": 0.5,
        }
    ]


def test_only_what_is_new_is_told_and_the_old_is_forgotten() -> None:
    """Seconds since a time, without those in which nothing happened, for fifteen minutes."""
    wall = Wall()
    recent = Recent(clock=wall, prices={})
    for _ in range(2 * KEPT):
        wall.at += 2 * SECOND
        recent.saw(Happened(name=Happening.REFUSED, labels={"code": "not_found"}))
    wall.at += SECOND
    assert len(recent.since(0)) == KEPT // 2
    assert len(recent.since(wall.at - 3 * SECOND)) == 2


def test_a_clock_that_steps_back_loses_nothing() -> None:
    """What happens meanwhile is counted to the newest second."""
    wall = Wall()
    recent = Recent(clock=wall, prices={})
    for step in (0, -5 * SECOND):
        wall.at += step
        recent.saw(Happened(name=Happening.REFUSED, labels={"code": "not_found"}))
    wall.at = START + SECOND
    assert [second["refused"] for second in recent.since(0)] == [2]
