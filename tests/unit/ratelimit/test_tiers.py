"""The `tiers` section: what it means and what it refuses."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.tiers import Cap, InvalidTiers, TableRow, Tiers, parse_tiers

MODELS = ("gpt-4", "gpt-4-mini", "local")
GROUPS: Mapping[str, Sequence[str]] = {"premium": ["gpt-4"], "standard": ["gpt-4-mini", "local"]}
HOUR = 3_600_000_000
SHIPPED: Mapping[str, object] = {
    "free": {
        "standard": "40 messages / 3h",
        "premium": "5 messages / 24h",
        "when_capped": "use standard",
        "at_once": 1,
    },
    "plus": {
        "gpt-4": "50 messages / 3h",
        "standard": "unlimited",
        "tokens": "2M / 24h",
        "when_capped": "use standard",
        "at_once": 3,
        "priority": 2,
    },
    "pro": {"extends": "plus", "gpt-4": "250 messages / 3h", "tokens": "20M / 24h", "at_once": 8},
}


def read(raw: object, default: str = "free", groups: Mapping[str, Sequence[str]] = GROUPS) -> Tiers:
    """Parse with the models and groups of this module."""
    return parse_tiers(raw, groups=groups, models=MODELS, default_tier=default)


def refused(raw: object, default: str = "free", groups: Mapping[str, Sequence[str]] = GROUPS) -> list[str]:
    """Return the errors as text."""
    with pytest.raises(InvalidTiers) as caught:
        read(raw, default, groups)
    assert all(error.cure for error in caught.value.errors)
    found = [str(error) for error in caught.value.errors]
    assert str(caught.value) == "\n".join(found)
    return found


def test_a_line_becomes_a_cap() -> None:
    """A line on a group is one cap that counts all its aliases together."""
    free = read(SHIPPED).tier("free")
    assert free.caps[0] == Cap(
        id="standard.messages",
        unit="messages",
        amount=40,
        window_us=3 * HOUR,
        scope="standard",
        models=("gpt-4-mini", "local"),
    )
    assert free.caps[2] == Cap(id="at_once", unit="concurrent-requests", amount=1)
    assert (free.when_capped, free.fallback_models, free.priority) == ("use", ("gpt-4-mini", "local"), 1)


def test_extends_inherits_every_line() -> None:
    """A tier that extends another changes the lines it names and keeps the rest, through several tiers."""
    raw = {**SHIPPED, "team": {"extends": "pro", "at_once": 20, "priority": 7}}
    team = read(raw).tier("team")
    assert {cap.id: cap.text for cap in team.caps} == {
        "gpt-4.messages": "250 messages / 3h",
        "standard.messages": "unlimited",
        "tokens": "20M tokens / 24h",
        "at_once": "20 at once",
    }
    assert (team.when_capped, team.fallback, team.priority) == ("use", "standard", 7)
    assert read(raw).tier("pro").priority == 2


def test_every_matching_line_counts() -> None:
    """An alias under several lines must pass all that are finite."""
    tiers = read({"free": {"gpt-4": "5 messages / 3h", "premium": "9 messages / 24h", "tokens": "1k / 1h"}})
    assert [cap.id for cap in tiers.tier("free").caps_on("gpt-4")] == [
        "gpt-4.messages",
        "premium.messages",
        "tokens",
    ]


def test_unlimited_names_without_counting() -> None:
    """An unlimited model is in the tier and has no counter."""
    plus = read(SHIPPED).tier("plus")
    assert plus.has("local")
    assert [cap.id for cap in plus.caps_on("local")] == ["tokens", "at_once"]


def test_a_model_that_no_line_names_is_not_in_the_tier() -> None:
    """Tier-wide lines name no model."""
    tiers = read({"free": {"local": "unlimited", "tokens": "2M / 24h", "at_once": 1}, "plus": {"premium": "unlimited"}})
    assert not tiers.tier("free").has("gpt-4")
    assert tiers.tiers_with("gpt-4") == ("plus",)
    assert tiers.tiers_with("gpt-4-mini") == ()


def test_inherited_caps_can_be_lifted() -> None:
    """`unlimited` replaces an inherited line, tier-wide ones too."""
    raw = {**SHIPPED, "vip": {"extends": "pro", "tokens": "unlimited", "at_once": "unlimited", "gpt-4": "unlimited"}}
    assert read(raw).tier("vip").caps_on("gpt-4") == ()


def test_an_unknown_tier_stands_for_the_default() -> None:
    """A user whose tier is gone has the default tier."""
    assert read(SHIPPED).tier("gone").name == "free"


def test_higher_is_the_first_tier_with_more() -> None:
    """The first tier in which every line on the model allows more than the cap that was reached is the one."""
    tiers = read(SHIPPED)
    premium = tiers.tier("free").caps[1]
    assert tiers.higher("gpt-4", premium, than="free") == "plus"
    assert tiers.higher("gpt-4", tiers.tier("plus").caps[0], than="plus") == "pro"
    assert tiers.higher("gpt-4", tiers.tier("pro").caps[0], than="pro") is None
    assert tiers.higher("local", tiers.tier("free").caps[0], than="free") == "plus"


def test_higher_compares_windows_too() -> None:
    """More messages in a much longer window is not more."""
    tiers = read({"free": {"local": "5 messages / 1h"}, "plus": {"local": "50 messages / 24h"}})
    assert tiers.higher("local", tiers.tier("free").caps[0], than="free") is None


def test_higher_gives_no_fewer_messages() -> None:
    """A tier that has no token cap but fewer messages is no way out of a token cap."""
    tiers = read(SHIPPED)
    tokens = next(cap for cap in tiers.tier("plus").caps if cap.unit == "tokens")
    assert tiers.higher("gpt-4", tokens, than="plus") == "pro"


def test_the_table_has_the_effective_lines() -> None:
    """The table shows inherited lines with what happens when they are reached."""
    rows = [row for row in read(SHIPPED).table() if row.tier == "pro"]
    assert rows[0] == TableRow(
        tier="pro",
        id="gpt-4.messages",
        cap="250 messages / 3h",
        models=("gpt-4",),
        when_capped="use standard",
    )
    assert [(row.id, row.when_capped) for row in rows[2:]] == [("tokens", "refuse"), ("at_once", "refuse")]
    assert read({"free": {"local": "1 message / 1h", "when_capped": "wait"}}).table()[0].when_capped == "wait"


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (None, "tiers: is not a list of named tiers"),
        ({}, "tiers: is not a list of named tiers"),
        ({"free": 3}, "tiers.free: is not a list of lines"),
        ({"free er": {}}, "tiers.free er: cannot name a tier"),
        ({"free": {"gpt4": "unlimited"}}, "tiers.free.gpt4: unknown model or group `gpt4`; did you mean `gpt-4`?"),
        ({"free": {"at_ones": 3}}, "tiers.free.at_ones: unknown model or group `at_ones`; did you mean `at_once`?"),
        ({"free": {"gpt-4": "50 / 3h"}}, "tiers.free.gpt-4: does not say what it counts"),
        ({"free": {"gpt-4": []}}, "tiers.free.gpt-4: `` is not a cap"),
        ({"free": {"gpt-4": ["5 messages / 3h", "parrots"]}}, "tiers.free.gpt-4: `parrots` is not a cap"),
        ({"free": {"gpt-4": ["5 messages / 3h", "unlimited"]}}, "tiers.free.gpt-4: is unlimited and capped at once"),
        ({"free": {"tokens": ["5k / 3h", "9k tokens / 3h"]}}, "tiers.free.tokens: caps one unit twice in one window"),
        ({"free": {"gpt-4": "fifty"}}, "tiers.free.gpt-4: `fifty` is not a cap"),
        ({"free": {"gpt-4": {"cap": 5}}}, "tiers.free.gpt-4: `` is not a cap"),
        ({"free": {"gpt-4": "5 messages / 3y"}}, "tiers.free.gpt-4: `3y` is not a rolling window"),
        ({"free": {"tokens": "5 messages / 3h"}}, "tiers.free.tokens: counts tokens"),
        ({"free": {"at_once": 0}}, "tiers.free.at_once: `0` is not a whole number above 0"),
        ({"free": {"at_once": True}}, "tiers.free.at_once: `True` is not a whole number above 0"),
        ({"free": {"priority": "high"}}, "tiers.free.priority: `high` is not a whole number above 0"),
        ({"free": {"adaptive": "never"}}, "tiers.free.adaptive: `adaptive` is not enforced yet"),
        ({"free": {"cost": "5 / month"}}, "tiers.free.cost: counts cost, not plain units; write `cost: $5 / month`"),
        ({"free": {"cost": "5 messages / 3h"}}, "tiers.free.cost: counts cost, not messages"),
        ({"free": {"tokens": "$5 / 3h"}}, "tiers.free.tokens: counts tokens, not cost"),
        ({"free": {"images": "5 tokens / 24h"}}, "tiers.free.images: counts images, not tokens"),
        ({"free": {"local": "unlimited", "cost": "$5 / month"}}, "tiers.free.cost: counts the cost of `local`, whose"),
        ({"free": {"standard": "$5 / 3h"}}, "tiers.free.standard: counts the cost of `gpt-4-mini`, `local`, whose"),
        ({"free": {"pool": 5}}, "tiers.free.pool: is not a list of lines"),
        ({"free": {"pool": {"gpt-5": "unlimited"}}}, "tiers.free.pool.gpt-5: unknown model or group `gpt-5`"),
        ({"free": {"pool": {"pool": {}}}}, "tiers.free.pool.pool: `pool` has no meaning here"),
        ({"free": {"pool": {"cost": "$5 / month"}, "local": "unlimited"}}, "tiers.free.pool.cost: counts the cost"),
        (
            {"free": {"tokens": "5k / 3h", "each_member": {"tokens": "2k / 3h"}}},
            "tiers.free.each_member.tokens: `tokens` stands in the tier too",
        ),
        ({"free": {"extends": "pluss"}, "plus": {}}, "tiers.free.extends: unknown tier `pluss`; did you mean `plus`?"),
        ({"free": {"extends": "free"}}, "tiers.free.extends: goes round: free -> free"),
        ({"free": {"when_capped": "use the force"}}, "tiers.free.when_capped: `use the force` is not a choice"),
        ({"free": {"when_capped": "use standart"}}, "tiers.free.when_capped: unknown model or group `standart`"),
        (
            {"free": {"gpt-4": "5 messages / 3h", "when_capped": "use standard"}},
            "tiers.free.when_capped: `standard` is not in this tier; add a line such as `standard: unlimited`",
        ),
        (
            {"free": {"gpt-4": "5 messages / 3h", "when_capped": "use gpt-4"}},
            "tiers.free.when_capped: `gpt-4` is what is capped: the fallback leads back to itself",
        ),
        ({"plus": {}}, "default_tier: there is no tier `free`"),
    ],
)
def test_contradictions_are_refused(raw: object, error: str) -> None:
    """Each contradiction is one error that says where it stands and the way out."""
    found = refused(raw)
    assert len(found) == 1
    assert found[0].startswith(error)


def test_a_circle_of_tiers_is_told_for_each_of_them() -> None:
    """Tiers that extend each other are refused; a tier that only leads into the circle adds no error."""
    raw = {"free": {"extends": "plus"}, "plus": {"extends": "pro"}, "pro": {"extends": "plus"}}
    assert [error.split(";")[0] for error in refused(raw)] == [
        "tiers.plus.extends: goes round: plus -> pro -> plus",
        "tiers.pro.extends: goes round: pro -> plus -> pro",
    ]


def test_all_errors_are_told_at_once() -> None:
    """An operator sees everything that is wrong in one go."""
    raw = {"free": {"gpt-5": "unlimited", "local": "many"}, "plus": {"at_once": -1, "adaptive": "never"}}
    assert [error.split(":")[0] for error in refused(raw)] == [
        "tiers.free.gpt-5",
        "tiers.free.local",
        "tiers.plus.at_once",
        "tiers.plus.adaptive",
    ]


@pytest.mark.parametrize(
    ("groups", "error"),
    [
        ({"premium": ["gpt-5"]}, "groups.premium: unknown model `gpt-5`; did you mean `gpt-4`?"),
        ({"local": ["gpt-4"]}, "groups.local: is also the name of a model"),
        ({"tokens": ["gpt-4"]}, "groups.tokens: is a word of the tier language"),
        ({"the best": ["gpt-4"]}, "groups.the best: cannot name a cap"),
        ({"a|b": ["gpt-4"]}, "groups.a|b: cannot name a cap"),
    ],
)
def test_groups_that_cannot_be_are_refused(groups: Mapping[str, Sequence[str]], error: str) -> None:
    """A group has a name of its own, which can stand in headers, and known models."""
    assert refused({"free": {"local": "unlimited"}}, groups=groups)[0].startswith(error)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["unlimited", "use local"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["free", "local", "tokens", "at_once", "extends", "when_capped", "priority"])
                | st.text(),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_value_is_read_or_refused(raw: object) -> None:
    """Whatever a file holds gives tiers or `InvalidTiers`."""
    with suppress(InvalidTiers):
        assert read(raw).tier("free").name == "free"


def test_a_model_has_caps_side_by_side() -> None:
    """A list caps messages and tokens, each in several windows; the shortest of a unit has the plain id."""
    lines = ["200 messages / 7d", "50 messages / 3h", "500k tokens / 24h"]
    tier = read({"free": {"premium": lines, "tokens": ["2M / 24h", "100k / 1h"]}}).tier("free")
    assert [(cap.id, cap.text, cap.scope) for cap in tier.caps] == [
        ("premium.messages.7d", "200 messages / 7d", "premium"),
        ("premium.messages", "50 messages / 3h", "premium"),
        ("premium.tokens", "500k tokens / 24h", "premium"),
        ("tokens.24h", "2M tokens / 24h", None),
        ("tokens", "100k tokens / 1h", None),
    ]
    assert tier.caps_on("gpt-4") == tier.caps
    other_order = read({"free": {"premium": lines[::-1]}}).tier("free")
    assert {cap.id for cap in other_order.caps} == {"premium.messages.7d", "premium.messages", "premium.tokens"}


def test_a_line_of_tokens_names_its_model() -> None:
    """A model that is capped by tokens alone is in the tier."""
    tiers = read({"free": {"local": "5k tokens / 1h"}})
    assert tiers.tier("free").has("local")
    assert not tiers.tier("free").has("gpt-4")


def test_a_list_replaces_what_is_inherited() -> None:
    """Lines of a model in a child replace all those of the parent."""
    raw = {
        "free": {"gpt-4": ["5 messages / 3h", "9k tokens / 24h"]},
        "plus": {"extends": "free", "gpt-4": "50 messages / 3h"},
    }
    assert [cap.id for cap in read(raw).tier("plus").caps] == ["gpt-4.messages"]


def test_a_pool_counts_its_members_together() -> None:
    """Lines of a pool and of each member are caps of one tier; those of a pool say whose they are."""
    tier = parse_tiers(
        {
            "enterprise": {
                "gpt-4": "unlimited",
                "pool": {"cost": "$2000 / month", "gpt-4": "9k messages / 24h"},
                "each_member": {"cost": "$150 / month"},
            },
            "larger": {"extends": "enterprise", "pool": {"cost": "$5000 / month"}},
        },
        groups={},
        models=["gpt-4"],
        default_tier="enterprise",
        priced=["gpt-4"],
    )
    assert [(cap.id, cap.whose, cap.text) for cap in tier.tier("enterprise").caps if cap.amount] == [
        ("pool.cost", "pool", "$2000 / fixed monthly at 00:00 UTC"),
        ("pool.gpt-4.messages", "pool", "9k messages / 24h"),
        ("cost", "user", "$150 / fixed monthly at 00:00 UTC"),
    ]
    assert [cap.text for cap in tier.tier("larger").caps if cap.id == "pool.cost"] == [
        "$5000 / fixed monthly at 00:00 UTC"
    ]
    assert tier.tier("larger").caps_on("gpt-4")[1:] == tier.tier("enterprise").caps_on("gpt-4")[1:]


def test_everyone_is_capped_together() -> None:
    """Lines for everyone hold in every tier, stand once in the table, and put no model into a tier."""
    tiers = parse_tiers(
        {"free": {"local": "unlimited"}, "plus": {"local": "unlimited"}},
        groups={},
        models=["gpt-4", "local"],
        default_tier="free",
        everyone={"gpt-4": "1k messages / 1h", "at_once": 40},
    )
    assert [cap.id for cap in tiers.tier("plus").caps_on("local")] == ["everyone.at_once"]
    assert not tiers.tier("plus").has("gpt-4")
    assert [(row.tier, row.id) for row in tiers.table()] == [
        ("free", "local.messages"),
        ("plus", "local.messages"),
        ("everyone", "everyone.gpt-4.messages"),
        ("everyone", "everyone.at_once"),
    ]


def test_what_everyone_may_use_is_checked_like_a_tier() -> None:
    """A line for everyone that cannot be enforced is refused where it stands."""
    with pytest.raises(InvalidTiers) as caught:
        parse_tiers(
            {"free": {"local": "unlimited"}},
            groups={},
            models=["local"],
            default_tier="free",
            everyone={"cost": "$5 / day", "extends": "free"},
        )
    assert [error.path for error in caught.value.errors] == [
        ("caps", "everyone", "extends"),
        ("caps", "everyone", "cost"),
    ]
