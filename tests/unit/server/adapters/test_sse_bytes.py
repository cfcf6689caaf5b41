import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.adapters.sse_bytes import LINE_LIMIT, AnswerDecoder
from server.core.logprobs import Token
from server.core.ports import Aside, Batch, UpstreamFailed
from server.core.records import Usage

FINISH = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE = {
    "choices": [],
    "usage": {
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "total_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 2},
    },
}
DONE = b"data: [DONE]\n\n"


def said(text: str | None, **fields: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}], **fields}


def event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def decoded(*reads: bytes) -> list[Batch]:
    decoder = AnswerDecoder()
    batches = [decoder.feed(read) for read in reads]
    return [batch for batch in [*batches, decoder.end()] if batch is not None]


def text_of(batches: list[Batch]) -> str:
    return "".join(batch.text for batch in batches)


def test_joins_what_one_read_brings() -> None:
    """All deltas of a read are one batch; the finish reason comes with the usage when the answer is over."""
    assert decoded(event(said("Hel")) + event(said("lo")), event(FINISH), event(USAGE) + DONE) == [
        Batch("Hello"),
        Batch("", "stop", Usage(7, 3, 5, 2)),
    ]


def test_a_whole_answer_in_one_read_is_one_batch() -> None:
    """Text, finish reason and usage that arrive together are given together."""
    assert decoded(event(said("Hi")) + event(FINISH) + event(USAGE) + DONE) == [Batch("Hi", "stop", Usage(7, 3, 5, 2))]


@given(st.lists(st.text(max_size=6), max_size=6), st.lists(st.integers(0, 2000), max_size=12), st.booleans())
def test_the_cuts_of_the_reads_do_not_matter(texts: list[str], cuts: list[int], crlf: bool) -> None:  # noqa: FBT001
    """However the bytes are cut, the text, the finish reason and the usage are the same, and no batch is empty."""
    data = b": hello\n\n" + b"".join(event(said(text)) for text in texts) + event(FINISH) + event(USAGE) + DONE
    data = data.replace(b"\n", b"\r\n") if crlf else data
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    batches = decoded(*(data[start:end] for start, end in pairwise(edges)))
    assert text_of(batches) == "".join(texts)
    assert [(batch.finish, batch.usage) for batch in batches if batch.finish] == [("stop", Usage(7, 3, 5, 2))]
    assert all(batch.text or batch.finish for batch in batches)


@pytest.mark.parametrize("field", ["prompt_tokens", "completion_tokens"])
@pytest.mark.parametrize("count", [-5, 10**9 + 1, 2**63 - 1, 10**30])
def test_counts_that_cannot_be_are_not_believed(field: str, count: int) -> None:
    """A provider that reports less than nothing, or more than any answer has, is as one that does not report."""
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3} | {field: count}}
    assert decoded(event(said("Hi")) + event(FINISH) + event(usage) + DONE) == [Batch("Hi", "stop", None)]


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": 7},
        {"completion_tokens": 3},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 7, "completion_tokens": 0},
    ],
)
def test_a_count_that_is_not_whole_is_no_count(counts: dict[str, Any]) -> None:
    """What was answered is not free because a provider counts nothing: it is estimated."""
    usage = {"choices": [], "usage": counts}
    assert decoded(event(said("Hi")) + event(FINISH) + event(usage) + DONE) == [Batch("Hi", "stop", None)]


def test_an_answer_without_anything_may_have_no_tokens() -> None:
    """Then none is what it has."""
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 0}}
    assert decoded(event(said("")) + event(FINISH) + event(usage) + DONE) == [Batch("", "stop", Usage(7, 0, 0, 0))]


def test_passes_over_what_it_does_not_know() -> None:
    """Comments, other fields, unknown members, null members and empty deltas change nothing."""
    noise = b": ping\n\nevent: message\nid: 1\nretry: 5\n"
    role = {
        "choices": [{"delta": {"role": "assistant", "content": None, "refusal": None}, "logprobs": None}],
        "x": [{}],
    }
    nulls = {"choices": None, "usage": None, "error": None}
    data = noise + event(role) + event(nulls) + event(said("", usage=None)) + event(said("a")) + event(FINISH) + DONE
    assert decoded(data) == [Batch("a", "stop")]


def test_takes_the_first_of_several_choices() -> None:
    """Other choices than the one with index 0 are not heard."""
    both = {"choices": [{"index": 1, "delta": {"content": "no"}}, {"index": 0, "delta": {"content": "yes"}}]}
    other = {"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]}
    assert decoded(event(both) + event(other) + event(FINISH) + DONE) == [Batch("yes", "stop")]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("stop", "stop"),
        ("tool_calls", "stop"),
        ("eos", "stop"),
    ],
)
def test_knows_three_reasons_to_finish(reason: str, finish: str) -> None:
    """What is neither a limit nor a filter is a stop."""
    last = {"choices": [{"delta": {}, "finish_reason": reason}]}
    assert decoded(event(last) + DONE)[0].finish == finish


def test_text_after_the_finish_reason_still_comes_before_it() -> None:
    """The finish reason is given with or after the last text, whatever the provider's order."""
    assert decoded(event(FINISH), event(said("late")) + DONE) == [Batch("late", "stop")]


def test_nothing_after_the_end_counts() -> None:
    """What follows `[DONE]` is not read."""
    decoder = AnswerDecoder()
    assert decoder.feed(event(FINISH) + DONE + event(said("x"))) == Batch("", "stop")
    assert decoder.complete
    assert decoder.feed(event(said("x"))) is None
    assert decoder.end() is None


def test_an_answer_may_end_without_the_mark() -> None:
    """A provider that has given its finish reason need not send `[DONE]`, nor the last line break."""
    assert decoded(event(said("a")), event(FINISH).rstrip()) == [Batch("a"), Batch("", "stop")]


@pytest.mark.parametrize("end", [b"", DONE])
def test_an_answer_without_a_finish_reason_broke_off(end: bytes) -> None:
    """The text is given, then the failure."""
    decoder = AnswerDecoder()
    assert decoder.feed(event(said("half")) + end) == Batch("half")
    with pytest.raises(UpstreamFailed) as why:
        decoder.end()
    assert (why.value.code, why.value.elsewhere) == ("upstream_broke_off", False)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({"message": "overloaded", "code": 503}, "overloaded"),
        ("out of memory", "out of memory"),
        ({"code": 1}, "The provider reported an error."),
    ],
)
def test_an_error_in_the_stream_comes_after_the_text_before_it(error: Any, message: str) -> None:
    """Text that arrived with an error is given first; then every call raises."""
    decoder = AnswerDecoder()
    assert decoder.feed(event(said("half")) + event({"error": error})) == Batch("half")
    for _ in range(2):
        with pytest.raises(UpstreamFailed, match=message) as why:
            decoder.feed(event(said("more")))
        assert why.value.code == "upstream_broke_off"


@pytest.mark.parametrize(
    "line", [b"data: {", b"data: []", b'data: {"choices": 3}', b'data: {"choices":[{"delta":{"content":"\xff"}}]}']
)
def test_what_is_no_chunk_breaks_the_answer(line: bytes) -> None:
    """Bytes that are not a chat chunk are a failure of the catalogue, never an error of the decoder."""
    with pytest.raises(UpstreamFailed) as why:
        AnswerDecoder().feed(line + b"\n")
    assert why.value.code == "upstream_broke_off"


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_has_a_limit(end: bytes) -> None:
    """A line of over 4 MiB is refused, whether it has ended or not."""
    with pytest.raises(UpstreamFailed, match="4 MiB"):
        AnswerDecoder().feed(b"data: " + b"x" * LINE_LIMIT + end)


def test_reads_an_answer_that_is_one_document() -> None:
    """An upstream that does not stream gives one batch."""
    body: dict[str, Any] = dict(USAGE)
    body["choices"] = [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "length"}]
    assert AnswerDecoder().document(json.dumps(body).encode()) == Batch("Hi", "length", Usage(7, 3, 5, 2))


@pytest.mark.parametrize("body", [b"{}", b'{"error":{"message":"no"}}', b"<html>"])
def test_a_document_that_is_no_answer_broke_off(body: bytes) -> None:
    """A document without a finished answer is a failure."""
    with pytest.raises(UpstreamFailed) as why:
        AnswerDecoder().document(body)
    assert why.value.code == "upstream_broke_off"


def more(**delta: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta}]})


def test_calls_come_piece_by_piece() -> None:
    """Pieces of calls keep their call, its id and its name, in the order in which they came."""
    first = {"index": 0, "id": "c0", "type": "function", "function": {"name": "f", "arguments": ""}}
    pieces = [{"index": 0, "function": {"arguments": "{}"}}, {"index": 1, "id": "c1", "function": {"name": "g"}}]
    (batch, last) = decoded(more(tool_calls=[first]) + more(tool_calls=pieces), event(FINISH) + DONE)
    assert list(batch.asides) == [
        Aside(kind="function_call", call=0, call_id="c0", name="f"),
        Aside(kind="function_call", call=0, text="{}"),
        Aside(kind="function_call", call=1, call_id="c1", name="g"),
    ]
    assert last == Batch("", "stop")


def test_a_whole_answer_has_its_calls() -> None:
    """Calls of an answer that is one document have no index; their order counts."""
    calls = [{"id": name, "function": {"name": name, "arguments": "{}"}} for name in ("a", "b")]
    document = {"choices": [{"message": {"content": None, "tool_calls": calls}, "finish_reason": "tool_calls"}]}
    batch = AnswerDecoder().document(json.dumps(document).encode())
    assert [(aside.call, aside.name) for aside in batch.asides] == [(0, "a"), (1, "b")]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_and_refusals_are_no_text(name: str) -> None:
    """What a model thinks, under either name, and its refusal stand beside the text."""
    (batch, _) = decoded(more(**{name: "Hm"}) + more(content="a") + more(refusal="No."), event(FINISH) + DONE)
    assert batch.text == "a"
    assert list(batch.asides) == [Aside(kind="reasoning", text="Hm"), Aside(kind="refusal", text="No.")]


def test_log_probabilities_come_with_text() -> None:
    """What is told of tokens comes with the next text, never alone."""
    told = {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]}
    early = event({"choices": [{"index": 0, "delta": {}, "logprobs": told}]})
    batches = decoded(early, event(said("a")), event(FINISH) + DONE)
    assert batches == [Batch("a", tokens=(Token("a", -0.5, [97]),)), Batch("", "stop")]
