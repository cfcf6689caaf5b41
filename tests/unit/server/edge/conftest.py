"""What sockets are tested with."""

import pytest

from tests.unit.server.edge import doors


@pytest.fixture(params=[False, True], ids=["messages", "wire"])
def way_out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test over ASGI's messages and over a wire that takes encoded frames: clients see the same."""
    monkeypatch.setattr(doors, "ENCODED", request.param)
