"""Values that a deployment makes once."""

import asyncio
from pathlib import Path

from server.adapters import database
from server.adapters.meta_sql import kept


async def test_a_value_is_made_once(tmp_path: Path) -> None:
    """All who ask, at once or later, get what the first one made; other keys have other values."""
    path = tmp_path / database.FILE
    database.migrate(path)
    made = [bytes([n]) for n in range(1, 9)]
    async with database.opened(path) as engine:
        asked = [kept(engine, "signing_secret", lambda value=value: value) for value in made]  # type: ignore[misc]
        got = set(await asyncio.gather(*asked))
        assert len(got) == 1
        assert got <= set(made)
        assert await kept(engine, "signing_secret", lambda: b"later") in got
        assert await kept(engine, "other", lambda: b"other") == b"other"
