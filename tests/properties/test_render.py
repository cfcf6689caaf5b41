"""However a text is cut and however slowly it is followed, what clients put together is the text."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.chat.live import LiveTurn
from server.core.events import Event, last_seq
from server.edge import completions_render, responses_render
from tests.unit.server.edge.stories import told

PIECES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=12)
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
