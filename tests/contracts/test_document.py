"""What every shared text promises."""

import asyncio

import pytest

from server.adapters.document_sql import SqlDocument
from server.core.ports_operator import Document
from tests.contracts.conftest import Store


@pytest.fixture
def document(store: Store) -> Document:
    return SqlDocument(store.base, "demand")


async def test_it_is_empty_at_first(document: Document) -> None:
    """Nothing was written, and work that makes nothing writes nothing."""
    assert await document.read() is None
    assert await document.change(lambda text: text) is None
    assert await document.read() is None


async def test_what_was_written_last_is_read(document: Document, store: Store) -> None:
    """Any process reads the newest text; another key is another text."""
    assert await document.change(lambda _: "one “ü”") == "one “ü”"
    assert await document.change(lambda text: f"{text}, two") == "one “ü”, two"
    assert await SqlDocument(store.base, "demand").read() == "one “ü”, two"
    assert await SqlDocument(store.base, "other").read() is None


async def test_no_change_is_lost(document: Document) -> None:
    """Changes at the same time follow each other."""
    await document.change(lambda _: "0")
    async with asyncio.TaskGroup() as tasks:
        for _ in range(10):
            tasks.create_task(document.change(lambda text: str(int(text or 0) + 1)))
    assert await document.read() == "10"
