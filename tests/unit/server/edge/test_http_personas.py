"""`/v1/personas`."""

from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World


def test_personas() -> None:
    """A persona shows what users may know of it."""
    with visiting(World()) as client:
        persona = client.get("/v1/personas").json()["data"][0]
        assert persona == client.get("/v1/personas/tutor").json()
        assert (persona["id"], persona["revision"], persona["title"]) == ("tutor", 3, "Tutor")
        assert persona["greetings"] == ["Hello."]
        assert persona["dials"] == {"pace": {"choices": ["slow", "fast"], "default": "slow"}}
        assert error_of(client.get("/v1/personas/nope")) == (404, "persona_not_found")
