"""`/v1/conversations`."""

from openai.types.conversations import ConversationDeletedResource

from server.core.records import Conversation, Message, TextPart
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World
from tests.unit.server.edge.stories import NOW


def a_conversation(number: int, user: str = "ana") -> Conversation:
    return Conversation(
        id=f"conv_{number}", user_id=user, created_at=NOW, updated_at=NOW, title=f"t{number}", leaf_id="m"
    )


def test_conversations() -> None:
    """Conversations are listed in pages, read, renamed and deleted; another user's are not found."""
    world = World()
    world.store.kept = [a_conversation(1), a_conversation(2), a_conversation(3, "bo")]
    with visiting(world) as client:
        page = client.get("/v1/conversations?limit=1").json()
        assert (page["last_id"], page["has_more"]) == ("conv_1", True)
        page = client.get("/v1/conversations?limit=1&after=conv_1").json()
        assert ([found["id"] for found in page["data"]], page["has_more"]) == (["conv_2"], False)
        renamed = client.post("/v1/conversations/conv_1", json={"title": "new"}).json()
        assert renamed["title"] == client.get("/v1/conversations/conv_1").json()["title"] == "new"
        assert error_of(client.post("/v1/conversations/conv_1", json={})) == (400, "missing_field")
        assert error_of(client.post("/v1/conversations/conv_1", json={"title": "x" * 201})) == (400, "invalid_value")
        marked = client.post("/v1/conversations/conv_1", json={"metadata": {"a": "b"}, "archived": True}).json()
        assert (marked["metadata"], marked["archived"]) == ({"a": "b"}, True)
        ConversationDeletedResource.model_validate(client.delete("/v1/conversations/conv_1").json(), strict=True)
        for call in ("conv_1", "conv_3"):
            assert error_of(client.get(f"/v1/conversations/{call}")) == (404, "conversation_not_found")
            assert error_of(client.post(f"/v1/conversations/{call}", json={"title": "x"})) == (
                404,
                "conversation_not_found",
            )
            assert error_of(client.delete(f"/v1/conversations/{call}")) == (404, "conversation_not_found")
            assert error_of(client.get(f"/v1/conversations/{call}/items")) == (404, "conversation_not_found")


def test_items_of_a_conversation() -> None:
    """Messages come in either order and in pages, as items of the Responses protocol."""
    world = World()
    world.store.kept = [a_conversation(1)]
    world.store.said = [
        Message(id="msg_1", role="user", parts=(TextPart("hi"),), created_at=NOW),
        Message(id="msg_2", role="assistant", parts=(TextPart("ho"),), created_at=NOW, turn_id="resp_1"),
    ]
    with visiting(world) as client:
        page = client.get("/v1/conversations/conv_1/items?order=asc").json()
        assert [item["content"][0]["type"] for item in page["data"]] == ["input_text", "output_text"]
        assert (page["first_id"], page["last_id"], page["has_more"]) == ("msg_1", "msg_2", False)
        page = client.get("/v1/conversations/conv_1/items?limit=1").json()
        assert (page["last_id"], page["has_more"]) == ("msg_2", True)
        page = client.get("/v1/conversations/conv_1/items?limit=1&after=msg_2").json()
        assert (page["last_id"], page["has_more"]) == ("msg_1", False)
        assert error_of(client.get("/v1/conversations/conv_1/items?order=up")) == (400, "invalid_value")


def test_branches_of_a_conversation() -> None:
    """Items say to which message they answer and which stand beside them; another branch can be read and chosen."""
    world = World()
    world.store.kept = [a_conversation(1)]
    world.store.said = [
        Message(id="msg_1", role="user", parts=(TextPart("hi"),), created_at=NOW),
        Message(id="msg_2", role="assistant", parts=(TextPart("ho"),), created_at=NOW + 1, parent_id="msg_1"),
        Message(id="msg_3", role="assistant", parts=(TextPart("hu"),), created_at=NOW + 2, parent_id="msg_1"),
    ]
    with visiting(world) as client:
        page = client.get("/v1/conversations/conv_1/items?order=asc&leaf=msg_2").json()
        assert [(item["parent_id"], item["siblings"]) for item in page["data"][:2]] == [
            (None, ["msg_1"]),
            ("msg_1", ["msg_2", "msg_3"]),
        ]
        assert error_of(client.get("/v1/conversations/conv_1/items?leaf=msg_9")) == (404, "message_not_found")
        assert client.post("/v1/conversations/conv_1", json={"leaf": "msg_2"}).json()["leaf"] == "msg_2"
        both = client.post("/v1/conversations/conv_1", json={"leaf": "msg_1", "title": "new"}).json()
        assert (both["leaf"], both["title"]) == ("msg_3", "new")
        wrong = client.post("/v1/conversations/conv_1", json={"leaf": "msg_9", "archived": True, "title": "x"})
        assert error_of(wrong) == (404, "message_not_found")
        kept = client.get("/v1/conversations/conv_1").json()
        assert (kept["archived"], kept["title"]) == (False, "new")
