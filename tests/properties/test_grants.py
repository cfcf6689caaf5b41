"""What was given is what is left and what was used, whatever happens (invariant I16)."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from ratelimit.extras import Extras, Gift, Grant
from ratelimit.limiter import Held, Refused
from tests.unit.ratelimit.house import HOUR, LEASE, START, House

CAP = 2
STEP = 20 * 60_000_000
GRANTS = st.lists(
    st.builds(
        lambda number, amount, starts, lasts, priority: Grant(
            id=f"g{number}",
            gift=Gift(amount=amount, unit="messages", scope="gpt-4"),
            starts_us=START + starts * STEP,
            expires_us=START + (starts + lasts) * STEP,
            priority=priority,
        ),
        st.integers(0, 99),
        st.integers(1, 3),
        st.integers(0, 2),
        st.integers(2, 9),
        st.integers(1, 2),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda grant: grant.id,
)
DOINGS = st.lists(
    st.sampled_from(["ask"] * 4 + ["settle"] * 2 + ["nothing", "release", "wait"]), min_size=12, max_size=40
)


@dataclass
class Definition:
    """Who pays, by the words of the documentation: the tier's rolling window, then grants in their order."""

    grants: tuple[Grant, ...]
    paid: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Who paid for a hold and when; what is given back is not here."""

    def used(self, payer: str) -> int:
        return sum(by == payer for by, _ in self.paid.values())

    def payer(self, now: int, running: list[str]) -> str | None:
        """Return who pays for a message now; what is running counts however old it is."""
        mine = [
            hold_id
            for hold_id, (by, at) in self.paid.items()
            if by == "tier" and (hold_id in running or at > now - HOUR)
        ]
        if len(mine) < CAP:
            return "tier"
        return next((grant.id for grant in self.open(now) if self.used(grant.id) < grant.gift.amount), None)

    def open(self, now: int) -> list[Grant]:
        found = [grant for grant in self.grants if grant.starts_us <= now < grant.expires_us]
        return sorted(found, key=lambda one: (one.priority, one.expires_us, one.starts_us, one.id))


@given(grants=GRANTS, doings=DOINGS)
def test_grants_balance(grants: list[Grant], doings: list[str]) -> None:
    """Each message is paid by the tier or by the first grant with room; what is given back returns to who paid."""
    asyncio.run(_run(tuple(grants), doings))


async def _run(grants: tuple[Grant, ...], doings: list[str]) -> None:
    house = House({"plus": {"gpt-4": f"{CAP} messages / 1h"}})
    house.extras = Extras(grants=grants)
    expected = Definition(grants)
    running: list[str] = []
    for doing in doings:
        if doing == "ask":
            payer = expected.payer(house.now, running)
            answer = await house.ask()
            assert isinstance(answer, Refused) == (payer is None)
            if isinstance(answer, Held) and payer is not None:
                key = "gpt-4.messages" if payer == "tier" else f"grant.{payer}"
                assert [charge.key for charge in answer.charges] == [f"ana|{key}"]
                expected.paid[answer.hold_id] = (payer, house.now)
                running.append(answer.hold_id)
        elif doing == "wait":
            # Whoever waits goes on renewing what runs.
            for _ in range(STEP // (LEASE // 2)):
                house.now += LEASE // 2
                await house.limiter.renew(running, {})
        elif running:
            hold_id = running.pop()
            if doing == "settle":
                await house.limiter.settle(hold_id, {"messages": 1})
            else:
                ended = (
                    house.limiter.release(hold_id)
                    if doing == "release"
                    else house.limiter.settle(hold_id, {"messages": 0})
                )
                await ended
                del expected.paid[hold_id]
        left = {one.id: one.gift.amount - expected.used(one.id) for one in expected.open(house.now)}
        assert await house.left() == left
