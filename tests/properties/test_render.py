"""However a text is cut and however slowly it is followed, what clients put together is the text."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from openai.types.responses.responses_server_event import ResponsesServerEvent
from pydantic import TypeAdapter

from server.chat.live import LiveTurn
from server.core.events import Event, Kind, last_seq
from server.core.records import Sampling
from server.edge import completions_render, responses_render
from tests.fitting import COMPLETIONS, RESPONSES, check_fits
from tests.unit.server.edge.stories import told, told_of

PIECES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=12)
KINDS: st.SearchStrategy[Kind] = st.sampled_from(["message", "refusal", "reasoning", "function_call"])
ITEMS = st.lists(st.tuples(KINDS, PIECES), max_size=5)
FACTS = st.fixed_dictionaries(
    {
        "echo": st.sampled_from([{}, {"reasoning": {"effort": "low", "summary": "auto"}}]),
        "sampling": st.sampled_from([Sampling(), Sampling(logprobs=1)]),
    }
)
STREAM: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
SOCKET: TypeAdapter[Any] = TypeAdapter(ResponsesServerEvent)
WAKES = st.lists(st.integers(0, 5), max_size=30)


def followed(
    told_whole: LiveTurn, wakes: list[int], render: Callable[[LiveTurn, list[Event], int], list[str]]
) -> list[dict[str, Any]]:
    """Return what a follower is sent to whom the events come in portions of these sizes."""
    live, position, found = LiveTurn(told_whole.turn), -1, []
    left = list(told_whole.events)
    for size in [*wakes, len(left)]:
        live.add(left[:size])
        left = left[size:]
        news = live.after(position)
        if news:
            found += [json.loads(frame) for frame in render(live, news, position)]
            position = last_seq(news[-1])
    return found


@given(PIECES, WAKES)
def test_accumulators_rebuild_the_text(pieces: list[str], wakes: list[int]) -> None:
    """What the SDK's accumulator insists on holds for every cut, and the deltas add up to the text."""
    whole = told(pieces)
    frames = followed(whole, wakes, lambda live, news, at: responses_render.frames(live, news, after=at))
    numbers = [frame["sequence_number"] for frame in frames]
    assert numbers == sorted(set(numbers))
    output: list[dict[str, Any]] = []
    for frame in frames:
        match frame["type"]:
            case "response.output_item.added":
                assert frame["output_index"] == len(output)
                output.append(frame["item"])
            case "response.content_part.added":
                output[frame["output_index"]]["content"].append(frame["part"])
            case "response.output_text.delta":
                output[frame["output_index"]]["content"][frame["content_index"]]["text"] += frame["delta"]
            case "response.output_item.done":
                assert frame["item"] == output[frame["output_index"]] | {"status": "completed"}
            case _:
                pass
    final = frames[-1]["response"]
    assert final["output"][0]["content"][0]["text"] == "".join(pieces)
    assert {frame["response"]["id"] for frame in frames if "response" in frame} == {whole.turn.id}


@given(PIECES, st.integers(-1, 30))
def test_resuming_anywhere_gives_the_rest(pieces: list[str], position: int) -> None:
    """From any position, what follows it has every frame above it once, and the deltas are the rest of the text."""
    live = told(pieces)
    frames = [json.loads(frame) for frame in responses_render.frames(live, live.after(position), after=position)]
    assert all(frame["sequence_number"] > position for frame in frames)
    seen = "".join(pieces[: max(0, position - 3)])
    rest = "".join(frame["delta"] for frame in frames if frame["type"] == "response.output_text.delta")
    assert seen + rest == "".join(pieces)


@given(PIECES, WAKES)
def test_chunks_add_up(pieces: list[str], wakes: list[int]) -> None:
    """The contents of the chunks are the text, the role comes first and the finish reason last, once each."""
    chunks = followed(
        told(pieces), wakes, lambda live, news, _: completions_render.frames(live, news, include_usage=False)
    )
    choices = [chunk["choices"][0] for chunk in chunks]
    assert "".join(choice["delta"].get("content", "") for choice in choices) == "".join(pieces)
    assert ["role" in choice["delta"] for choice in choices] == [True] + [False] * (len(choices) - 1)
    assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + ["stop"]


@given(PIECES, WAKES, st.data())
def test_a_completion_is_resumed_anywhere(pieces: list[str], wakes: list[int], data: st.DataObject) -> None:
    """From the number of any chunk, what follows it is the rest of the text and the end, without a repeat."""

    def render(live: LiveTurn, news: list[Event], _: int) -> list[str]:
        return completions_render.frames(live, news, include_usage=True, numbered=True)

    whole = told(pieces)
    chunks = followed(whole, wakes, render)
    numbers = [chunk["sequence_number"] for chunk in chunks if "sequence_number" in chunk]
    assert numbers == sorted(set(numbers))
    lost_at = data.draw(st.sampled_from(range(len(chunks))))
    seen = chunks[: lost_at + 1]
    position = max(chunk["sequence_number"] for chunk in seen if "sequence_number" in chunk)
    rest = [json.loads(chunk) for chunk in render(whole, whole.after(position), position)]
    told_choices = [choice for chunk in (*seen, *rest) for choice in chunk["choices"]]
    assert "".join(choice["delta"].get("content") or "" for choice in told_choices) == "".join(pieces)
    assert (not rest) == (seen[-1]["choices"] == [])


@given(ITEMS, FACTS, WAKES)
def test_every_event_fits_the_types_of_the_sdk(
    items: list[tuple[Kind, list[str]]], facts: dict[str, Any], wakes: list[int]
) -> None:
    """Whatever an answer is made of and however slowly it is read, SDKs know each event, in an order they accept."""
    frames = followed(
        told_of(items, **facts), wakes, lambda live, news, at: responses_render.frames(live, news, after=at)
    )
    begun: dict[int, tuple[str, str]] = {}
    parts: set[tuple[int, int]] = set()
    done: set[int] = set()
    for frame in frames:
        STREAM.validate_python(frame, strict=True)
        SOCKET.validate_python(frame, strict=True)
        check_fits(frame, RESPONSES)
        index = frame.get("output_index", -1)
        match frame["type"].rpartition("."):
            case ("response.output_item", _, "added"):
                assert index == len(begun)
                begun[index] = frame["item"]["id"], frame["item"]["type"]
            case ("response.output_item", _, "done"):
                assert begun[index] == (frame["item"]["id"], frame["item"]["type"])
                done.add(index)
            case (kind, _, "added") if kind.endswith("part"):
                parts.add((index, frame.get("content_index", frame.get("summary_index", -1))))
            case (_, _, "delta"):
                assert frame["item_id"] == begun[index][0]
                assert index not in done
                part = frame.get("content_index", frame.get("summary_index", -1))
                assert part < 0 or (index, part) in parts
            case _:
                pass
    assert done == set(begun)
    final = frames[-1]["response"]["output"]
    assert [(item["id"], item["type"]) for item in final] == list(begun.values())


@given(ITEMS, FACTS, WAKES, st.booleans())
def test_every_chunk_fits_the_types_of_the_sdk(
    items: list[tuple[Kind, list[str]]], facts: dict[str, Any], wakes: list[int], include_usage: Any
) -> None:
    """The same of chunks; the pieces of a call's arguments come in order, each call under its own number."""
    chunks = followed(
        told_of(items, **facts),
        wakes,
        lambda live, news, _: completions_render.frames(live, news, include_usage=include_usage),
    )
    calls: dict[int, str] = {}
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
        check_fits(chunk, COMPLETIONS)
        for choice in chunk["choices"]:
            for call in choice["delta"].get("tool_calls", ()):
                assert call["index"] in calls or call["index"] == len(calls)
                calls[call["index"]] = calls.get(call["index"], "") + call["function"]["arguments"]
    assert list(calls.values()) == ["".join(pieces) for kind, pieces in items if kind == "function_call"]
