"""`/v1/conversations`: begin and fill conversations, search them, take them along and bring them in."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse, Response

from server.chat import transfer
from server.core import searching
from server.core.errors import Refused
from server.core.items import message_id
from server.core.ports_search import Match
from server.core.requests import Item
from server.edge import asked
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object, read_value
from server.edge.fields import Fields, unsupported
from server.edge.http_conversations import shown
from server.edge.items_render import items_of
from server.edge.pages import After, Limit, page
from server.edge.responses_parse import said
from server.edge.shapes.bodies import ItemsBody, NewConversationBody, described

LONGEST_QUERY: Final = 500

router = APIRouter(tags=["conversations"])


@router.post("/v1/conversations", openapi_extra=described(NewConversationBody))
async def create(request: Request, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Begin a conversation, empty or with items."""
    fields = Fields(await read_object(request))
    items = [] if fields.given("items") is None else _items(fields)
    made = await services.keeper.create(
        actor, items, title=fields.text("title", 200) or "", metadata=fields.texts("metadata", most=16)
    )
    return shown(made)


@router.get("/v1/conversations/search")
async def search(
    actor: CurrentActor,
    services: CurrentServices,
    query: Annotated[str, Query(max_length=LONGEST_QUERY)],
    limit: Limit = 20,
    after: After = None,
) -> dict[str, Any]:
    """Return where all words of `query` are, in one message or title, newest first."""
    wanted = searching.query(query)
    found = await services.keeper.find(actor, wanted, after=after, limit=limit)
    data = [_match(one, wanted) for one in found.items]
    return page(data, more=found.more) | {"last_id": found.items[-1].place if found.items else None}


@router.post("/v1/conversations/import")
async def bring(request: Request, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Store the conversations of a file: those of an export, or of ChatGPT's `conversations.json`."""
    brought = transfer.read(await read_value(request), lambda: services.ids.new("msg"), services.clock.now())
    return page([shown(one) for one in await services.keeper.bring(actor, brought)], more=False)


@router.get("/v1/conversations/{conversation_id}/export")
async def export(
    conversation_id: str,
    actor: CurrentActor,
    services: CurrentServices,
    form: Annotated[Literal["json", "markdown"], Query(alias="format")] = "json",
) -> Any:
    """Return a conversation as a file: JSON with every branch, or Markdown of the path to its leaf."""
    found = await services.conversations.get(actor, conversation_id)
    if form == "json":
        return transfer.document(found, await services.keeper.everything(actor, conversation_id))
    path = [one.message for one in await services.conversations.messages(actor, conversation_id)]
    answer: Response = PlainTextResponse(transfer.markdown(found, path), media_type="text/markdown")
    return answer


@router.post("/v1/conversations/{conversation_id}/items", openapi_extra=described(ItemsBody))
async def add(conversation_id: str, request: Request, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Add items behind the leaf, which moves to the last one."""
    added = await services.keeper.add(actor, conversation_id, _items(Fields(await read_object(request))))
    return page([item for message in added for item in items_of(message)], more=False)


@router.get("/v1/conversations/{conversation_id}/items/{item_id}")
async def one_item(
    conversation_id: str, item_id: str, actor: CurrentActor, services: CurrentServices
) -> dict[str, Any]:
    """Return an item, on whichever branch it is."""
    messages = await services.conversations.messages(actor, conversation_id, message_id(item_id))
    placed = messages[-1]
    for item in items_of(placed.message):
        if item["id"] == item_id:
            return item | {"siblings": placed.siblings}
    raise Refused("message_not_found", f"Message with id '{item_id}' not found in this conversation.", param="item_id")


def _items(fields: Fields) -> Sequence[Item]:
    found = [one for item in fields.objects("items", asked.MOST_ITEMS) if (one := said(item)) is not None]
    items, steering = asked.dialogue(found, "items", None, generate=False)
    if steering is not None:
        raise unsupported("items", "System text is sent with each request; storing it is")
    if not items:
        raise Refused("missing_field", "'items' has nothing to be stored.", param="items")
    return items


def _match(match: Match, wanted: searching.Query) -> dict[str, Any]:
    message = match.message
    return {
        "id": match.conversation_id if message is None else message.id,
        "object": "conversation.match",
        "conversation": {"id": match.conversation_id, "title": match.title},
        "role": None if message is None else message.role,
        "snippet": searching.snippet(match.title if message is None else message.text, wanted),
        "created_at": None if message is None else message.created_at // 1_000_000,
        "place": match.place,
    }
