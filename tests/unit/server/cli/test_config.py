"""`parley config`: what holds, and what may be written."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

UPSTREAM = "upstreams: { local: { base_url: http://127.0.0.1:9/v1, api_key: ${KEY} } }\n"


def test_check_prints_what_holds_with_secrets_masked(
    parley: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output is a configuration itself, without the secret."""
    monkeypatch.setenv("KEY", "sk-secret")
    (tmp_path / "parley.yaml").write_text(UPSTREAM, encoding="utf-8")
    ran = parley("config", "check")
    assert (ran.code, ran.err) == (0, "")
    assert yaml.safe_load(ran.out)["upstreams"]["local"]["base_url"] == "http://127.0.0.1:9/v1"
    assert "sk-secret" not in ran.out
    assert json.loads(parley("config", "check", "--json").out)["listen"] == "127.0.0.1:8000"


def test_check_warns_of_what_is_disabled(parley: Any, tmp_path: Path) -> None:
    """A warning is no failure, and is kept out of the JSON."""
    (tmp_path / "parley.yaml").write_text(UPSTREAM, encoding="utf-8")
    ran = parley("config", "check")
    assert ran.code == 0
    assert "warning: Upstream local is disabled: KEY is not set." in ran.err
    assert parley("config", "check", "--json").err == ""


def test_the_schema_is_for_a_file_in_which_everything_is_optional(parley: Any) -> None:
    """Editors complete the keys and do not ask for all of them."""
    schema = json.loads(parley("config", "schema").out)
    assert "upstreams" in schema["properties"]
    assert "required" not in schema
    assert schema["additionalProperties"] is False
