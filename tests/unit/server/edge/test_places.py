"""Where a request stands, in both families of bodies."""

from typing import Any

import pytest

from server.core.errors import Refused
from server.core.requests import CURRENT_LEAF, TurnRequest
from server.edge import completions_parse, responses_parse


def chat(**body: Any) -> TurnRequest:
    return completions_parse.parse({"messages": [{"role": "user", "content": "hi"}], **body}, door="d").request


def response(**body: Any) -> TurnRequest:
    return responses_parse.parse({"input": "hi", **body}, door="d").request


@pytest.mark.parametrize("read", [chat, response])
def test_a_branch(read: Any) -> None:
    """The parent is a message, null for the root, or left out for the leaf."""
    assert read(conversation="conv_1").parent == CURRENT_LEAF
    assert read(conversation="conv_1", parent="msg_1").parent == "msg_1"
    assert read(conversation="conv_1", parent=None).parent is None


def test_a_second_answer() -> None:
    """It brings no input, perhaps new instructions; either kind of id names the response."""
    first = responses_parse.parse({"regenerate": "chatcmpl-1", "instructions": "Short."}, door="d").request
    assert (first.regenerate, first.items, first.steering) == ("resp_1", (), "Short.")
    body = {"regenerate": "resp_1", "messages": [{"role": "system", "content": "Short."}], "conversation": "conv_1"}
    second = completions_parse.parse(body, door="d").request
    assert (second.regenerate, second.items, second.steering) == ("resp_1", (), "Short.")
    assert completions_parse.parse({"regenerate": "resp_1"}, door="d").request.items == ()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"parent": "msg_1"}, "parent"),
        ({"parent": None}, "parent"),
        ({"parent": "msg_1", "conversation": "new"}, "parent"),
        ({"parent": 1, "conversation": "conv_1"}, "parent"),
        ({"regenerate": "resp_1"}, "regenerate"),
        ({"regenerate": ["resp_1"]}, "regenerate"),
        ({"regenerate": "resp_1", "parent": "msg_1", "conversation": "conv_1"}, "regenerate"),
    ],
)
@pytest.mark.parametrize("read", [chat, response])
def test_contradictions_are_named(read: Any, body: dict[str, Any], param: str) -> None:
    """A place that cannot be is refused, naming the field."""
    with pytest.raises(Refused) as refused:
        read(**body)
    assert (refused.value.code, refused.value.param) == ("invalid_value", param)


def test_a_chained_response_is_not_regenerated() -> None:
    """One names the response to go on from, the other the response to stand beside."""
    with pytest.raises(Refused, match="invalid_value"):
        responses_parse.parse({"regenerate": "resp_1", "previous_response_id": "resp_2"}, door="d")
