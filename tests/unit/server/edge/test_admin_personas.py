"""`/admin/personas`."""

from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World

OPERATOR = {"authorization": "Bearer sk-op"}


def test_all_personas_with_their_labels() -> None:
    """Personas come by name, each with the revision that every label points at."""
    with visiting(World(), headers=OPERATOR) as client:
        data = client.get("/admin/personas").json()["data"]
    assert [(persona["id"], persona["labels"]) for persona in data] == [
        ("editor", {"live": 7}),
        ("tutor", {"live": 1, "draft": 2}),
    ]


def test_the_revisions_of_a_persona() -> None:
    """The newest revision comes first, each with the labels that point at it; another name is 404."""
    with visiting(World(), headers=OPERATOR) as client:
        data = client.get("/admin/personas/tutor/revisions").json()["data"]
        assert [(one["id"], one["revision"], one["labels"]) for one in data] == [
            ("tutor@2", 2, ["draft"]),
            ("tutor@1", 1, ["live"]),
        ]
        assert error_of(client.get("/admin/personas/nobody/revisions")) == (404, "persona_not_found")
