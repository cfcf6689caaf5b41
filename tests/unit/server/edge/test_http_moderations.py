"""What the rules say of texts, as programs ask it."""

from typing import Any

import pytest
from openai.types import ModerationCreateResponse

from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World

SECRET = "sk-proj-" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY" * 2


def judged(body: dict[str, Any]) -> list[tuple[bool, list[str]]]:
    """Return for each text whether it is flagged, and the categories that it meets."""
    with visiting(World()) as client:
        answer = client.post("/v1/moderations", json=body)
    assert answer.status_code == 200, answer.text
    ModerationCreateResponse.model_validate(answer.json(), strict=True)
    results = answer.json()["results"]
    return [(one["flagged"], [name for name, met in one["categories"].items() if met]) for one in results]


def test_each_text_is_judged() -> None:
    """What would be refused is flagged, by the category of the rule; a secret is only told, as it is the user's own."""
    assert judged({"input": "hello"}) == [(False, [])]
    assert judged({"input": ["this is forbidden", "hello", SECRET], "model": "omni-moderation-latest"}) == [
        (True, ["blocklist"]),
        (False, []),
        (False, ["secret"]),
    ]


def test_parts_are_judged_together() -> None:
    """A phrase that is cut between parts is found."""
    parts = [{"type": "text", "text": "this is forb"}, {"type": "text", "text": "idden"}]
    assert judged({"input": parts}) == [(True, ["blocklist"])]


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_field", "input"),
        ({"input": []}, "invalid_value", "input"),
        ({"input": ["a"] * 129}, "invalid_value", "input"),
        ({"input": 1}, "invalid_value", "input"),
        ({"input": ["a", 1]}, "invalid_value", "input[0]"),
        ({"input": [{"type": "image_url"}]}, "unsupported_value", "input[0].type"),
        ({"input": [{"type": "text"}]}, "missing_field", "input[0].text"),
    ],
)
def test_what_cannot_be_judged_is_refused(body: dict[str, Any], code: str, param: str) -> None:
    """Every refusal names the field."""
    with visiting(World()) as client:
        answer = client.post("/v1/moderations", json=body)
    assert error_of(answer) == (400, code)
    assert answer.json()["error"]["param"] == param
