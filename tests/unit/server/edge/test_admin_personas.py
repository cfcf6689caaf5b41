"""`/admin/personas`: the life of a release over HTTP, on a real database and real files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.unit.server.edge.backstage import releasing
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World

OPERATOR = {"authorization": "Bearer sk-op"}


def text(body: str, *, name: str = "pilot", front: str = "") -> str:
    """Return the text of a persona."""
    return f"---\nspec: persona/1\nname: {name}\nsummary: Flies.\n{front}---\n\n{body}\n"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with releasing(tmp_path) as operations, visiting(World(operations=operations), headers=OPERATOR) as client:
        yield client


def written(client: TestClient, *bodies: str) -> list[dict[str, Any]]:
    found = []
    for body in bodies:
        answer = client.post("/admin/personas/pilot/revisions", json={"source": text(body), "note": f"says {body}"})
        assert answer.status_code == 201, answer.text
        found.append(answer.json())
    return found


def published(client: TestClient, **body: Any) -> Any:
    answer = client.post("/admin/personas/pilot/publish", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_text_becomes_a_draft_and_then_live(client: TestClient) -> None:
    """What an operator writes is a draft with their name and note, and answers once it is published."""
    (draft,) = written(client, "You fly.")
    assert (draft["id"], draft["revision"], draft["labels"], draft["origin"]) == ("pilot@1", 1, ["draft"], "console")
    assert (draft["author"], draft["note"], draft["problems"]) == ("op key_op", "says You fly.", [])
    assert published(client)["labels"] == {"live": 1}
    whole = client.get("/admin/personas/pilot/revisions/1").json()
    assert whole["source"] == text("You fly.")
    assert whole["published_at"]
    (release,) = client.get("/admin/personas").json()["data"]
    assert (release["id"], release["labels"], release["rollout"]) == ("pilot", {"live": 1}, [])


def test_a_text_with_mistakes_is_refused_with_all_of_them(client: TestClient) -> None:
    """Each mistake comes with its line and cure, and nothing is stored; a warning stops nothing."""
    bad = text("You fly to {{ user.nam }}.", front="titel: Pilot\n")
    answer = client.post("/admin/personas/pilot/revisions", json={"source": bad})
    assert error_of(answer) == (400, "persona_source_invalid")
    problems = answer.json()["error"]["problems"]
    assert {problem["severity"] for problem in problems} == {"error"}
    assert all(problem["line"] >= 1 and problem["cure"] for problem in problems)
    assert client.get("/admin/personas").json()["data"] == []
    assert client.post("/admin/personas/pilot/lint", json={"source": bad}).json()["data"] == problems
    assert client.post("/admin/personas/pilot/lint", json={"source": text("You fly.")}).json()["data"] == []


def test_a_text_belongs_to_the_persona_of_the_address(client: TestClient) -> None:
    """A text that names another persona is refused, and the house is no persona that has revisions."""
    other = {"source": text("You fly.", name="other")}
    assert error_of(client.post("/admin/personas/pilot/revisions", json=other)) == (400, "persona_source_invalid")
    house = {"source": text("Be rude.", name="house")}
    assert error_of(client.post("/admin/personas/house/revisions", json=house)) == (409, "release_refused")


def test_rollback_and_recall(client: TestClient) -> None:
    """Going back leads to what was live before, and can recall what it leaves."""
    written(client, "One.", "Two.", "Three.")
    for number in (1, 2, 3):
        published(client, revision=number)
    back = client.post("/admin/personas/pilot/rollback", json={"recall": True}).json()
    assert (back["labels"]["live"], back["recalled"]) == (2, [3])
    recalled = client.post("/admin/personas/pilot/revisions/1/recall").json()
    assert recalled["recalled"] == [1, 3]
    assert error_of(client.post("/admin/personas/pilot/rollback", json={})) == (409, "release_refused")


def test_rollout(client: TestClient) -> None:
    """Shares of the users are set as a whole; shares that cannot be are refused."""
    written(client, "One.", "Two.")
    published(client, revision=1)
    address = "/admin/personas/pilot/rollout"
    answer = client.put(address, json={"shares": [{"revision": 2, "percent": 10}]})
    assert answer.json()["rollout"] == [{"revision": 2, "percent": 10}]
    for shares, code in (
        ([{"revision": 2, "percent": 101}], "invalid_value"),
        ([{"revision": 1, "percent": 60}, {"revision": 2, "percent": 60}], "invalid_value"),
        ([{"revision": 2}], "missing_field"),
        ("all", "invalid_value"),
        ([{"revision": 9, "percent": 1}], "persona_not_found"),
    ):
        assert error_of(client.put(address, json={"shares": shares}))[1] == code
    assert client.put(address, json={"shares": []}).json()["rollout"] == []


def test_what_differs(client: TestClient) -> None:
    """The difference of two revisions is a unified diff of what was written."""
    written(client, "You fly.", "You soar.")
    diff = client.get("/admin/personas/pilot/diff/1/2").json()["diff"]
    assert [line for line in diff.splitlines() if line[0] in "+-"] == [
        "--- pilot@1",
        "+++ pilot@2",
        "-You fly.",
        "+You soar.",
    ]
    assert client.get("/admin/personas/pilot/diff/1/1").json()["diff"] == ""


def test_every_change_is_in_the_audit(client: TestClient) -> None:
    """Each change names the operator and their key."""
    written(client, "One.", "Two.")
    published(client, revision=1)
    published(client, revision=2, label="staging")
    client.put("/admin/personas/pilot/rollout", json={"shares": [{"revision": 2, "percent": 10}]})
    published(client, revision=2)
    client.post("/admin/personas/pilot/rollback", json={})
    client.post("/admin/personas/pilot/revisions/2/recall")
    entries = client.get("/admin/audit").json()["data"]
    assert {entry["who"] for entry in entries} == {"op key_op"}
    assert [entry["what"] for entry in reversed(entries)] == [
        "persona drafted",
        "persona drafted",
        "persona published",
        "persona published",
        "persona rolled out",
        "persona published",
        "persona rolled back",
        "persona recalled",
    ]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/admin/personas/nobody/revisions", (404, "persona_not_found")),
        ("GET", "/admin/personas/nobody/revisions/1", (404, "persona_not_found")),
        ("GET", "/admin/personas/pilot/revisions/0", (400, "invalid_value")),
        ("GET", "/admin/personas/pilot/revisions/99999999999999999999", (400, "invalid_value")),
        ("GET", "/admin/personas/%00/revisions", (400, "invalid_value")),
        ("GET", "/admin/personas/..%2f..%2fhouse/revisions", (404, "not_found")),
        ("GET", "/admin/personas/pilot/diff/1/2", (404, "persona_not_found")),
        ("POST", "/admin/personas/pilot/publish", (404, "persona_not_found")),
        ("POST", "/admin/personas/pilot/rollback", (409, "release_refused")),
        ("POST", "/admin/personas/pilot/revisions/4/recall", (404, "persona_not_found")),
        ("POST", "/admin/personas/pilot/revisions", (400, "missing_field")),
    ],
)
def test_what_is_not_there(client: TestClient, method: str, path: str, expected: tuple[int, str]) -> None:
    """What does not exist or is no name is refused in the shape of every error."""
    assert error_of(client.request(method, path, json={})) == expected


def test_a_gate_may_keep_a_revision_from_users(tmp_path: Path) -> None:
    """What the gate vetoes becomes neither live nor a share, and may still be staged."""

    async def closed(persona: str, digest: str) -> str:
        return f"{persona} was not tested."

    with releasing(tmp_path, gate=closed) as operations, visiting(World(operations=operations), OPERATOR) as client:
        written(client, "One.")
        answer = client.post("/admin/personas/pilot/publish", json={"revision": 1})
        assert error_of(answer) == (409, "release_refused")
        assert "pilot was not tested." in answer.json()["error"]["message"]
        shares = {"shares": [{"revision": 1, "percent": 1}]}
        assert error_of(client.put("/admin/personas/pilot/rollout", json=shares)) == (409, "release_refused")
        assert published(client, revision=1, label="staging")["labels"] == {"draft": 1, "staging": 1}
