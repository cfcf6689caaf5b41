"""How soon two nodes answer by what was published: `python -m bench.publishing [ROUNDS]`, wall time.

Two servers as processes, on one PostgreSQL and one Valkey. A revision is published by the API of the first node, or a
file changes that both read; the clock stops when a node's `/v1/personas` tells the new revision. It is asked every
5 ms, which is part of what is measured. Rounds begin at different moments of the half second between two looks.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from server.core.records import Role
from tests.nodes import nodes

NAME = "pilot"
ASKED_EVERY = 0.005


def persona(body: str) -> str:
    return f"---\nspec: persona/1\nname: {NAME}\nsummary: Flies.\n---\n\n{body}\n"


async def seen(http: httpx.AsyncClient, number: int, began: float) -> float:
    """Return the seconds since `began` when this node answers by revision `number`."""
    while (await http.get(f"/v1/personas/{NAME}")).json()["revision"] != number:  # noqa: ASYNC110
        await asyncio.sleep(ASKED_EVERY)
    return time.perf_counter() - began


async def rounds(
    count: int, both: tuple[httpx.AsyncClient, ...], change: Callable[[int], Awaitable[int]]
) -> tuple[list[float], list[float]]:
    """Return how long each node took in each round; `change` makes the change and returns the revision."""
    first, second = [], []
    for index in range(count):
        await asyncio.sleep(0.3 + 0.05 * (index % 10))
        began = time.perf_counter()
        number = await change(index)
        one, other = await asyncio.gather(*(seen(http, number, began) for http in both))
        first.append(one)
        second.append(other)
    return first, second


def shown(what: str, took: tuple[list[float], list[float]]) -> None:
    for node, seconds in zip(("first node", "second node"), took, strict=True):
        milliseconds = sorted(second * 1e3 for second in seconds)
        print(f"{what}, {node:<11}  median {statistics.median(milliseconds):5.0f} ms  most {milliseconds[-1]:5.0f} ms")


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = folder / "mine" / f"{NAME}.md"
        file.parent.mkdir()
        file.write_text(persona("As it began."), encoding="utf-8")
        async with nodes(folder, 2, {"personas": [str(file.parent)]}) as house:
            key = await house.key(role=Role.OPERATOR)
            async with house[0].http(key) as one, house[1].http(key) as other:

                async def by_file(index: int) -> int:
                    newest = (await one.get(f"/admin/personas/{NAME}/revisions")).json()["data"][0]["revision"]
                    file.write_text(persona(f"By a file, {index}."), encoding="utf-8")
                    return int(newest) + 1

                shown("file changed", await rounds(count, (one, other), by_file))

                async def by_api(index: int) -> int:
                    body = {"source": persona(f"By the API, {index}.")}
                    number = (await one.post(f"/admin/personas/{NAME}/revisions", json=body)).json()["revision"]
                    await one.post(f"/admin/personas/{NAME}/publish", json={"revision": number})
                    return int(number)

                shown("drafted and published", await rounds(count, (one, other), by_api))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
