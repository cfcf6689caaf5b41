"""`/v1/conversations`: what is stored of a user, to list, read, change and delete."""

from typing import Any, Literal

from fastapi import APIRouter, Request

from server.core.items import message_id
from server.core.ports_conversations import Change
from server.core.records import Conversation
from server.edge.asked import LONGEST_ID
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object
from server.edge.fields import Fields
from server.edge.http_personas import seconds
from server.edge.items_render import items_of
from server.edge.pages import After, Limit, cut, page
from server.edge.shapes.bodies import ConversationBody, described

LONGEST_TITLE = 200

router = APIRouter(tags=["conversations"])


@router.get("/v1/conversations")
async def list_conversations(
    actor: CurrentActor,
    services: CurrentServices,
    limit: Limit = 20,
    after: After = None,
    *,
    archived: bool = False,
) -> dict[str, Any]:
    """Return the conversations of the user (with `archived=true`, those put away), most recently used first."""
    found = await services.conversations.list(actor, after=after, limit=limit, archived=archived)
    return page([shown(one) for one in found.items], more=found.more)


@router.get("/v1/conversations/{conversation_id}")
async def one_conversation(conversation_id: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return a conversation."""
    return shown(await services.conversations.get(actor, conversation_id))


@router.post("/v1/conversations/{conversation_id}", openapi_extra=described(ConversationBody))
async def change(
    conversation_id: str, request: Request, actor: CurrentActor, services: CurrentServices
) -> dict[str, Any]:
    """Give a conversation another title or metadata, put it away, or let it go on from another message."""
    fields = Fields(await read_object(request))
    metadata = None if fields.given("metadata") is None else fields.texts("metadata", most=16)
    change = Change(metadata=metadata, archived=fields.flag("archived"))
    leaf = fields.text("leaf", LONGEST_ID)
    alone = leaf is None and change == Change()
    title = fields.needed_text("title", LONGEST_TITLE) if alone else fields.text("title", LONGEST_TITLE)
    # What may be refused comes first: of a call that is refused nothing is done.
    if leaf is not None:
        await services.conversations.choose(actor, conversation_id, message_id(leaf))
    if change != Change():
        await services.keeper.change(actor, conversation_id, change)
    if title is not None:
        await services.conversations.rename(actor, conversation_id, title)
    return shown(await services.conversations.get(actor, conversation_id))


@router.delete("/v1/conversations/{conversation_id}")
async def delete(conversation_id: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Delete a conversation with all its messages."""
    await services.conversations.delete(actor, conversation_id)
    return {"id": conversation_id, "object": "conversation.deleted", "deleted": True}


@router.get("/v1/conversations/{conversation_id}/items")
async def items(
    conversation_id: str,
    actor: CurrentActor,
    services: CurrentServices,
    limit: Limit = 20,
    after: After = None,
    order: Literal["asc", "desc"] = "desc",
    leaf: str | None = None,
) -> dict[str, Any]:
    """Return the messages on the path to the conversation's leaf, or to another message of it."""
    leaf = None if leaf is None else message_id(leaf)
    messages = await services.conversations.messages(actor, conversation_id, leaf)
    found = [item | {"siblings": one.siblings} for one in messages for item in items_of(one.message)]
    return cut(found, limit=limit, after=after, order=order)


def shown(found: Conversation) -> dict[str, Any]:
    """Return a conversation as clients see it."""
    return {
        "id": found.id,
        "object": "conversation",
        "created_at": seconds(found.created_at),
        "updated_at": seconds(found.updated_at),
        "title": found.title,
        "persona": found.persona,
        "revision": found.revision,
        "leaf": found.leaf_id,
        "metadata": dict(found.metadata or {}),
        "archived": found.archived_at is not None,
    }
