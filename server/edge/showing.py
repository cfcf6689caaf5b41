"""What is new of an answer as the frames of a socket, rendered once for all who are at the same place in it."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, cast

from server.chat.live import LiveTurn
from server.core.events import Event, Opened, last_seq
from server.edge import extensions
from server.edge.answers import Cursor
from server.edge.asked import Delivery
from server.edge.outlet import Frames

MOST_SHARED: Final = 64
"""Places in one log whose frames are kept for others. A crowd is at one place; one user may ask for all."""

Show = Callable[[LiveTurn, Sequence[Event], int, Delivery], list[str]]
"""From events to the frames of a protocol, those after the position."""


class News(NamedTuple):
    """Frames, and the position of a client that has them."""

    frames: Frames
    position: int


def news_of(cursor: Cursor, show: Show, *, extended: bool) -> News | None:
    """Return what the turn has after the cursor; None if that is nothing."""
    live = cursor.live
    if cursor.view is None:
        cursor.view = _view(cursor, show, extended=extended)
    place = cursor.view, cursor.position
    known = live.rendered.get(place)
    if known is not None:
        return cast("News", known)
    events = live.after(cursor.position)
    if not events:
        return None
    news = News(Frames(_frames(cursor, events, show, extended=extended)), last_seq(events[-1]))
    if live.followers > 1 and len(live.rendered) < MOST_SHARED:
        live.rendered[place] = news
    return news


def _view(cursor: Cursor, show: Show, *, extended: bool) -> object:
    """Return what stands for the way in which the turn is shown; to hash the way itself for each delta is slow."""
    # The delivery without what no frame shows.
    lane = cursor.delivery.stream_id, cursor.delivery.include_usage, cursor.delivery.numbered
    views, way = cursor.live.views, (show, lane, extended)
    return views.setdefault(way, object()) if way in views or len(views) < MOST_SHARED else object()


def _frames(cursor: Cursor, events: Sequence[Event], show: Show, *, extended: bool) -> list[str]:
    live, served = cursor.live, cursor.live.turn.served_by
    if not (extended and served is not None and isinstance(events[0], Opened)):
        return show(live, events, cursor.position, cursor.delivery)
    first = show(live, events[:1], cursor.position, cursor.delivery)
    told = extensions.served_by_frame(served, live.turn.id, cursor.delivery.stream_id)
    return [*first, told, *show(live, events[1:], cursor.position, cursor.delivery)]
