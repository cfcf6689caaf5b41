"""Second answers and edited questions: the tree of a conversation, and what the model is told of it."""

from typing import Any

import httpx

from personas import CATALOG, Library
from tests.harness import House

EXAMPLES = len(Library.load([CATALOG]).get("assistant").examples)
"""Of the persona that answers; each is a question and an answer at the beginning of every prompt."""


async def create(http: httpx.AsyncClient, **body: Any) -> Any:
    answer = await http.post("/v1/responses", json={"model": "echo", **body})
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()


async def items(http: httpx.AsyncClient, conversation: str, **query: str) -> list[Any]:
    answer = await http.get(f"/v1/conversations/{conversation}/items", params={"order": "asc", **query})
    return list(answer.json()["data"])


def texts(found: list[Any]) -> list[str]:
    """What was said, without the line of date and time that is echoed with it."""
    return [item["content"][0]["text"].split("\n")[-1] for item in found]


def asked(running: House) -> list[str]:
    """What the upstream was told last, without the system's part, the reminders and the persona's examples."""
    said = [one for one in running.upstream.calls[-1].messages if one.role in {"user", "assistant"}][2 * EXAMPLES :]
    return ["".join(getattr(part, "text", "") for part in one.parts).split("\n")[-1] for one in said]


async def test_a_question_is_put_differently_and_an_answer_asked_for_again(running: House) -> None:
    """Each branch keeps its history; the leaf moves to what was asked last, and back to what is chosen."""
    async with running.http(await running.key()) as http:
        first = await create(http, input="one", conversation="new")
        conversation = first["conversation"]["id"]
        await create(http, input="two", conversation=conversation)
        one, first_reply, two, second_reply = await items(http, conversation)

        again = await create(http, regenerate=first["id"])
        assert (again["conversation"]["id"], asked(running)) == (conversation, ["one"])
        path = await items(http, conversation)
        reply = again["output"][0]["id"]
        assert [item["id"] for item in path] == [one["id"], reply]
        assert path[1]["siblings"] == [first_reply["id"], reply]

        await create(http, input="three", conversation=conversation)
        assert asked(running) == ["one", "one", "three"]

        edited = await create(http, input="zwei", conversation=conversation, parent=first_reply["id"])
        assert asked(running) == ["one", "one", "zwei"]
        path = await items(http, conversation)
        assert texts(path) == ["one", "one", "zwei", "zwei"]
        assert path[2]["siblings"] == [two["id"], path[2]["id"]]

        await create(http, input="eins", conversation=conversation, parent=None)
        assert asked(running) == ["eins"]
        assert texts(await items(http, conversation)) == ["eins", "eins"]
        assert texts(await items(http, conversation, leaf=second_reply["id"])) == ["one", "one", "two", "two"]

        chosen = await http.post(f"/v1/conversations/{conversation}", json={"leaf": first_reply["id"]})
        assert chosen.json()["leaf"] == edited["output"][0]["id"]
        await create(http, input="drei", conversation=conversation)
        assert asked(running) == ["one", "one", "zwei", "zwei", "drei"]


async def test_a_second_answer_over_chat(running: House) -> None:
    """The Chat door takes the same fields, and the id of a completion for that of its response."""
    async with running.http(await running.key()) as http:
        body = {"model": "echo", "messages": [{"role": "user", "content": "hi"}], "conversation": "new"}
        first = (await http.post("/v1/chat/completions", json=body)).json()
        again = (await http.post("/v1/chat/completions", json={"model": "echo", "regenerate": first["id"]})).json()
        assert again["choices"][0]["message"] == first["choices"][0]["message"]
        third = (await http.post("/v1/chat/completions", json={"model": "echo", "regenerate": again["id"]})).json()
        (_, reply) = await items(http, first["conversation"]["id"])
        assert (len(reply["siblings"]), reply["response_id"]) == (3, third["id"].replace("chatcmpl-", "resp_"))


async def test_a_second_answer_is_a_message_to_the_caps(running: House) -> None:
    """It is charged as a new message, and refused where one would be."""
    async with running.http(await running.key(user="bo", tier="strict")) as http:
        first = await create(http, model="gpt-4", input="hi", conversation="new")
        await create(http, model="gpt-4", regenerate=first["id"])
        refused = await http.post("/v1/responses", json={"model": "gpt-4", "regenerate": first["id"]})
        assert refused.json()["error"]["code"] == "usage_cap_reached"
        assert len(await items(http, first["conversation"]["id"])) == 2


async def test_two_turns_at_once_are_both_kept(running: House) -> None:
    """Two tabs that ask from the same leaf make two branches; the one that ends last is the leaf."""
    async with running.http(await running.key()) as http:
        first = await create(http, input="one", conversation="new")
        conversation = first["conversation"]["id"]
        async with http.stream(
            "POST", "/v1/responses", json={"model": "slow", "input": "A", "conversation": conversation, "stream": True}
        ) as slow:
            lines = slow.aiter_lines()
            await anext(lines)
            quick = await create(http, input="B", conversation=conversation)
            assert texts(await items(http, conversation)) == ["one", "one", "B", "B"]
            _ = [line async for line in lines]
        path = await items(http, conversation)
        assert texts(path)[2] == "A"
        beside = await items(http, conversation, leaf=quick["output"][0]["id"])
        assert path[2]["siblings"] == [path[2]["id"], beside[2]["id"]]
