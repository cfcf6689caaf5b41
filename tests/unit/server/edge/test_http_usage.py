"""`/v1/usage`."""

from tests.unit.server.edge.browser import visiting
from tests.unit.server.edge.doors import World


def test_usage() -> None:
    """The report of the caps is the body."""
    with visiting(World()) as client:
        assert client.get("/v1/usage").json() == {"tier": "plus", "limits": []}
