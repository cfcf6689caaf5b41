"""Houses for the tests of the whole."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness import House, house


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[House]:
    """A server with the usual test configuration."""
    async with house(tmp_path) as one:
        yield one
