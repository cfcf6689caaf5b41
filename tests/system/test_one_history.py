"""One conversation through several doors: one history at each of them, and one account of usage."""

import json
from typing import Any

from tests.harness import House
from tests.system.test_resume import read


async def asked_on_a_socket(house: House, key: str, path: str, **frame: Any) -> list[Any]:
    """Ask on a socket; return the frames of the answer."""
    async with house.socket(path, key) as socket:
        await socket.send(json.dumps({"model": "echo"} | frame))
        found = [json.loads(await socket.recv())]
        while found[-1].get("type") != "response.completed" and not found[-1].get("usage"):
            found.append(json.loads(await socket.recv()))
    return found


async def test_a_conversation_goes_through_every_door(running: House) -> None:
    """Begun on the Responses socket, continued as chunks over HTTP and on a socket, and whole: all read the same."""
    key = await running.key()
    begun = await asked_on_a_socket(
        running, key, "/v1/responses", type="response.create", conversation="new", input="one"
    )
    conversation = begun[-1]["response"]["conversation"]["id"]
    body: dict[str, Any] = {"model": "echo", "conversation": conversation}
    async with running.http(key) as http:
        said = {"messages": [{"role": "user", "content": "two"}], "stream": True}
        stream = await http.post("/v1/chat/completions", json=body | said)
        assert '"finish_reason":"stop"' in stream.text
        frames = await asked_on_a_socket(
            running,
            key,
            "/v1/chat/completions",
            messages=[{"role": "user", "content": "three"}],
            conversation=conversation,
            stream_options={"include_usage": True},
        )
        assert "".join(one["choices"][0]["delta"].get("content", "") for one in frames[:-1]).endswith("three")
        last = (await http.post("/v1/responses", json=body | {"input": "four"})).json()
        items = (await http.get(f"/v1/conversations/{conversation}/items?order=asc")).json()["data"]
        texts = [part["text"].splitlines()[-1] for item in items for part in item["content"]]
        assert texts == ["one", "one", "two", "two", "three", "three", "four", "four"]
        assert [item["role"] for item in items] == ["user", "assistant"] * 4
        again = read((await http.get(f"/v1/responses/{last['id']}?stream=true")).text)
        assert again[-1]["response"]["output"] == last["output"]
        usage = (await http.get("/v1/usage")).json()
    assert len(running.upstream.calls) == 4
    counted = [row["used"] for row in usage["limits"] if row["unit"] == "messages" and row["model"] == "gpt-4"]
    assert counted == [0]


async def test_every_door_counts_in_one_account(running: House) -> None:
    """What is asked at three doors fills one cap, and whichever door is next says that it is full."""
    key = await running.key(user="bo", tier="free")
    await asked_on_a_socket(running, key, "/v1/responses", type="response.create", input="one")
    async with running.http(key) as http:
        said = {"messages": [{"role": "user", "content": "two"}]}
        assert (await http.post("/v1/chat/completions", json={"model": "echo"} | said)).status_code == 200
        await asked_on_a_socket(running, key, "/v1/chat/completions", stream_options={"include_usage": True}, **said)
        (row,) = [one for one in (await http.get("/v1/usage")).json()["limits"] if one["unit"] == "messages"]
        assert (row["used"], row["remaining"]) == (3, 0)
        refused = await http.post("/v1/responses", json={"model": "echo", "input": "four"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "usage_cap_reached")
    async with running.socket("/v1/responses", key) as socket:
        await socket.send(json.dumps({"type": "response.create", "model": "echo", "input": "four"}))
        frame = json.loads(await socket.recv())
    assert (frame["status"], frame["error"]["limit"]) == (429, refused.json()["error"]["limit"])
