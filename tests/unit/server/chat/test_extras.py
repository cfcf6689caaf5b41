"""The extras of whoever asks."""

from collections.abc import Sequence

from ratelimit import parse_tiers
from ratelimit.extras import NONE, Before
from server.chat.extras import KnownExtras
from server.core.ports_extras import Extra
from server.core.ports_operator import User
from server.core.records import Actor
from tests.harness import FakeClock

TIERS = parse_tiers({"free": {"gpt-4": "unlimited"}}, groups={}, models=["gpt-4"], default_tier="free")


class Stored:
    """Some extras of everybody, and how often they were asked for."""

    def __init__(self, *kept: tuple[str, str]) -> None:
        self.asked = 0
        self._kept = [
            Extra(id=f"e{n}", user_id="u", kind=kind, what=what, starts_at=0, ends_at=9, reason="", by="cli")  # type: ignore[arg-type]  # the two kinds
            for n, (kind, what) in enumerate(kept)
        ]

    async def of(self, user_id: str | None, now: int) -> Sequence[Extra]:
        self.asked += 1
        return self._kept

    async def add(self, extra: Extra) -> None:
        raise NotImplementedError

    async def void(self, extra_id: str, *, by: str, now: int) -> bool:
        raise NotImplementedError


def known(stored: Stored) -> KnownExtras:
    return KnownExtras(extras=stored, tiers=lambda: TIERS, clock=FakeClock())


async def test_who_has_none_costs_no_look() -> None:
    """The store is not asked for actors who were never given anything."""
    stored = Stored()
    assert await known(stored).of(Actor("u", "ana", "free")) is NONE
    assert stored.asked == 0
    before = Actor("u", "ana", "free", tier_before="plus", tier_changed_at=5)
    assert (await known(stored).of(before)).before == Before(tier="plus", changed_us=5)


async def test_what_names_a_model_that_has_gone_is_left_out() -> None:
    """The rest holds, for actors and for users whom an operator asks about."""
    stored = Stored(
        ("grant", "20 gpt-4 messages"),
        ("grant", "20 gone messages"),
        ("override", "gone: unlimited"),
        ("override", "gpt-4: 2 messages / 3h"),
    )
    for who in (Actor("u", "ana", "free", has_extras=True), User(id="u", name="ana", tier="free", created_at=0)):
        found = await known(stored).of(who)
        assert [grant.id for grant in found.grants] == ["e0"]
        assert [override.caps[0].id for override in found.overrides] == ["gpt-4.messages"]
