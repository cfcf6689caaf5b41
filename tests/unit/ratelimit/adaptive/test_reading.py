"""The words of the `adaptive` section."""

from typing import Any

import pytest

from ratelimit import InvalidTiers, parse_tiers
from ratelimit.adaptive import Bounds, Rule, Share, parse_adaptive

GROUPS = {"premium": ["gpt-4", "gpt-5"]}
TIERS = parse_tiers(
    {
        "free": {"premium": "5 messages / 24h"},
        "plus": {"gpt-4": "50 messages / 3h", "gpt-5": "unlimited", "priority": 2},
    },
    groups=GROUPS,
    models=["gpt-4", "gpt-5", "other"],
    default_tier="free",
)


def read(body: Any, name: str = "premium") -> Rule:
    """Return the rule that is written under one name."""
    return parse_adaptive({name: body}, groups=GROUPS, tiers=TIERS)[0]


def test_every_word() -> None:
    """A rule says what is watched, who gives way, and how far and how fast caps move."""
    assert read(
        {
            "watch": ["upstream_429"],
            "at_once": {"least": 5, "start": 50, "most": 200},
            "give_way": {"free": "70%"},
            "keep": {"free": "10%", "plus": "30%"},
            "never_below": {"plus": "60%", "free": "20%"},
            "change": {"at_most": "20% / 10m", "recover_after": "1h"},
            "announce": False,
            "shadow": True,
        }
    ) == Rule(
        name="premium",
        models=("gpt-4", "gpt-5"),
        tiers=("free", "plus"),
        floors={"free": 20, "plus": 60},
        shares={"free": Share(stops_at=70, keeps=10), "plus": Share(keeps=30)},
        watch=frozenset({"upstream_429"}),
        at_once=Bounds(least=5, start=50, most=200),
        step=20,
        every_us=600_000_000,
        recover_us=3_600_000_000,
        announce=False,
        shadow=True,
    )


def test_nothing_is_changed_that_is_not_named() -> None:
    """Without floors no cap moves, and without bounds everybody is let in."""
    rule = read({})
    assert (rule.tiers, rule.at_once, rule.announce, rule.shadow) == ((), None, True, False)
    assert read({"at_once": {"most": 8}}, "gpt-4").at_once == Bounds(least=1, start=8, most=8)


@pytest.mark.parametrize(
    ("raw", "where", "says"),
    [
        ([], "adaptive", "is not a list of groups or models"),
        ({"other": {}}, "adaptive.other", "`other` is not a model of any tier"),
        ({"premium": 3}, "adaptive.premium", "is not a list of lines"),
        ({"premium": {}, "gpt-4": {}}, "adaptive.gpt-4", "`gpt-4` is watched by `premium` already"),
        ({"premium": {"wach": []}}, "adaptive.premium.wach", "is not known here"),
        ({"premium": {"watch": ["rain"]}}, "adaptive.premium.watch", "is not a list of signals"),
        ({"premium": {"at_once": {"least": 9, "most": 5}}}, "adaptive.premium.at_once", "goes the wrong way"),
        ({"premium": {"at_once": {"most": "many"}}}, "adaptive.premium.at_once", "is not a range"),
        ({"premium": {"at_once": 5}}, "adaptive.premium.at_once", "is not a range"),
        ({"premium": {"keep": {"free": "10%"}}}, "adaptive.premium", "shares what has no bounds"),
        (
            {"premium": {"at_once": {"most": 9}, "keep": {"free": "60%", "plus": "41%"}}},
            "adaptive.premium.keep",
            "keeps more than there is",
        ),
        (
            {"premium": {"at_once": {"most": 9}, "keep": {"free": "60%"}, "give_way": {"free": "50%"}}},
            "adaptive.premium.keep.free",
            "is more than the share at which it gives way",
        ),
        ({"premium": {"never_below": {"pro": "1%"}}}, "adaptive.premium.never_below.pro", "there is no tier `pro`"),
        ({"premium": {"never_below": {"free": "101%"}}}, "adaptive.premium.never_below.free", "is not a share"),
        ({"premium": {"never_below": 20}}, "adaptive.premium.never_below", "is not a share for each tier"),
        ({"premium": {"change": {"at_most": "60% / 15m"}}}, "adaptive.premium.change", "is not a step"),
        ({"premium": {"change": {"recover_after": "soon"}}}, "adaptive.premium.change", "is not a rolling window"),
        (
            {"premium": {"change": {"recover_after": "1m"}}},
            "adaptive.premium.change",
            "is faster than caps are thought",
        ),
        ({"premium": {"change": "slow"}}, "adaptive.premium.change", "is not a pace"),
        ({"premium": {"announce": "yes"}}, "adaptive.premium.announce", "is not a choice"),
    ],
)
def test_what_cannot_be_meant_is_refused(raw: Any, where: str, says: str) -> None:
    """Every contradiction is refused where it stands, with a way out."""
    with pytest.raises(InvalidTiers) as invalid:
        parse_adaptive(raw, groups=GROUPS, tiers=TIERS)
    found = [error for error in invalid.value.errors if ".".join(error.path) == where]
    assert found
    assert says in found[0].message
    assert found[0].cure
