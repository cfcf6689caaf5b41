"""The division of a context, and which turns of a history stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.context import divide, fit
from server.core.records import Message, Model, TextPart


def message(number: int, role: str) -> Message:
    return Message(id=f"m{number}", role=role, parts=(TextPart("x"),), created_at=0)  # type: ignore[arg-type]


def history(*roles: str) -> list[Message]:
    return [message(number, role) for number, role in enumerate(roles)]


def model(context: int, max_output: int | None = None) -> Model:
    return Model(alias="m", upstreams=("u",), upstream_id="m", context=context, max_output=max_output)


@pytest.mark.parametrize(
    ("room", "kept"),
    [(40, ["m0", "m1", "m2", "m3"]), (39, ["m2", "m3"]), (20, ["m2", "m3"]), (19, []), (0, [])],
)
def test_oldest_turns_leave_whole(room: int, kept: list[str]) -> None:
    """A question leaves together with its answer, the oldest first."""
    turns = history("user", "assistant", "user", "assistant")
    assert [one.id for one in fit(turns, [10] * 4, room)] == kept


def test_what_precedes_the_first_question_leaves_first() -> None:
    """A greeting at the beginning leaves before the first turn does."""
    turns = history("assistant", "user", "assistant")
    assert [one.id for one in fit(turns, [10] * 3, 29)] == ["m1", "m2"]
    assert [one.id for one in fit(turns, [10] * 3, 30)] == ["m0", "m1", "m2"]


@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.integers(1, 50)), max_size=12),
    st.integers(0, 300),
)
def test_what_is_kept_is_a_suffix_that_fits(rows: list[tuple[str, int]], room: int) -> None:
    """What stays is an end of the history, within the room, and no longer end that begins a turn would fit."""
    turns = history(*(role for role, _ in rows))
    costs = [cost for _, cost in rows]
    kept = fit(turns, costs, room)
    assert list(kept) == turns[len(turns) - len(kept) :]
    assert sum(costs[len(turns) - len(kept) :]) <= room
    starts = [index for index, one in enumerate(turns) if one.role == "user" or index == 0]
    assert all(sum(costs[start:]) > room for start in starts if start < len(turns) - len(kept))


def test_room_for_the_answer() -> None:
    """The answer gets what is asked for, within the model's bound and half of the context."""
    assert divide(model(4096, 512), None).answer == 512
    assert divide(model(4096, 512), 100).answer == 100
    assert divide(model(4096, 512), 9999).answer == 512
    assert divide(model(1000), 900).answer == 500
    assert divide(model(128_000), None).prompt == 128_000 - 1024
