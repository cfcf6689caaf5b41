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
