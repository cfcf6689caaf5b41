"""`parley caps check`: what each tier comes to."""

import json
from pathlib import Path
from typing import Any


def test_the_effective_caps_of_every_tier_are_shown(parley: Any, tmp_path: Path) -> None:
    """What a tier inherits is in its rows."""
    text = "tiers: {free: {local: 5 messages / 3h, at_once: 2}, more: {extends: free, at_once: 4}}\n"
    (tmp_path / "parley.yaml").write_text(text, encoding="utf-8")
    ran = parley("caps", "check", "--json")
    assert ran.err == ""
    assert [(row["tier"], row["id"], row["cap"]) for row in json.loads(ran.out)] == [
        ("free", "local.messages", "5 messages / 3h"),
        ("free", "at_once", "2 at once"),
        ("more", "local.messages", "5 messages / 3h"),
        ("more", "at_once", "4 at once"),
    ]
    assert "5 messages / 3h" in parley("caps", "check").out


ADAPTIVE = """
tiers: {free: {local: 10 messages / 3h}, plus: {local: 20 messages / 3h, priority: 2}}
adaptive: {local: {never_below: {free: 20%, plus: 60%}}}
"""


def test_caps_are_fixed_by_hand(parley: Any, tmp_path: Path) -> None:
    """A pin is shown until it is taken away; one without tiers fixes all as they are."""
    (tmp_path / "parley.yaml").write_text(ADAPTIVE, encoding="utf-8")
    assert parley("caps", "pin", "local", "free=50%", "--reason", "launch").code == 0
    rows = json.loads(parley("caps", "adaptive", "--json").out)
    assert [(row["tier"], row["percent"], row["pinned"]) for row in rows] == [("free", 50, True), ("plus", 100, False)]
    assert parley("caps", "pin", "local").code == 0
    rows = json.loads(parley("caps", "adaptive", "--json").out)
    assert [(row["percent"], row["pinned"]) for row in rows] == [(50, True), (100, True)]
    assert parley("caps", "unpin", "local").code == 0
    assert "not fixed" in parley("caps", "unpin", "local").err


def test_pins_that_cannot_be_are_refused(parley: Any, tmp_path: Path) -> None:
    """What is no part, under the floor or of an unknown rule is refused with the way out."""
    (tmp_path / "parley.yaml").write_text(ADAPTIVE, encoding="utf-8")
    assert "Write TIER=50%" in parley("caps", "pin", "local", "free:50").err
    assert "free from 20% to 100%" in parley("caps", "pin", "local", "free=10%").err
    assert "There are: local" in parley("caps", "pin", "premium").err


def test_without_rules_nothing_moves(parley: Any) -> None:
    """Where the configuration has no `adaptive`, the command says so."""
    assert "`adaptive` in the configuration is empty" in parley("caps", "adaptive").out


def test_another_policy_is_replayed(parley: Any, tmp_path: Path) -> None:
    """Without use there is nothing to meet; a policy may leave out what stays as it is."""
    (tmp_path / "new.yaml").write_text("tiers: {free: {local: 1 message / 3h}}\n", encoding="utf-8")
    found = json.loads(parley("caps", "simulate", "--policy", "new.yaml", "--json").out)
    assert (found["requests"], found["users"]) == (0, [])
    assert "Nobody would have met a cap." in parley("caps", "simulate", "--policy", "new.yaml", "--since", "1d").out


def test_a_policy_that_contradicts_itself_is_refused_with_its_line(parley: Any, tmp_path: Path) -> None:
    """Each mistake is told with its line and the way out."""
    text = "default_tier: free\ntiers:\n  free:\n    local: 5 messages / 3h\n    gpt-9: unlimited\n"
    (tmp_path / "new.yaml").write_text(text, encoding="utf-8")
    ran = parley("caps", "simulate", "--policy", "new.yaml")
    assert ran.code == 1
    assert "new.yaml:5" in ran.err
    assert "unknown model or group `gpt-9`" in ran.err
    assert "cannot be read" in parley("caps", "simulate", "--policy", "none.yaml").err
