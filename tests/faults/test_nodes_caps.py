"""Two nodes under mixed traffic, one of them killed: caps hold in every true window, and the ledger is the stored text.

A short run with a seed by default; with `PARLEY_FAULTS=full` a hundred users for five minutes.
"""

import asyncio
import json
import os
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.adapters.tokens_tiktoken import TiktokenTokens
from tests.asking import ENDS, used
from tests.nodes import LEASE, Node, Nodes, nodes

pytestmark = pytest.mark.services
FULL = os.environ.get("PARLEY_FAULTS") == "full"
USERS, SECONDS = (100, 300) if FULL else (12, 16)
SEED = 7
CAP, WINDOW = 3, 20
TEXT = " ".join(["one two three four five six seven eight nine ten"] * 3)
"""What the model says: each word is a token, to the provider and in our table. A kill may leave a part of one, which
our table may count as more than one."""
TABLE = TiktokenTokens()
CHANGES: dict[str, Any] = {
    "models": {
        "going": {"upstream": "mock", "id": f"d20-say-{TEXT.replace(' ', '-')}", "context": 8000, "prefill": True},
        "breaking": {"upstream": "mock", "id": f"d20-say-{TEXT.replace(' ', '-')}", "context": 8000},
        "failing": {"upstream": "mock", "id": "err500", "context": 8000},
    },
    "default_model": "going",
    "groups": {"all": ["going", "breaking", "failing"]},
    "tiers": {"capped": {"all": f"{CAP} messages / {WINDOW}s", "tokens": "9M / 24h", "at_once": 3}},
    "default_tier": "capped",
}
HOLDS = """
    SELECT users.name, holds.at_us, usage.charged, usage.input_tokens, usage.output_tokens, usage.status, usage.turn_id
    FROM usage JOIN holds USING (hold_id) JOIN users ON users.id = usage.user_id"""
REPLIES = "SELECT turn_id, parts FROM messages WHERE role = 'assistant'"


class User:
    """Somebody who asks, stops, leaves and comes back, on either node, until it is over."""

    def __init__(self, house: Nodes, name: str, key: str, over: asyncio.Event) -> None:
        self.name, self.key = name, key
        self._house, self._over = house, over
        self._random = random.Random(f"{SEED} {name}")  # noqa: S311  # traffic, not secrets
        self.seen: Counter[str] = Counter()

    async def run(self) -> None:
        """Ask until it is over."""
        number = 0
        while not self._over.is_set():
            number += 1
            what = self._random.choice(["follow", "follow", "stop", "leave", "twice"])
            model = self._random.choice(["going", "going", "breaking", "failing"])
            body = {"model": model, "input": "hi", "stream": True, "client_request_id": f"{self.name}-{number}"}
            first = self._random.randrange(2)
            await self._asked(self._house[first], body, what)
            if what == "twice":
                await self._asked(self._house[1 - first], body, "follow")
            await asyncio.sleep(self._random.uniform(0, 0.4))

    async def _asked(self, node: Node, body: dict[str, Any], what: str) -> None:
        """Ask a node; of one that is gone nothing is expected."""
        try:
            async with node.http(self.key) as http, http.stream("POST", "/v1/responses", json=body) as answer:
                if answer.status_code != httpx.codes.OK:
                    self.seen[json.loads(await answer.aread())["error"]["code"]] += 1
                    return
                await self._read(http, answer, what)
        except httpx.HTTPError:
            self.seen["broken off"] += 1

    async def _read(self, http: httpx.AsyncClient, answer: httpx.Response, what: str) -> None:
        response_id = ""
        async for line in answer.aiter_lines():
            frame: dict[str, Any] = json.loads(line[6:]) if line.startswith("data: ") else {"type": ""}
            if frame["type"] == "response.created":
                response_id = frame["response"]["id"]
            if frame["type"] == "response.output_text.delta" and what == "leave":
                self.seen["left"] += 1
                return
            if frame["type"] == "response.output_text.delta" and what == "stop":
                await http.post(f"/v1/responses/{response_id}/cancel")
            if frame["type"] in ENDS:
                self.seen[frame["response"]["status"]] += 1


async def test_caps_hold_while_a_node_is_killed(tmp_path: Path) -> None:
    """No user is over the cap in any true window, nothing stays held, and the stored text is what is charged."""
    async with nodes(tmp_path, changes=CHANGES) as house:
        over = asyncio.Event()
        names = [f"user{number}" for number in range(USERS)]
        users = [User(house, name, await house.key(name, "capped"), over) for name in names]
        async with asyncio.TaskGroup() as traffic:
            for user in users:
                traffic.create_task(user.run())
            await asyncio.sleep(SECONDS / 2)
            await house[0].kill()
            await asyncio.sleep(2 * LEASE)
            await house[0].start()
            await asyncio.sleep(SECONDS / 2)
            over.set()
        await house.ended(60)

        rows = await house.rows(HOLDS)
        replies = {row["turn_id"]: text_of(row["parts"]) for row in await house.rows(REPLIES)}
        tokens: Counter[str] = Counter()
        admitted: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            charged = json.loads(row["charged"])
            tokens[row["name"]] += charged.get("tokens", 0)
            admitted[row["name"]] += [row["at_us"]] * charged.get("messages", 0)
            assert row["output_tokens"] == tokens_of(replies.get(row["turn_id"], "")), row
            assert charged.get("tokens", 0) in {0, row["input_tokens"] + row["output_tokens"]}, row
        assert {name: most(times) for name, times in admitted.items() if most(times) > CAP} == {}
        assert max(map(most, admitted.values())) == CAP
        for user in users:
            limits = await used(house[1], user.key)
            assert (limits["tokens"], limits["concurrent-requests"]) == (tokens[user.name], 0), user.name

        stored = sum(map(tokens_of, replies.values()))
        assert house.provider.produced >= stored
        seen = sum((user.seen for user in users), Counter())
        print(f"{len(rows)} turns of {USERS} users, {dict(seen)}")
        print(
            f"{stored} tokens stored; the provider wrote {house.provider.produced - stored} more, "
            f"in {house.provider.aborted} answers that were left"
        )
        assert {"completed", "cancelled", "usage_cap_reached", "left", "broken off"} <= set(seen)


def text_of(parts: str) -> str:
    """Return the text of a stored message."""
    return "".join(part.get("text", "") for part in json.loads(parts))


def tokens_of(text: str) -> int:
    """Return the tokens of a text by the models' table."""
    return TABLE.count(text, "o200k_base")


def most(times: list[int]) -> int:
    """Return the most of these times, in microseconds, that any window holds."""
    return max((sum(end - WINDOW * 1_000_000 < time <= end for time in times) for end in times), default=0)
