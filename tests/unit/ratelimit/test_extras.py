"""What one user has beside the tier: grants and their order, overrides until a time, and changes of tier."""

from dataclasses import replace
from typing import get_args

import pytest

from ratelimit.extras import Allowance, Before, Extras, Gift, Override, read_gift, read_override
from ratelimit.limiter import Held, Refused
from ratelimit.lines import LineError
from ratelimit.tiers import InvalidTiers, WhenCapped
from ratelimit.wording import message
from tests.unit.ratelimit.house import HOUR, START, House
from tests.unit.ratelimit.test_explaining import Told


@pytest.mark.parametrize(
    ("text", "gift"),
    [
        ("20 gpt-4 messages", Gift(amount=20, unit="messages", scope="gpt-4")),
        ("1 premium message", Gift(amount=1, unit="messages", scope="premium")),
        ("500k tokens", Gift(amount=500_000, unit="tokens")),
        ("$5", Gift(amount=5_000_000, unit="cost")),
        ("$0.50 premium", Gift(amount=500_000, unit="cost", scope="premium")),
        ("12 images", Gift(amount=12, unit="images")),
    ],
)
def test_a_gift_reads_as_it_is_written(text: str, gift: Gift) -> None:
    """The text of a gift is what it was read from."""
    assert read_gift(text, House().limiter._tiers()) == gift
    assert gift.text == text


@pytest.mark.parametrize(
    "text", ["", "20", "messages", "20 answers", "20 gpt-5 messages", "20 gpt-4 premium messages", "-1 messages", "$0"]
)
def test_what_is_no_gift_is_refused_with_the_way_out(text: str) -> None:
    """An amount, a unit, and at most one model or group that there is."""
    with pytest.raises(LineError) as refused:
        read_gift(text, House().limiter._tiers())
    assert refused.value.cure


async def test_the_tier_comes_before_grants_and_grants_before_the_fallback() -> None:
    """A grant is untouched while the tier has room, pays when it has none, and then the fallback serves."""
    house = House()
    house.grant("1 gpt-4 message", hours=9)
    await house.spend(2)
    assert await house.left() == {"g1": 1}
    paid = await house.ask()
    assert isinstance(paid, Held)
    assert (paid.model, paid.served_by) == ("gpt-4", None)
    assert [charge.key for charge in paid.charges] == ["ana|tokens", "ana|at_once", "ana|grant.g1"]
    assert await house.limiter.settle(paid.hold_id, {"messages": 1, "tokens": 10})
    assert await house.left() == {"g1": 0}
    beside = await house.ask()
    assert isinstance(beside, Held)
    assert beside.model == "gpt-4-mini"
    house.now += 3 * HOUR
    assert (await house.rows())["gpt-4.messages"].used == 0
    await house.spend(1)
    assert await house.left() == {"g1": 0}


async def test_grants_are_used_in_order() -> None:
    """The lowest priority number first, then the one that expires first, then the oldest."""
    house = House()
    await house.spend(2)
    house.grant("1 gpt-4 message", of="late", hours=20)
    house.grant("1 gpt-4 message", of="soon", hours=10)
    house.grant("1 gpt-4 message", of="first", hours=30, priority=0)
    house.now += 1
    house.grant("1 gpt-4 message", of="newest", hours=20)
    order = list(await house.left())
    assert order == ["first", "soon", "late", "newest"]
    for spent in order:
        await house.spend(1)
        assert (await house.left())[spent] == 0
    assert set((await house.left()).values()) == {0}


async def test_what_is_given_back_returns_to_its_grant() -> None:
    """A released hold, and one that delivered nothing, leave the grant as it was (invariants I6 and I16)."""
    house = House()
    house.grant("2 gpt-4 messages")
    await house.spend(2)
    for settle in (False, True):
        paid = await house.ask()
        assert isinstance(paid, Held)
        assert await house.left() == {"g1": 1}
        ended = house.limiter.settle(paid.hold_id, {"messages": 0}) if settle else house.limiter.release(paid.hold_id)
        assert await ended
        assert await house.left() == {"g1": 2}


async def test_a_grant_ends_at_its_time() -> None:
    """It pays until the moment at which it expires, and is told no more after it."""
    house = House()
    house.grant("9 gpt-4 messages", hours=2)
    await house.spend(2)
    house.now = START + 2 * HOUR - 1
    await house.spend(1)
    house.now += 1
    assert await house.left() == {}
    refused = await house.ask(prefer="refuse")
    assert isinstance(refused, Refused)
    assert refused.limit is not None
    assert refused.limit.id == "gpt-4.messages"


async def test_a_grant_of_a_model_that_the_tier_does_not_have() -> None:
    """It lets the model in while it lasts, under the caps of the whole tier; a grant of all models does not."""
    house = House()
    house.grant("9 messages", of="any")
    refused = await house.ask(tier="mini")
    assert isinstance(refused, Refused)
    assert refused.code == "model_not_in_tier"
    house.grant("2 gpt-4 messages", of="named")
    paid = await house.ask(tier="mini")
    assert isinstance(paid, Held)
    assert [charge.key for charge in paid.charges] == ["ana|at_once", "ana|grant.named"]
    busy = await house.ask(tier="mini")
    assert isinstance(busy, Refused)
    assert busy.code == "too_many_at_once"
    await house.limiter.settle(paid.hold_id, {})
    await house.spend(1, tier="mini")
    spent = await house.ask(tier="mini")
    assert isinstance(spent, Refused)
    assert spent.code == "model_not_in_tier"


async def test_a_grant_of_tokens_pays_for_whole_requests() -> None:
    """What is left of the tier is not split; the grant is charged what was really used, above it too."""
    house = House()
    house.grant("1k tokens")
    first = await house.ask(tokens=900)
    assert isinstance(first, Held)
    await house.limiter.settle(first.hold_id, {})
    paid = await house.ask(tokens=600)
    assert isinstance(paid, Held)
    assert [charge.key for charge in paid.charges] == ["ana|gpt-4.messages", "ana|at_once", "ana|grant.g1"]
    await house.limiter.settle(paid.hold_id, {"messages": 1, "tokens": 1_200})
    assert await house.left() == {"g1": 0}
    assert (await house.rows())["tokens"].used == 900


async def test_no_grant_pays_for_what_others_share() -> None:
    """Places at once, pools and what everyone may use refuse whatever a user was given."""
    raw = {"plus": {"gpt-4": "unlimited", "pool": {"gpt-4": "1 message / 3h"}}}
    for house in (House(raw), House({"plus": {"gpt-4": "unlimited"}}, everyone={"gpt-4": "1 message / 3h"})):
        house.grant("9 gpt-4 messages")
        await house.spend(1)
        assert isinstance(await house.ask(), Refused)
        assert await house.left() == {"g1": 9}


async def test_an_override_holds_in_place_of_the_line_until_its_time() -> None:
    """It counts on with what was used, and the tier's own line is back at its end."""
    house = House()
    caps = read_override("gpt-4: 3 messages / 3h", house.limiter._tiers())
    house.extras = Extras(overrides=(Override(caps=caps, until_us=START + 2 * HOUR),))
    await house.spend(3)
    rows = await house.rows()
    assert (rows["gpt-4.messages"].cap, rows["gpt-4.messages"].remaining, rows["tokens"].cap) == (3, 0, 1_000)
    assert list(rows) == ["gpt-4.messages", "tokens", "at_once"]
    house.now += 2 * HOUR
    assert (await house.rows())["gpt-4.messages"].cap == 2


async def test_an_override_may_lift_a_cap_or_let_a_model_in() -> None:
    """`unlimited` counts nothing; a line for a model that the tier does not have lets it in."""
    house = House()
    lines = [read_override(text, house.limiter._tiers()) for text in ("at_once: unlimited", "gpt-4: 1 message / 3h")]
    house.extras = Extras(overrides=tuple(Override(caps=caps, until_us=START + HOUR) for caps in lines))
    assert isinstance(await house.ask(tier="mini"), Held)
    assert isinstance(await house.ask("local", tier="mini"), Held)
    assert isinstance(await house.ask(tier="mini"), Refused)


@pytest.mark.parametrize("text", ["gpt-4", "gpt-4: ", "gpt-5: 3 messages / 3h", "gpt-4: 3 / 3h", "extends: plus"])
def test_what_is_no_line_is_no_override(text: str) -> None:
    """Only lines that a tier could have, but for what is no cap."""
    with pytest.raises((LineError, InvalidTiers)):
        read_override(text, House().limiter._tiers())


async def test_a_downgrade_holds_when_the_window_has_rolled() -> None:
    """For one window after the change the higher cap of the tier before stays; then the new one holds."""
    house = House()
    await house.spend(2, tier="pro")
    house.extras = Extras(before=Before(tier="pro", changed_us=house.now))
    rows = await house.rows()
    assert (rows["gpt-4.messages"].cap, rows["tokens"].cap) == (5, 20_000)
    house.now += 3 * HOUR - 1
    assert (await house.rows())["gpt-4.messages"].cap == 5
    house.now += 1
    rows = await house.rows()
    assert (rows["gpt-4.messages"].cap, rows["tokens"].cap) == (2, 20_000)
    house.now += 21 * HOUR
    assert (await house.rows())["tokens"].cap == 1_000


async def test_an_upgrade_holds_at_once() -> None:
    """The higher cap of the new tier is in force from the change on, and what was used stays used."""
    house = House()
    await house.spend(2)
    house.extras = Extras(before=Before(tier="plus", changed_us=house.now))
    row = (await house.rows("pro"))["gpt-4.messages"]
    assert (row.cap, row.used) == (5, 2)


async def test_an_explanation_tells_of_grants() -> None:
    """The verdict is what the limiter does, and a grant shows what was taken of it."""
    house = Told()
    house.grant("1 gpt-4 message")
    assert (await house.why()).verdict == "served"
    await house.spend(2)
    why = await house.why()
    assert (why.verdict, why.dimensions[-1].line.cap.id) == ("served_by_grant", "grant.g1")
    await house.spend(1)
    why = await house.why()
    assert (why.verdict, len(why.dimensions[-1].entries)) == ("served_by_fallback", 1)
    assert (await house.why(tier="mini")).verdict == "model_not_in_tier"


async def test_who_may_be_anybody_is_counted_with_their_network() -> None:
    """Each of them has a cap over time, and all of one network together have it too; places at once are their own."""
    house = House({"free": {"gpt-4": "2 messages / 3h", "at_once": 1}})
    house.extras = Extras(network="203.0.113.0/24")
    first = await house.ask(tier="free", subject="v1")
    assert isinstance(first, Held)
    assert [charge.key for charge in first.charges] == [
        "v1|gpt-4.messages",
        "v1|at_once",
        "network:203.0.113.0/24|network.gpt-4.messages",
    ]
    assert isinstance(await house.ask(tier="free", subject="v2"), Held)
    refused = await house.ask(tier="free", subject="v3")
    assert isinstance(refused, Refused)
    assert refused.limit is not None
    assert (refused.limit.whose, refused.limit.id) == ("network", "network.gpt-4.messages")
    assert "Your network has reached" in message(refused, now=house.now)
    assert list(await house.rows("free")) == ["gpt-4.messages", "at_once"]
    house.extras = Extras(network="198.51.100.0/24")
    assert isinstance(await house.ask(tier="free", subject="v3"), Held)


async def test_a_credential_counts_beside_the_tier() -> None:
    """What is asked with it is charged to both; when it is spent no grant pays and no other model answers."""
    house = House()
    house.grant("9 gpt-4 messages")
    allowance = Allowance(id="ek", messages=1, starts_us=START, ends_us=START + HOUR)
    house.extras = replace(house.extras, credential=allowance)
    held = await house.ask()
    assert isinstance(held, Held)
    assert [charge.key for charge in held.charges][-1] == "ana|credential.ek"
    assert (await house.rows())["credential.ek"].remaining == 0
    for prefer in get_args(WhenCapped):
        spent = await house.ask("gpt-4-mini", prefer=prefer)
        assert isinstance(spent, Refused)
        assert spent.limit is not None
        assert (spent.limit.whose, [option.do for option in spent.options]) == ("credential", ["wait"])
    assert await house.left() == {"g1": 9}
    await house.limiter.release(held.hold_id)
    assert isinstance(await house.ask("gpt-4-mini"), Held)
