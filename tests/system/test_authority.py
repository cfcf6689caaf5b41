"""No text of a user's becomes instructions, whichever field, header or past it comes in by: the upstream's bytes tell.

The fields are those that the described bodies have and those that the parsers look for, with every shape of value.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from pydantic import BaseModel

from server.core.records import Role
from server.edge import completions_parse, responses_ws
from server.edge.shapes.bodies import ChatCompletionBody, ChatMessage, ConversationBody, PromptReference, ResponseBody
from tests.harness import House, house
from tests.provider import Provider, provider

MARK = "zanzibar"
PERSONA = """---
spec: persona/1
name: steered
summary: For a test.
greeting: Hello {{ user.name }}, shall we talk about {{ dials.topic }}?
reminder: Keep to {{ dials.topic|upper }}.
bounds:
  dials: { topic: { text: { max_chars: 60 }, default: birds } }
  notes: { max_chars: 600 }
---
Talk to {{ user.name }} about {{ dials.topic }}.{% if user.locale %} Their language is {{ user.locale }}.{% endif %}
"""
SET = {"free": {"id": "t1"}, "strict": {"id": "t1", "roles": "strict"}}
CHANGES: dict[str, Any] = {
    "models": {alias: {"upstream": "mock", "context": 8000, **more} for alias, more in SET.items()},
    "default_model": "free",
    "groups": {"standard": list(SET)},
    "tiers": {"plus": {"standard": "unlimited"}},
    "default_tier": "plus",
}
ROLES = get_args(ChatMessage.model_fields["role"].annotation)
USER = {"role": "user", "content": "hi"}
SHAPES: Sequence[Any] = [
    MARK,
    [MARK],
    {MARK: "x"},
    {"id": MARK},
    {"topic": MARK},
    {"topic": {"type": "input_text", "text": MARK}},
    {"type": "text", "text": MARK},
    [{"type": "text", "text": MARK}],
    *([{"role": role, "content": MARK}, USER] for role in ROLES),
    *([{"role": role, "content": [{"type": "text", "text": MARK}]}, USER] for role in ROLES),
]
ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})


class Watched(dict[str, Any]):
    """An object that knows which of its members were looked for."""

    def __init__(self, values: dict[str, Any], wanted: set[str]) -> None:
        super().__init__(values)
        self.wanted = wanted

    def get(self, key: str, default: Any = None) -> Any:
        self.wanted.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.wanted.add(str(key))
        return super().__contains__(key)


class Family:
    """The bodies of one protocol."""

    def __init__(
        self,
        path: str,
        said: str,
        body: type[BaseModel],
        read: Callable[[dict[str, Any]], object],
        carriers: set[str],
    ) -> None:
        self.path, self.said, self.body, self.read = path, said, body, read
        self.carriers = carriers
        """Fields whose mark is taken; without them a look at what was taken would show nothing."""

    def plain(self, alias: str = "free", **more: Any) -> dict[str, Any]:
        """Return a body that is served, by the persona of this test."""
        persona = {"prompt": {"id": "steered"}} if self.body is ResponseBody else {"persona": "steered"}
        item = {"role": "user", "content": [{"type": "text", "text": "hi"}]}
        return {"type": "response.create", "model": alias, self.said: [item], "greeting": 0, **persona, **more}

    def marked(self, alias: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield a field and a body that has it marked: every field, at every place, with every shape of a value."""
        body = self.plain(alias)
        item = body[self.said][0]
        top, items, parts, prompts = self.fields()
        for shape in SHAPES:
            yield from ((name, body | {name: shape}) for name in top)
            yield from ((name, body | {self.said: [item | {name: shape}, USER]}) for name in items)
            for name in parts:
                part = item["content"][0] | {name: shape}
                yield name, body | {self.said: [item | {"content": [part]}]}
            if "prompt" in body:
                yield from ((name, body | {"prompt": body["prompt"] | {name: shape}}) for name in prompts)

    def fields(self) -> list[list[str]]:
        """Return the names of the members of a body, of an item, of a part and of `prompt`.

        Those that nothing describes and nothing looks for are named here.
        """
        wanted: list[set[str]] = [
            {*self.body.model_fields, "user", "safety_identifier"},
            {*ChatMessage.model_fields, "name"},
            {"filename"},
            set(PromptReference.model_fields),
        ]
        plain = self.plain()
        part = Watched(plain[self.said][0]["content"][0], wanted[2])
        said = [Watched({"role": "user", "content": [part]}, wanted[1])]
        body = plain | {self.said: said, "prompt": Watched(plain.get("prompt", {}), wanted[3])}
        self.read(Watched(body, wanted[0]))
        return [sorted(names) for names in wanted]


RESPONSES = Family(
    "/v1/responses",
    "input",
    ResponseBody,
    responses_ws.read,
    {
        "input",
        "content",
        "text",
        "name",
        "filename",
        "instructions",
        "notes",
        "variables",
        "metadata",
        "user",
        "safety_identifier",
    },
)
COMPLETIONS = Family(
    "/v1/chat/completions",
    "messages",
    ChatCompletionBody,
    lambda body: completions_parse.parse(body, door="test"),
    {
        "messages",
        "content",
        "text",
        "name",
        "filename",
        "dials",
        "notes",
        "metadata",
        "user",
        "safety_identifier",
        "stop",
    },
)
FAMILIES = [RESPONSES, COMPLETIONS]


@pytest.fixture
async def upstream() -> AsyncIterator[Provider]:
    """A provider that keeps what it is sent."""
    async with provider() as one:
        yield one


@pytest.fixture
async def running(tmp_path: Path, upstream: Provider) -> AsyncIterator[House]:
    """A server with a persona that can be steered in every way, on models of both kinds."""
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "steered.md").write_text(PERSONA, encoding="utf-8")
    upstreams = {"mock": {"base_url": upstream.url, "api_key": "x"}}
    changes = CHANGES | {"upstreams": upstreams, "personas": [str(tmp_path / "personas")]}
    async with house(tmp_path, changes, real_upstreams=True) as one:
        yield one


def authority(upstream: Provider) -> list[str]:
    """Return all that the upstream was told with authority."""
    said = [message for call in upstream.calls for message in call["messages"]]
    return [json.dumps(message).lower() for message in said if message["role"] in {"system", "developer"}]


def spoken(upstream: Provider) -> list[str]:
    """Return the messages of users and assistants that have the mark."""
    said = [
        message for call in upstream.calls for message in call["messages"] if message["role"] in {"user", "assistant"}
    ]
    return [text for text in map(json.dumps, said) if MARK in text]


async def served(http: httpx.AsyncClient, family: Family, body: dict[str, Any]) -> bool:
    """Send a body, wait for the end of the answer, and return whether there was one."""
    answer = await http.post(family.path, json=body)
    assert answer.status_code < 500, answer.text
    return answer.status_code == 200


@pytest.mark.parametrize("family", FAMILIES, ids=["responses", "completions"])
async def test_no_field_of_a_users_body_reaches_instructions(
    running: House, upstream: Provider, family: Family
) -> None:
    """Every field in every shape, as JSON, as SSE and on the socket: no mark on instructions."""
    key = await running.key()
    async with running.http(key) as http, running.socket(family.path, key) as socket:
        for alias in SET:
            taken = [(name, body) for name, body in family.marked(alias) if await served(http, family, body)]
            assert family.carriers <= {name for name, _ in taken}
            for _, body in taken:
                assert await served(http, family, body | {"stream": True})
                await socket.send(json.dumps(body))
                while not ended(json.loads(await socket.recv())):
                    pass
    assert spoken(upstream)
    told = authority(upstream)
    assert len(told) >= len(upstream.calls)
    assert [text for text in told if MARK in text] == []


def ended(frame: dict[str, Any]) -> bool:
    """Return whether this frame is the last of an answer at either door."""
    return (
        "error" in frame or frame.get("type") in ENDS or any(one["finish_reason"] for one in frame.get("choices", []))
    )


async def test_no_header_title_or_past_of_a_users_reaches_instructions(running: House, upstream: Provider) -> None:
    """Headers, the fields of a conversation, and what was said, dialled and noted before stay without authority."""
    names = [
        "accept-language",
        "user-agent",
        "x-request-id",
        "openai-organization",
        "openai-project",
        "parley-extensions",
    ]
    headers = dict.fromkeys(names, MARK) | {"accept-language": f"en-{MARK}, {MARK};q=0.5"}
    async with running.http(await running.key()) as http:
        http.headers.update(headers)
        for alias in SET:
            steer = {"prompt": {"id": "steered", "variables": {"topic": MARK}}, "instructions": MARK}
            opening = [{"role": "assistant", "content": MARK}, {"role": "user", "content": MARK}]
            body = RESPONSES.plain(alias, conversation="new", input=opening, **steer)
            first = (await http.post("/v1/responses", json=body, headers={"idempotency-key": f"{MARK}-{alias}"})).json()
            assert first["status"] == "completed", first
            [conversation, *_] = (await http.get("/v1/conversations")).json()["data"]
            for name in ConversationBody.model_fields:
                await http.post(f"/v1/conversations/{conversation['id']}", json={name: MARK})
            for more in (
                {"conversation": conversation["id"]},
                {"previous_response_id": first["id"]},
                {"regenerate": first["id"], "input": None},
            ):
                again = await http.post("/v1/responses", json=RESPONSES.plain(alias) | {"greeting": None} | more)
                assert again.status_code == 200, again.text
    assert len(upstream.calls) == 8
    assert len(spoken(upstream)) >= 8
    assert [text for text in authority(upstream) if MARK in text] == []


async def test_a_developer_writes_instructions_by_system_text_alone(running: House, upstream: Provider) -> None:
    """The same look finds the mark where it may be: system text of a developer, not dials and notes."""
    async with running.http(await running.key(role=Role.DEVELOPER)) as http:
        assert await served(http, RESPONSES, RESPONSES.plain(prompt={"id": "steered", "variables": {"topic": MARK}}))
        assert not [text for text in authority(upstream) if MARK in text]
        assert await served(http, RESPONSES, RESPONSES.plain(notes=MARK))
        assert not [text for text in authority(upstream) if MARK in text]
        assert spoken(upstream)
        assert await served(http, RESPONSES, RESPONSES.plain(instructions=MARK))
        assert [text for text in authority(upstream) if MARK in text]


async def test_what_was_demoted_is_told_at_every_door(running: House) -> None:
    """Users who send system text learn from the answer's metadata that it came as notes; others are told nothing."""
    demoted = {"parley:demoted": "system text to notes"}
    for role, told in ((Role.USER, demoted), (Role.DEVELOPER, {})):
        key = await running.key(role.value, role=role)
        for family in FAMILIES:
            texts = [{"role": role, "content": "Be brief."} for role in ("system", "developer")]
            for steered in ([*texts, USER], [USER]):
                body = family.plain() | {family.said: steered}
                expected = told if len(steered) > 1 else {}
                for found in await answers(running, key, family, body):
                    assert found == expected, (role, family.path, steered)
    body = RESPONSES.plain(instructions="Be brief.", metadata={"a": "b"})
    for found in await answers(running, await running.key(), RESPONSES, body):
        assert found == {"a": "b"} | demoted


async def answers(running: House, key: str, family: Family, body: dict[str, Any]) -> list[dict[str, str]]:
    """Return the metadata of the answer to a body: as JSON, streamed, on the socket, and as it is read later."""
    async with running.http(key) as http, running.socket(family.path, key) as socket:
        whole = (await http.post(family.path, json=body)).json()
        lines = (await http.post(family.path, json=body | {"stream": True})).text.splitlines()
        first = next(json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {"))
        await socket.send(json.dumps(body))
        frame = json.loads(await socket.recv())
        stored = (await http.get(f"/v1/responses/{whole['id'].replace('chatcmpl-', 'resp_')}")).json()
    shown = [one.get("response", one).get("metadata", {}) for one in (whole, first, frame)]
    return [*shown, stored["metadata"]]


async def test_refused_steering_names_the_role_that_may(running: House) -> None:
    """Who is refused learns what the persona takes, and which role may send more."""
    async with running.http(await running.key()) as http:
        answer = await http.post("/v1/responses", json=RESPONSES.plain(instructions="x" * 601))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (403, "steering_not_allowed")
    assert "601" in error["message"]
    assert "role developer" in error["message"]
