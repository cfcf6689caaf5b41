"""What every record of refusals promises."""

from dataclasses import replace

import pytest

from server.adapters.refusals_sql import MINUTE, SqlRefusals
from server.core.ports_operator import Refusal, Refusals
from tests.contracts.conftest import Store

ONE = Refusal(
    user_id="user_1",
    code="usage_cap_reached",
    model="gpt-4",
    cap="gpt-4.messages",
    count=1,
    last_at=10 * MINUTE,
    next_at=99 * MINUTE,
)


@pytest.fixture
def refusals(store: Store) -> Refusals:
    return SqlRefusals(store.base)


async def test_refusals_of_a_minute_are_counted_together(refusals: Refusals) -> None:
    """The same user, code, model and cap within a minute are one row with the newest times; others are apart."""
    later = replace(ONE, count=3, last_at=ONE.last_at + 5, next_at=None)
    other = replace(ONE, cap="", code="content_blocked")
    await refusals.add([ONE, other])
    await refusals.add([later])
    found = await refusals.of("user_1", 0)
    assert found == [replace(later, count=4), other]


async def test_the_newest_come_first_and_no_others(refusals: Refusals) -> None:
    """A user's refusals are read from a time on, and no other user's."""
    times = [replace(ONE, last_at=number * MINUTE) for number in (1, 2, 3)]
    await refusals.add([*times, replace(ONE, user_id="user_2", model="\x00")])
    assert [one.last_at // MINUTE for one in await refusals.of("user_1", 2 * MINUTE)] == [3, 2]
    assert [one.user_id for one in await refusals.of("user_2", 0)] == ["user_2"]


async def test_old_ones_are_forgotten(refusals: Refusals) -> None:
    """What is older than a time goes, and how much that was is told."""
    await refusals.add([replace(ONE, last_at=number * MINUTE) for number in (1, 2, 3)])
    assert await refusals.forget(3 * MINUTE) == 2
    assert [one.last_at for one in await refusals.of("user_1", 0)] == [3 * MINUTE]
