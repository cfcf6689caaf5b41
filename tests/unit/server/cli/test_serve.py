"""What a newcomer is told when the server starts."""

from pathlib import Path

from server.cli.serve import welcome_text
from server.settings import load


def test_the_welcome_has_the_address_and_a_key_ready_to_use() -> None:
    """Every snippet can be pasted as it is; the demonstration model says what it is."""
    text = welcome_text(load(None, {}), "http://127.0.0.1:8123", "sk-1")
    assert "curl http://127.0.0.1:8123/v1/chat/completions" in text
    assert 'base_url="http://127.0.0.1:8123/v1", api_key="sk-1"' in text
    assert '"model": "local"' in text
    assert "small demonstration model" in text


def test_a_real_model_is_not_called_a_demonstration(tmp_path: Path) -> None:
    """The hint goes when the default model is the operator's own."""
    config = tmp_path / "parley.yaml"
    config.write_text("upstreams: { local: { base_url: http://127.0.0.1:9/v1 } }\n", encoding="utf-8")
    assert "demonstration" not in welcome_text(load(config, {}), "http://127.0.0.1:8123", "sk-1")
