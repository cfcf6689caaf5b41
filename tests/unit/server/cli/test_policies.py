"""Revisions of the policy on the command line."""

import json
from pathlib import Path
from typing import Any

NEW = "tiers: {free: {local: 7 messages / 3h}, gold: {local: unlimited}}\n"


def test_a_policy_is_published_compared_and_rolled_back(parley: Any, tmp_path: Path) -> None:
    """A file becomes a revision that holds; its tiers can be given at once; the one before can hold again."""
    (tmp_path / "new.yaml").write_text(NEW, encoding="utf-8")
    (tmp_path / "other.yaml").write_text(NEW.replace("7", "8"), encoding="utf-8")
    assert "none yet" in parley("caps", "policies").out
    assert parley("caps", "publish", "--policy", "new.yaml").code == 0
    assert parley("caps", "publish", "--policy", "other.yaml").code == 0
    rows = json.loads(parley("caps", "policies", "--json").out)
    assert [(row["revision"], row["labels"], row["origin"], row["by"]) for row in rows] == [
        (2, ["live"], "console", "cli"),
        (1, [], "console", "cli"),
    ]
    assert "-    local: 7 messages / 3h" in parley("caps", "diff", "1", "live").out
    assert "the same" in parley("caps", "diff", "2", "live").out
    assert parley("keys", "create", "--user", "ana", "--tier", "gold").code == 0
    assert "There is no tier silver" in parley("users", "set-tier", "ana", "silver").err
    assert "Policy 1 is live again" in parley("caps", "rollback").err
    assert parley("caps", "rollback").err.endswith("Publish the one that is to hold.\n")
    assert "There are: live, numbers up to 2." in parley("caps", "diff", "live", "9").err


def test_what_cannot_hold_is_not_published(parley: Any, tmp_path: Path) -> None:
    """A contradiction is told with its line, and nothing is stored."""
    (tmp_path / "new.yaml").write_text("tiers:\n  free:\n    local: many\n", encoding="utf-8")
    assert "new.yaml:3" in parley("caps", "publish", "--policy", "new.yaml").err
    assert json.loads(parley("caps", "policies", "--json").out) == []
    assert "There is no policy 3" in parley("caps", "publish", "3").err
    assert "There is no policy draft" in parley("caps", "publish").err
    assert parley("caps", "publish", "1", "--policy", "new.yaml").code == 2
