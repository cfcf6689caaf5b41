"""Output items as the Responses protocol shows them: by their kind, whole and as they begin and end. Pure.

A thinking model's words are shown as the reasoning's text, or as its summary where the request asks for one.
"""

from typing import Any

from server.core.events import ItemOpened
from server.core.records import Turn


def item(opened: ItemOpened, turn: Turn, status: str, text: str, logprobs: list[Any]) -> dict[str, Any]:
    """Return an item with what it has said so far."""
    return _item(opened, turn, status, [_part(opened, turn, text, logprobs)], text)


def piece(opened: ItemOpened, turn: Turn) -> tuple[str, str]:
    """Return what events about the text of an item are called, without their last word, and where in it they are."""
    match opened.kind:
        case "message":
            return "response.output_text", '"content_index":0,'
        case "refusal":
            return "response.refusal", '"content_index":0,'
        case "function_call":
            return "response.function_call_arguments", ""
        case "reasoning":
            if _summarised(turn):
                return "response.reasoning_summary_text", '"summary_index":0,'
            return "response.reasoning_text", '"content_index":0,'


def opened(begun: ItemOpened, turn: Turn) -> list[dict[str, Any]]:
    """Return the frames of an item that begins."""
    added = {
        "type": "response.output_item.added",
        "output_index": begun.index,
        "item": _item(begun, turn, "in_progress", [], ""),
    }
    if begun.kind == "function_call":
        return [added]
    return [
        added,
        {"type": f"{_part_of(begun, turn)}.added", **_place(begun, turn), "part": _part(begun, turn, "", [])},
    ]


def closed(ended: ItemOpened, turn: Turn, status: str, text: str, logprobs: list[Any]) -> list[dict[str, Any]]:
    """Return the frames of an item that ends."""
    name, _ = piece(ended, turn)
    place = _place(ended, turn)
    done = {"type": "response.output_item.done", "output_index": ended.index}
    done["item"] = item(ended, turn, status, text, logprobs)
    if ended.kind == "function_call":
        return [{"type": f"{name}.done", **place, "name": ended.name, "arguments": text}, done]
    said: dict[str, Any] = {"refusal": text} if ended.kind == "refusal" else {"text": text}
    if ended.kind == "message":
        said["logprobs"] = logprobs
    part = {"type": f"{_part_of(ended, turn)}.done", **place, "part": _part(ended, turn, text, logprobs)}
    return [{"type": f"{name}.done", **place, **said}, part, done]


def _item(opened: ItemOpened, turn: Turn, status: str, parts: list[dict[str, Any]], text: str) -> dict[str, Any]:
    match opened.kind:
        case "message" | "refusal":
            return {
                "id": opened.item_id,
                "type": "message",
                "role": "assistant",
                "status": status,
                "content": parts,
            }
        case "function_call":
            return {
                "id": opened.item_id,
                "type": "function_call",
                "status": status,
                "call_id": opened.call_id,
                "name": opened.name,
                "arguments": text,
            }
        case "reasoning":
            thought = {"id": opened.item_id, "type": "reasoning", "status": status}
            return thought | ({"summary": parts} if _summarised(turn) else {"summary": [], "content": parts})


def _part(opened: ItemOpened, turn: Turn, text: str, logprobs: list[Any]) -> dict[str, Any]:
    match opened.kind:
        case "refusal":
            return {"type": "refusal", "refusal": text}
        case "reasoning":
            return {"type": "summary_text" if _summarised(turn) else "reasoning_text", "text": text}
        case _:
            return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def _part_of(opened: ItemOpened, turn: Turn) -> str:
    return (
        "response.reasoning_summary_part"
        if opened.kind == "reasoning" and _summarised(turn)
        else "response.content_part"
    )


def _place(opened: ItemOpened, turn: Turn) -> dict[str, Any]:
    place: dict[str, Any] = {"item_id": opened.item_id, "output_index": opened.index}
    if opened.kind == "function_call":
        return place
    return place | ({"summary_index": 0} if opened.kind == "reasoning" and _summarised(turn) else {"content_index": 0})


def _summarised(turn: Turn) -> bool:
    """Return whether the request asked for a summary of what the model thinks."""
    return bool((turn.echo.get("reasoning") or {}).get("summary"))
