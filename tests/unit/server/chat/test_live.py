"""A turn's log as followers see it."""

from hypothesis import given
from hypothesis import strategies as st

from server.chat.live import LiveTurn
from server.core.events import Delta, Ended, Event, ItemClosed, ItemOpened, Opened, last_seq
from server.core.records import Outcome, Prompt, Sampling, Turn, TurnStatus

TURN = Turn(
    id="resp_1",
    user_id="user_1",
    asked="m",
    model="m",
    persona="p",
    revision=1,
    prompt=Prompt(dials={}),
    sampling=Sampling(),
    created_at=0,
    hold_id="h",
    message_id="msg_1",
    input_ids=("msg_0",),
)


def log(texts: list[str]) -> list[Event]:
    events: list[Event] = [Opened(0), ItemOpened(2, 0, "msg_1")]
    events += [Delta(4 + number, 0, text) for number, text in enumerate(texts)]
    end = 4 + len(texts)
    outcome = Outcome(status=TurnStatus.COMPLETED)
    return [*events, ItemClosed(end, 0), Ended(end + 3, outcome)]


@given(
    st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=12),
)
def test_followers_lose_and_repeat_nothing(texts: list[str], commits: list[tuple[int, bool]]) -> None:
    """However commits and looks interleave, a follower gets every text once and in order, with rising numbers."""
    live = LiveTurn(TURN)
    waiting = log(texts)
    seen: list[Event] = []
    for size, looks in [*commits, (len(waiting), True)]:
        live.add(waiting[:size])
        waiting = waiting[size:]
        if looks:
            seen += live.after(last_seq(seen[-1]) if seen else -1)
    assert live.ended
    assert "".join(event.text for event in seen if isinstance(event, Delta)) == "".join(texts) == live.text
    numbers = [event.seq for event in seen]
    assert numbers == sorted(set(numbers))


def test_the_last_follower_to_leave_is_noticed() -> None:
    """The owner hears when nobody follows any more, once, and not before."""
    live = LiveTurn(TURN)
    heard: list[str] = []
    live.on_deserted = lambda: heard.append("deserted")
    first, second = live.follow(lambda: None), live.follow(lambda: None)
    first()
    first()
    assert heard == []
    second()
    assert heard == ["deserted"]


def test_followers_are_woken_until_they_leave() -> None:
    """A follower that has left is not called again."""
    live = LiveTurn(TURN)
    woken: list[int] = []
    leave = live.follow(lambda: woken.append(1))
    live.add([Opened(0)])
    leave()
    live.add([ItemOpened(2, 0, "msg_1")])
    assert woken == [1]
