"""`/v1/usage`."""

from server.edge.shapes.ours import Usage
from tests.unit.server.edge.browser import visiting
from tests.unit.server.edge.doors import World


def test_usage() -> None:
    """The report of the caps is the body, in the shape that is described."""
    with visiting(World()) as client:
        assert Usage.model_validate(client.get("/v1/usage").json()).tier == "plus"
