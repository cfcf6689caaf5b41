"""JSON from outside."""

import pytest

from server.core.errors import Refused
from server.edge.json_in import MOST_BOXES, MOST_BYTES, MOST_LEVELS, MOST_VALUES, decode, decode_any, digest


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", '"x"', '{"a":NaN}', '{"a":1e999}', '{"a":"\\ud800"}', "{'a':1}"])
def test_what_is_not_an_object_is_refused(text: str) -> None:
    """Broken JSON, values that are no objects, and text that cannot be stored are `invalid_json`."""
    with pytest.raises(Refused) as refused:
        decode(text)
    assert refused.value.code == "invalid_json"


@pytest.mark.parametrize("text", ["", "[", "1,2", '1,"x":2', '[1],"body":[2]', "[1]}", '{"a":NaN}'])
def test_what_is_not_one_value_is_refused(text: str) -> None:
    """Nothing may stand behind the value, and it is checked as an object is."""
    assert decode_any("[1]") == [1]
    with pytest.raises(Refused) as refused:
        decode_any(text)
    assert refused.value.code == "invalid_json"


def nested(levels: int) -> str:
    return '{"a":' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


def test_depth_is_bounded() -> None:
    """64 levels pass; one more, or ten thousand more, are `too_deep`."""
    assert decode(nested(MOST_LEVELS))
    for levels in (MOST_LEVELS + 1, 10_000):
        for read in (decode, decode_any):
            with pytest.raises(Refused) as refused:
                read(nested(levels))
            assert refused.value.code == "too_deep"


@pytest.mark.parametrize("box", ["[]", "{}", '["\\\\"]', '[""]'])
def test_arrays_and_objects_are_counted(box: str) -> None:
    """Millions of them would hold up everybody; brackets in texts, whatever is escaped there, are no arrays."""
    assert decode('{"a":[' + ",".join([box] * (MOST_BOXES - 2)) + "]}")
    for text in ('{"a":[' + ",".join([box] * (MOST_BOXES - 1)) + "]}", "[" * MOST_BOXES + "{"):
        for given in (text, text.encode()):
            with pytest.raises(Refused) as refused:
                decode(given)
            assert refused.value.code == "invalid_value"
    assert decode('{"a":"' + '[{\\"' * MOST_BOXES + '"}')


@pytest.mark.parametrize("value", ["0", '"[,:\\""'])
def test_values_are_counted(value: str) -> None:
    """However small they are; commas, colons and brackets in texts are none."""
    assert decode('{"a":[' + ",".join([value] * (MOST_VALUES - 2)) + "]}")
    text = '{"a":[' + ",".join([value] * (MOST_VALUES - 1)) + "]}"
    for given in (text, text.encode(), '"["' * (MOST_VALUES + 1)):
        with pytest.raises(Refused) as refused:
            decode(given)
        assert refused.value.code == "invalid_value"


@pytest.mark.parametrize("filler", ["x", "é", "😀"])
def test_size_counts_bytes(filler: str) -> None:
    """The limit is in bytes, however many of them a character takes."""
    room = (MOST_BYTES - len('{"a":""}')) // len(filler.encode())
    assert decode('{"a":"' + filler * room + '"}')
    with pytest.raises(Refused) as refused:
        decode('{"a":"' + filler * (room + 1) + '"}')
    assert refused.value.code == "message_too_large"


def test_the_digest_ignores_delivery_and_order() -> None:
    """The same question asked as a stream, in another lane or with its members in another order has the same digest."""
    plain = digest({"model": "m", "input": "hi"})
    assert plain == digest({"input": "hi", "stream": True, "stream_id": "a", "model": "m", "client_request_id": "r"})
    assert plain != digest({"model": "m", "input": "ho"})
