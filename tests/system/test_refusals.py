"""What clients are refused, through the doors of one house, and that operators see it counted."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from server.adapters import database
from server.adapters.accounts_sql import SqlAccounts
from server.adapters.clock_system import SystemClock
from server.adapters.ids_system import SystemIds, new_secret
from server.core.errors import CLOSE_SUSPENDED, CLOSE_TOO_LARGE
from server.core.lanes import MOST_NAMED
from server.core.records import Role
from server.edge.sockets import MOST_PER_USER
from tests.harness import House, house

PERSONA = "---\nspec: persona/1\nname: {name}\nsummary: For a test.\n{more}\n---\n\nYou help.\n"
PERSONAS = {
    "narrow": "model: { use: [gpt-4] }",
    "homeless": "model: { use: [nowhere] }",
    "closed": "access: { tiers: [strict] }",
    "broken": "model: { temperature: 9 }",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with personas that refuse."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "personas").mkdir()
    for name, more in PERSONAS.items():
        (folder / "personas" / f"{name}.md").write_text(PERSONA.format(name=name, more=more), encoding="utf-8")
    return folder


@pytest.fixture
async def running(folder: Path) -> AsyncIterator[House]:
    """One house after another in the same folder."""
    changes = {"personas": [str(folder / "personas")], "screening": {"blocklist": ["forbidden fruit"]}}
    async with house(folder, changes) as one:
        yield one


async def suspend(running: House, user: str, *, suspended: bool) -> None:
    """Do what an operator does beside the running server."""
    async with database.opened(running.settings.data / database.FILE) as engine:
        accounts = SqlAccounts(engine, ids=SystemIds(), clock=SystemClock(), new_secret=new_secret, by="test")
        await accounts.change_user(user, suspended=suspended)


async def counted(running: House) -> dict[str, float]:
    """Return how many calls were refused, by code."""
    async with running.http(None) as http:
        metrics = (await http.get("/metrics")).text
    return {
        code: float(n) for code, n in re.findall(r'^parley_refused_total\{code="(\w+)"\} (\S+)$', metrics, re.MULTILINE)
    }


REFUSED: list[tuple[str, int, dict[str, Any]]] = [
    ("context_length_exceeded", 400, {"input": "word " * 9000}),
    ("previous_response_not_found", 400, {"input": "hi", "previous_response_id": "resp_none"}),
    ("conversation_not_found", 404, {"input": "hi", "conversation": "conv_none"}),
    ("model_not_found", 404, {"input": "hi", "model": "gpt-9"}),
    ("persona_not_found", 404, {"input": "hi", "model": "persona:nobody"}),
    ("persona_invalid", 409, {"input": "hi", "model": "persona:broken"}),
    ("persona_model_mismatch", 400, {"input": "hi", "prompt": {"id": "narrow"}, "model": "echo"}),
    ("no_model_available", 503, {"input": "hi", "model": "persona:homeless"}),
    ("persona_revision_forbidden", 403, {"input": "hi", "model": "persona:assistant@1"}),
    ("persona_not_allowed", 403, {"input": "hi", "model": "persona:closed"}),
    ("steering_not_allowed", 403, {"input": "hi", "model": "persona:json-extractor", "instructions": "Rhyme."}),
    ("invalid_dial", 400, {"input": "hi", "prompt": {"id": "interpreter", "variables": {"pace": "slow"}}}),
    ("content_blocked", 400, {"input": "Forbidden fruit, please."}),
]


async def test_what_the_engine_refuses(running: House) -> None:
    """Each case has its code and its status, is charged to nobody and asked of no model, and is counted once."""
    async with running.http(await running.key()) as http:
        for code, status, body in REFUSED:
            answer = await http.post("/v1/responses", json=body)
            assert (answer.json()["error"]["code"], answer.status_code) == (code, status)
        usage = (await http.get("/v1/usage")).json()
    assert all(row["used"] == 0 and row.get("held", 0) == 0 for row in usage["limits"])
    assert len(running.upstream.calls) == 0
    assert await counted(running) == dict.fromkeys((code for code, _, _ in REFUSED), 1.0)


async def test_keys_that_do_not_open(running: House) -> None:
    """No key, an unknown one, an expired one and that of a suspended user are refused at both kinds of door."""
    expired = await running.key(expires_at=SystemClock().now() - 1)
    suspended = await running.key(user="eve")
    await suspend(running, "eve", suspended=True)
    cases = [(None, 401), ("sk-nobody", 401), (expired, 401), (suspended, 403)]
    codes = {401: "invalid_api_key", 403: "user_suspended"}
    for key, status in cases:
        async with running.http(key) as http:
            answer = await http.get("/v1/models")
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, codes[status])
        with pytest.raises(InvalidStatus) as refused:
            async with running.socket("/v1/responses", key):
                pass
        assert refused.value.response.status_code == status
        assert json.loads(refused.value.response.body)["error"]["code"] == codes[status]
    assert await counted(running) == {"invalid_api_key": 6.0, "user_suspended": 2.0}


async def test_a_user_who_is_suspended_is_shown_the_door(running: House) -> None:
    """The next frame of an open socket is refused, and the socket closes with its own code."""
    key = await running.key(user="bob")
    async with running.socket("/v1/responses", key) as socket:
        await suspend(running, "bob", suspended=True)
        await socket.send(json.dumps({"type": "response.create", "input": "hi"}))
        assert json.loads(await socket.recv())["error"]["code"] == "user_suspended"
        with pytest.raises(ConnectionClosedError) as closed:
            await socket.recv()
        assert closed.value.rcvd
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (CLOSE_SUSPENDED.code, CLOSE_SUSPENDED.reason)


async def test_one_lane_too_many(running: House) -> None:
    """A socket takes so many names of lanes, and says so at the next one."""
    ends: list[Any] = []
    async with running.socket("/v1/responses", await running.key()) as socket:
        for number in range(MOST_NAMED + 1):
            frame = {"type": "response.create", "stream_id": f"l{number}", "generate": False}
            await socket.send(json.dumps(frame))
        while len(ends) < MOST_NAMED + 1:
            frame = json.loads(await socket.recv())
            if frame["type"] in {"response.completed", "error"}:
                ends.append(frame)
    assert [end["error"]["code"] for end in ends if end["type"] == "error"] == ["websocket_stream_limit_reached"]


async def test_one_socket_too_many(running: House) -> None:
    """A user has so many sockets; the next one is refused until one of them closes."""
    key = await running.key(user="zoe")
    async with AsyncExitStack() as stack:
        for _ in range(MOST_PER_USER):
            await stack.enter_async_context(running.socket("/v1/responses", key))
        with pytest.raises(InvalidStatus) as refused:
            await stack.enter_async_context(running.socket("/v1/responses", key))
    assert refused.value.response.status_code == 429
    assert json.loads(refused.value.response.body)["error"]["code"] == "too_many_connections"


async def test_a_frame_that_nobody_reads(running: House) -> None:
    """A frame over 16 MiB closes the socket."""
    async with running.socket("/v1/responses", await running.key()) as socket:
        with suppress(ConnectionClosedError):
            await socket.send("x" * (16 * 1024 * 1024 + 1))
        with pytest.raises(ConnectionClosedError) as closed:
            await socket.recv()
        assert closed.value.rcvd
        assert closed.value.rcvd.code == CLOSE_TOO_LARGE.code


async def test_a_house_that_closes(running: House) -> None:
    """While an answer is being finished new sockets and new requests are refused."""
    key = await running.key()
    async with running.http(key) as http:
        body = {"model": "slow", "input": "hi", "stream": True}
        async with http.stream("POST", "/v1/responses", json=body) as answer:
            await anext(answer.aiter_lines())
            running.server.should_exit = True
            while (await http.get("/readyz")).status_code == httpx.codes.OK:
                pass
            refused = await http.post("/v1/responses", json={"input": "hi"})
            assert refused.json()["error"]["code"] == "draining"
            with pytest.raises(InvalidStatus) as closed:
                async with running.socket("/v1/responses", key):
                    pass
            assert json.loads(closed.value.response.body)["error"]["code"] == "draining"


async def test_a_developer_may_choose_a_revision(running: House) -> None:
    """What is refused to a user for their role is served to a developer."""
    async with running.http(await running.key(user="dev", role=Role.DEVELOPER)) as http:
        answer = await http.post("/v1/responses", json={"input": "hi", "model": "persona:assistant@1"})
    assert answer.json()["status"] == "completed"


async def test_whatever_is_asked_for_is_bounded(tmp_path: Path) -> None:
    """Frames and requests of one user are bounded together, on open sockets too."""
    async with house(tmp_path, {"doors": {"requests_per_minute": 4}}) as running:
        key = await running.key()
        async with running.socket("/v1/responses", key) as socket:
            create = json.dumps({"type": "response.create", "model": "gpt-4-mini", "generate": False, "input": "hi"})
            codes: list[str | None] = []
            for _ in range(4):
                await socket.send(create)
                frames = [json.loads(await socket.recv())]
                while frames[-1]["type"] not in {"response.completed", "error"}:
                    frames.append(json.loads(await socket.recv()))
                codes.append(frames[-1].get("error", {}).get("code"))
        assert codes == [None, None, None, "too_many_requests"]
        async with running.http(key) as http:
            assert (await http.get("/v1/usage")).status_code == 429
