"""Functions of the client's program, thoughts, refusals, formats and log probabilities, at every door."""

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from client import Completed, Delta, Parley
from server.core.records import Role
from tests.harness import House, house

WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"text": {"type": "string"}}},
    "strict": True,
}
NESTED: Any = {"type": "function", "function": {name: value for name, value in WEATHER.items() if name != "type"}}
CONFIG = {
    "models": {
        "gpt-4": {"upstream": "mock", "id": "t40", "context": 8000, "prefill": True},
        "calling": {"upstream": "mock", "id": "calls", "context": 8000, "prefill": True},
        "thinking": {"upstream": "mock", "id": "thinks-t4", "context": 8000},
        "refusing": {"upstream": "mock", "id": "refuses", "context": 8000},
        "plain": {"upstream": "mock", "id": "t4", "context": 8000, "tools": False},
    },
    "groups": {},
    "tiers": {"plus": dict.fromkeys(("gpt-4", "calling", "thinking", "refusing", "plain"), "unlimited")},
    "default_tier": "plus",
    "default_model": "gpt-4",
}
CHECK: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


@pytest.fixture
async def running(tmp_path: Any) -> AsyncIterator[House]:
    """A server with models that call, think and refuse."""
    async with house(tmp_path, CONFIG) as one:
        yield one


@pytest.fixture
async def client(running: House) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client."""
    async with openai.AsyncOpenAI(api_key=await running.key(), base_url=f"{running.address}/v1") as one:
        yield one


async def events_of(client: openai.AsyncOpenAI, **body: Any) -> list[Any]:
    """Return the events of a streamed response, each of which the client's own types accept strictly."""
    async with client.responses.with_streaming_response.create(stream=True, **body) as answer:
        lines = [line async for line in answer.iter_lines() if line.startswith("data: ")]
    return [CHECK.validate_json(line.removeprefix("data: "), strict=True) for line in lines]


async def test_a_completion_calls_and_hears_the_output(client: openai.AsyncOpenAI) -> None:
    """The call comes as `tool_calls`; its output, sent back, is what the model answers with."""
    asked: list[Any] = [{"role": "user", "content": "Will it rain?"}]
    called = await client.chat.completions.create(model="calling", messages=asked, tools=[NESTED])
    (choice,) = called.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    (call,) = choice.message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)["text"][-13:]) == ("weather", "Will it rain?")
    asked += [choice.message, {"role": "tool", "tool_call_id": call.id, "content": "It will."}]
    said = await client.chat.completions.create(model="calling", messages=asked, tools=[NESTED])
    assert (said.choices[0].finish_reason, said.choices[0].message.content) == ("stop", "It will.")


async def test_a_streamed_call_is_put_together_by_the_client(client: openai.AsyncOpenAI) -> None:
    """The client's own accumulator makes both calls of the chunks, each with its id, name and arguments."""
    other = {"type": "function", "function": {"name": "time", "parameters": {}}}
    async with client.chat.completions.stream(
        model="calling",
        messages=[{"role": "user", "content": "Now?"}],
        tools=[NESTED, other],  # type: ignore[list-item]
    ) as stream:
        whole = await stream.get_final_completion()
    calls = whole.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls] == ["weather", "time"]
    assert len({call.id for call in calls}) == 2
    assert all(json.loads(call.function.arguments) for call in calls)


async def test_a_response_calls_and_goes_on(client: openai.AsyncOpenAI, running: House) -> None:
    """A call streams as an item of its own; `function_call_output` after `previous_response_id` goes on from it."""
    events = await events_of(client, model="calling", input="Will it rain?", tools=[WEATHER])
    kinds = [event.type for event in events]
    assert kinds[:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    assert "response.function_call_arguments.delta" in kinds
    assert kinds[-3:] == ["response.function_call_arguments.done", "response.output_item.done", "response.completed"]
    response = events[-1].response
    (item,) = response.output
    assert (item.type, item.name, item.status) == ("function_call", "weather", "completed")
    assert response.tools[0].name == "weather"
    answer = await client.responses.create(
        model="calling",
        previous_response_id=response.id,
        input=[{"type": "function_call_output", "call_id": item.call_id, "output": "It will."}],
        tools=[WEATHER],
    )
    assert answer.output_text == "It will."
    sent = running.upstream.calls[-1].messages
    assert [message.role for message in sent][-3:] == ["user", "assistant", "tool"]


async def test_a_call_over_a_socket_of_the_official_client(client: openai.AsyncOpenAI) -> None:
    """The call streams in its lane; its output, sent with the response's id, is answered on the same socket."""
    async with client.responses.connect() as socket:
        await socket.send({"type": "response.create", "model": "calling", "input": "Will it rain?", "tools": [WEATHER]})
        pieces, call, response_id = "", None, ""
        async for event in socket:
            if event.type == "response.function_call_arguments.delta":
                pieces += event.delta
            elif event.type == "response.output_item.done":
                call = event.item
            elif event.type == "response.completed":
                response_id = event.response.id
                break
        assert call is not None
        assert call.type == "function_call"
        assert (call.name, pieces) == ("weather", call.arguments)
        output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "It will."}
        await socket.send(
            {
                "type": "response.create",
                "model": "calling",
                "previous_response_id": response_id,
                "input": [output],
                "tools": [WEATHER],
            }
        )
        async for event in socket:
            if event.type == "response.completed":
                assert event.response.output_text == "It will."
                break


async def test_an_answer_that_is_only_calls(running: House) -> None:
    """Our own client tells what is called, with no text at all, and goes on from what the function gave."""
    async with Parley(running.address, await running.key()) as parley:
        asked = [event async for event in parley.send("Will it rain?", model="calling", tools=[WEATHER])]
        end = asked[-1]
        assert isinstance(end, Completed)
        assert not any(isinstance(event, Delta) for event in asked)
        (call,) = end.calls
        assert (call.name, json.loads(call.arguments)["text"][-13:]) == ("weather", "Will it rain?")
        given = [{"type": "function_call_output", "call_id": call.call_id, "output": "It will."}]
        assert await parley.ask(given, model="calling", previous=end.response_id, tools=[WEATHER]) == "It will."


async def test_a_call_is_stored_and_resumed_as_it_was_shown(client: openai.AsyncOpenAI) -> None:
    """A stored response shows its call again, and its events come once more from any position."""
    events = await events_of(client, model="calling", input="Hi", tools=[WEATHER])
    response = events[-1].response
    assert (await client.responses.retrieve(response.id)).output == response.output
    again = await client.responses.retrieve(response.id, stream=True, starting_after=events[3].sequence_number)
    rest: list[Any] = [event async for event in again]
    said = "".join(event.delta for event in rest if event.type == "response.function_call_arguments.delta")
    assert said == response.output[0].arguments[len(events[3].delta) :]
    assert rest[-1].response == response


async def test_outputs_without_a_call_are_refused(client: openai.AsyncOpenAI) -> None:
    """An output that answers nothing is a bad request that names it."""
    output: Any = [{"role": "user", "content": "x"}, {"type": "function_call_output", "call_id": "c9", "output": "x"}]
    with pytest.raises(openai.BadRequestError, match="c9"):
        await client.responses.create(model="calling", input=output)


async def test_thoughts_are_an_item_before_the_message(client: openai.AsyncOpenAI) -> None:
    """A model that thinks aloud shows reasoning, as text or as the summary that was asked for, and then its answer."""
    events = await events_of(client, model="thinking", input="Hi")
    assert [item.type for item in events[-1].response.output] == ["reasoning", "message"]
    assert "response.reasoning_text.delta" in {event.type for event in events}
    summed = await events_of(client, model="thinking", input="Hi", reasoning={"summary": "auto"})
    assert summed[-1].response.output[0].summary[0].text == "The user wants an answer."
    assert "response.reasoning_summary_text.delta" in {event.type for event in summed}
    chat = await client.chat.completions.create(model="thinking", messages=[{"role": "user", "content": "Hi"}])
    assert chat.choices[0].message.content == " 0000 0001 0002 0003"
    assert chat.choices[0].message.reasoning_content == "The user wants an answer."  # type: ignore[attr-defined]


async def test_a_refusal_is_no_text(client: openai.AsyncOpenAI) -> None:
    """A model's refusal comes as a refusal at both doors."""
    events = await events_of(client, model="refusing", input="Hi")
    assert events[-1].response.output[0].content[0].refusal == "I cannot help with that."
    assert "response.refusal.done" in {event.type for event in events}
    chat = await client.chat.completions.create(model="refusing", messages=[{"role": "user", "content": "Hi"}])
    assert (chat.choices[0].message.content, chat.choices[0].message.refusal) == (None, "I cannot help with that.")


async def test_log_probabilities_are_told(client: openai.AsyncOpenAI) -> None:
    """Each token of the answer comes with its log probability and the likeliest others, streamed and whole."""
    asked: Any = [{"role": "user", "content": "Hi"}]
    whole = await client.chat.completions.create(model="gpt-4", messages=asked, logprobs=True, top_logprobs=2)
    told = whole.choices[0].logprobs
    assert told is not None
    assert [token.token for token in told.content or []][:2] == [" 0000", " 0001"]
    assert [len(token.top_logprobs) for token in told.content or []] == [2] * 40
    streamed = []
    async for chunk in await client.chat.completions.create(model="gpt-4", messages=asked, logprobs=True, stream=True):
        streamed += (chunk.choices[0].logprobs.content or []) if chunk.choices[0].logprobs else []
    assert len(streamed) == 40
    events = await events_of(client, model="gpt-4", input="Hi", top_logprobs=1)
    stored = await client.responses.retrieve(events[-1].response.id)
    assert stored.output[0] == events[-1].response.output[0]
    assert len(events[-1].response.output[0].content[0].logprobs) == 40


async def test_a_format_reaches_the_upstream(client: openai.AsyncOpenAI, running: House) -> None:
    """The schema that an answer has to follow is sent on, from either family, and a response repeats it."""
    schema: Any = {"type": "object", "properties": {"a": {"type": "string"}}}
    wanted: Any = {"type": "json_schema", "name": "a", "schema": schema, "strict": True}
    response = await client.responses.create(model="gpt-4", input="Hi", text={"format": wanted})
    assert response.text is not None
    assert response.text.format is not None
    assert response.text.format.type == "json_schema"
    await client.chat.completions.create(
        model="gpt-4",
        messages=[{"role": "user", "content": "Hi"}],
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": True}},
    )
    first, second = (call.sampling.format for call in list(running.upstream.calls)[-2:])
    assert first == second
    assert first is not None
    assert first.schema == schema


async def test_who_may_offer_functions(client: openai.AsyncOpenAI, running: House) -> None:
    """A model that calls none refuses them, and so does, for users, a persona that takes no notes."""
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(model="plain", input="Hi", tools=[WEATHER])
    assert refused.value.code == "tools_not_supported"
    assert "'gpt-4' does" in str(refused.value)
    strict: Any = {"model": "calling", "input": "Hi", "tools": [WEATHER], "prompt": {"id": "json-extractor"}}
    with pytest.raises(openai.PermissionDeniedError) as forbidden:
        await client.responses.create(**strict)
    assert forbidden.value.code == "steering_not_allowed"
    developer = client.with_options(api_key=await running.key(user="dev", role=Role.DEVELOPER))
    assert (await developer.responses.create(**strict)).output[0].type == "function_call"
