"""Lists that are read page by page, in the shape that OpenAI's clients know."""

from typing import Annotated, Any

from fastapi import Query

from server.edge.asked import LONGEST_ID

Limit = Annotated[int, Query(ge=1, le=100)]
"""How many items a page has at most."""

After = Annotated[str | None, Query(max_length=LONGEST_ID)]
"""Where a page goes on: the id, or the place, of the last item before it."""


def page(data: list[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    """Return one page; `more` says whether another one follows, which is asked for with `after=<last_id>`."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": more,
    }


def cut(data: list[dict[str, Any]], *, limit: int, after: str | None, order: str) -> dict[str, Any]:
    """Return one page of a whole list that is given oldest first."""
    shown = data if order == "asc" else data[::-1]
    begin = next((index + 1 for index, item in enumerate(shown) if item["id"] == after), 0)
    return page(shown[begin : begin + limit], more=len(shown) > begin + limit)
