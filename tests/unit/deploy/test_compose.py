"""The deployment with containers, as far as it can be checked without an engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.settings import load
from server.settings.values import parse_duration

DEPLOY = Path(__file__).parents[3] / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")


@pytest.fixture
def services() -> dict[str, Any]:
    """The services, as an engine reads them when the password is set."""
    text = re.sub(r"\$\{POSTGRES_PASSWORD:\?[^}]*\}", "s3cret", TEXT)
    assert "${" not in text
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


def nodes(services: dict[str, Any]) -> list[dict[str, Any]]:
    return [service for name, service in services.items() if name.startswith("parley-")]


def test_two_nodes_share_what_is_started_beside_them(services: dict[str, Any]) -> None:
    """Each node's environment is a valid configuration, whose hosts are services that it waits for."""
    assert len(nodes(services)) == 2
    for node in nodes(services):
        settings = load(None, node["environment"])
        assert settings.database == "postgresql://parley:s3cret@postgres:5432/parley"
        assert settings.cluster == "valkey://valkey:6379/0"
        waits = {name for name, how in node["depends_on"].items() if how["condition"] == "service_healthy"}
        assert waits == {"postgres", "valkey"}
        assert all("healthcheck" in services[name] for name in waits)
        assert (DEPLOY / node["build"] / "Dockerfile").is_file()


def test_a_node_is_given_time_to_hand_over(services: dict[str, Any]) -> None:
    """Nobody kills it before its drain is over."""
    drain = load(None, {}).turns.drain
    assert all(parse_duration(node["stop_grace_period"]) > drain for node in nodes(services))


def test_only_the_proxy_is_reached_from_outside(services: dict[str, Any]) -> None:
    """Nodes, database and Valkey publish no port; the proxy sends to every node and asks whether it is ready."""
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    proxied = yaml.safe_load(TEXT)["configs"]["caddyfile"]["content"]
    assert all(f"{name}:8000" in proxied for name in services if name.startswith("parley-"))
    assert "health_uri /readyz" in proxied


def test_no_secret_is_written_down(services: dict[str, Any]) -> None:
    """The password comes from the environment, and without one nothing starts."""
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == "s3cret"
    assert not re.search(r"PASSWORD: +[^$]|://\w+:[^$@/]+@", TEXT)


def test_valkey_forgets_no_cap(services: dict[str, Any]) -> None:
    """Its keys are not evicted."""
    command = services["valkey"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
