"""The values that ledgers deal in."""

import pytest

from ratelimit.ledger import Charge, Demand, Full, HoldRequest
from ratelimit.meter import Level


def demand(key: str, amount: int) -> Demand:
    """Ask for an amount of one counter."""
    return Demand(charge=Charge(key=key, unit="messages", amount=amount, window_us=1), cap=5)


def level(*, fits: bool, next_at: int | None = None) -> Level:
    """Return a level of which only this matters."""
    return Level(cap=5, used=0, held=0, fits=fits, next_at=next_at, at_most=False, next_free_at=None, full_at=None)


@pytest.mark.parametrize("demands", [(demand("a", 1), demand("a", 2)), (demand("a", 0),), (demand("a", -1),)])
def test_requests_that_make_no_sense(demands: tuple[Demand, ...]) -> None:
    """A hold names each counter once and asks for at least one unit."""
    with pytest.raises(ValueError, match="a hold charges"):
        HoldRequest(hold_id="h", subject="ana", model="gpt-4", demands=demands, lease_us=1)


def test_failing_counters_come_in_the_order_of_their_room() -> None:
    """What never fits comes first, then what frees last; what fits is not failing."""
    levels = {
        "soon": level(fits=False, next_at=5),
        "fits": level(fits=True),
        "late": level(fits=False, next_at=9),
        "never": level(fits=False),
    }
    assert Full(at_us=1, levels=levels).failing == ("never", "late", "soon")
