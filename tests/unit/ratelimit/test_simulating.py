"""What other tiers would have made of the past."""

from collections import Counter

from ratelimit import parse_tiers
from ratelimit.simulating import Past, Simulated, Simulation
from tests.unit.ratelimit.house import HOUR, SECOND, START

TIERS = parse_tiers(
    {
        "free": {"gpt-4": "2 messages / 3h", "local": "unlimited", "when_capped": "use local"},
        "strict": {"gpt-4": "2 messages / 3h", "tokens": "100 / 24h", "at_once": 1},
    },
    groups={},
    models=["gpt-4", "local", "gone"],
    default_tier="free",
)


def past(
    number: int, at: int, tier: str = "free", *, model: str = "gpt-4", lasts: int = SECOND, tokens: int = 1
) -> Past:
    """Return a request of ana, `at` microseconds after the beginning."""
    begun = START + at
    return Past(
        id=f"r{number}", subject="ana", tier=tier, model=model, at_us=begun, ended_us=begun + lasts, tokens=tokens
    )


async def replayed(*requests: Past) -> Simulated:
    """Replay these."""
    return await Simulation(TIERS).run(requests)


async def test_caps_roll_at_the_times_of_the_past() -> None:
    """The third request in the window falls back; one after the window is served as it was asked."""
    found = await replayed(*[past(number, number * SECOND) for number in range(3)], past(3, 3 * HOUR))
    assert found.models == {"r0": "gpt-4", "r1": "gpt-4", "r2": "local", "r3": "gpt-4"}
    fate = found.users["ana"]
    assert (fate.asked, fate.served, fate.fallen_back, fate.first_at) == (4, 4, 1, START + 2 * SECOND)


async def test_refusals_name_their_cap() -> None:
    """Messages, tokens, places and models outside of the tier are counted apart, and what is refused costs nothing."""
    found = await replayed(
        past(0, 0, "strict", tokens=90, lasts=10 * SECOND),
        past(1, SECOND, "strict"),
        past(2, 20 * SECOND, "strict", tokens=20),
        past(3, 30 * SECOND, "strict", tokens=5),
        past(4, 40 * SECOND, "strict", tokens=1),
        past(5, 50 * SECOND, "strict", model="gone"),
    )
    assert found.users["ana"].refused == Counter({"at_once": 1, "tokens": 1, "gpt-4.messages": 1, "not in tier": 1})
    assert [found.models[f"r{number}"] for number in range(6)] == ["gpt-4", None, None, "gpt-4", None, None]


async def test_progress_is_told_for_each_request() -> None:
    """Whoever shows a bar hears of every request."""
    heard = 0

    def step() -> None:
        nonlocal heard
        heard += 1

    await Simulation(TIERS).run([past(number, number) for number in range(5)], step)
    assert heard == 5
