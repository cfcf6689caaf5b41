"""`/v1/personas`."""

import json

import pytest

from personas import Compiled
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import PERSONA, FakeCatalogue, World

TOLD = {
    "zh": {
        "title": "导师",
        "greeting": ["你好,{{ user.name }}。"],
        "dials": {"pace": {"label": "节奏", "choices": {"slow": "慢"}}},
    }
}


def test_personas() -> None:
    """A persona shows what users may know of it."""
    with visiting(World()) as client:
        persona = client.get("/v1/personas").json()["data"][0]
        assert persona == client.get("/v1/personas/tutor").json()
        assert (persona["id"], persona["revision"], persona["title"]) == ("tutor", 3, "Tutor")
        assert persona["greetings"] == ["Hello."]
        assert persona["dials"] == {"pace": {"choices": ["slow", "fast"], "default": "slow"}}
        assert error_of(client.get("/v1/personas/nope")) == (404, "persona_not_found")


@pytest.mark.parametrize(
    ("header", "title"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "导师"),
        ("en;q=0.5, ZH-hans;q=0.7", "导师"),
        ("*;q=0.9,zh;q=0.5", "导师"),
        ("en-US,en;q=0.9,zh;q=0.8", "Tutor"),
        ("zh;q=0", "Tutor"),
        ("zh;q=many", "Tutor"),
        ("x" * 5000 + ",zh", "Tutor"),
        ("", "Tutor"),
    ],
)
def test_a_persona_is_told_in_the_language_of_the_client(header: str, title: str) -> None:
    """The language that a client prefers is used where the persona has words in it."""
    told = Compiled.from_json(json.dumps(json.loads(PERSONA.to_json()) | {"locales": TOLD}))
    with visiting(World(catalogue=FakeCatalogue(told))) as client:
        answer = client.get("/v1/personas/tutor", headers={"accept-language": header})
    assert answer.json()["title"] == title
    assert answer.headers["vary"] == "Accept-Language"


def test_greetings_are_what_people_read() -> None:
    """Nothing of the template language is shown, and choices stay what programs send."""
    told = Compiled.from_json(json.dumps(json.loads(PERSONA.to_json()) | {"locales": TOLD}))
    with visiting(World(catalogue=FakeCatalogue(told))) as client:
        persona = client.get("/v1/personas/tutor", headers={"accept-language": "zh"}).json()
    assert persona["greetings"] == ["你好,ana。"]
    assert persona["dials"]["pace"] == {
        "choices": ["slow", "fast"],
        "default": "slow",
        "label": "节奏",
        "labels": {"slow": "慢"},
    }
    assert persona["locales"] == ["zh"]
