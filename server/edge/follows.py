"""The conversations that one socket follows: what happens in them is told, their turns are shown beside the lanes.

What is told is the difference between what was told and what is, so that titles and leaves never queue. Turns that have
begun wait until there is room for them, a bounded number of them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from server.chat.conversations import Conversations
from server.chat.live import LiveTurn
from server.chat.live_conversations import LiveConversation
from server.core.errors import Refused
from server.core.records import Actor
from server.edge import follows_render
from server.edge.answers import Answers
from server.edge.asked import Delivery
from server.edge.refusals import told

MOST_FOLLOWED: Final = 32

MOST_UNTOLD: Final = 64
"""Turns of one conversation that may wait to be told; a client that is further behind is closed, to come back."""

_log = logging.getLogger("parley.edge")


@dataclass(slots=True, eq=False)
class _Followed:
    """A conversation, and what the client was told of it."""

    live: LiveConversation
    leave: Callable[[], None]
    title: str
    leaf_id: str | None
    untold: deque[LiveTurn] = field(default_factory=deque)


class Follows:
    """Belongs to one socket. `say` sends a frame, `room` waits until the client has taken what was said.

    `refuse` tells of a fault, `behind` that the client does not keep up.
    """

    def __init__(
        self,
        *,
        conversations: Conversations,
        answers: Answers,
        say: Callable[[str], None],
        room: Callable[[], Awaitable[None]],
        refuse: Callable[[Refused, str | None], None],
        behind: Callable[[], None],
    ) -> None:
        self._conversations = conversations
        self._answers = answers
        self._say = say
        self._room = room
        self._refuse = refuse
        self._behind = behind
        self._followed: dict[str, _Followed] = {}
        self._news = asyncio.Event()
        self._teller: asyncio.Task[None] | None = None

    async def follow(self, actor: Actor, conversation_id: str, tasks: asyncio.TaskGroup) -> None:
        """Tell how the conversation stands, and from now on what happens in it. Raises `Refused`."""
        known = self._followed.get(conversation_id)
        if known is not None:
            self._say(follows_render.followed(known.live))
            return
        if len(self._followed) >= MOST_FOLLOWED:
            raise Refused(
                "websocket_follow_limit_reached",
                f"This socket follows {MOST_FOLLOWED} conversations; leave one of them or open another socket.",
                param="conversation",
            )
        live, leave = await self._conversations.follow(
            actor, conversation_id, lambda begun: self._hear(conversation_id, begun)
        )
        standing = live.conversation
        followed = _Followed(live, leave, standing.title, standing.leaf_id, deque(live.running))
        self._followed[conversation_id] = followed
        self._say(follows_render.followed(live))
        self._news.set()
        if self._teller is None:
            self._teller = tasks.create_task(self._tell())

    def unfollow(self, conversation_id: str) -> None:
        """Tell no more of the conversation, and show no more of its turns."""
        followed = self._followed.pop(conversation_id, None)
        if followed is not None:
            followed.leave()
            self._answers.hide(lambda live: live.turn.conversation_id == conversation_id)
        self._say(follows_render.unfollowed(conversation_id))

    def let_go(self) -> None:
        """Follow nothing more."""
        for followed in self._followed.values():
            followed.leave()
        self._followed.clear()
        if self._teller is not None:
            self._teller.cancel()

    def _hear(self, conversation_id: str, begun: Sequence[LiveTurn]) -> None:
        followed = self._followed.get(conversation_id)
        if followed is None:
            return
        followed.untold.extend(begun)
        if len(followed.untold) > MOST_UNTOLD:
            self._behind()
        self._news.set()

    async def _tell(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            for conversation_id, followed in list(self._followed.items()):
                try:
                    await self._tell_of(conversation_id, followed)
                except Exception as failed:  # noqa: BLE001  the lanes of the socket must not end with it
                    _log.exception("a followed conversation could not be told of")
                    self._refuse(told(failed), None)
                    self.unfollow(conversation_id)

    async def _tell_of(self, conversation_id: str, followed: _Followed) -> None:
        while followed.untold and self._followed.get(conversation_id) is followed:
            await self._tell_turn(conversation_id, followed, followed.untold.popleft())
        # What is told is what stands once the client takes it.
        await self._room()
        if self._followed.get(conversation_id) is not followed:
            return
        standing = followed.live.conversation
        if standing.title != followed.title:
            followed.title = standing.title
            self._say(follows_render.title(conversation_id, standing.title))
        if standing.leaf_id != followed.leaf_id:
            followed.leaf_id = standing.leaf_id
            self._say(follows_render.leaf(conversation_id, standing.leaf_id))
        if followed.live.deleted:
            del self._followed[conversation_id]
            followed.leave()
            self._answers.hide(lambda live: live.turn.conversation_id == conversation_id)
            self._say(follows_render.deleted(conversation_id))

    async def _tell_turn(self, conversation_id: str, followed: _Followed, live: LiveTurn) -> None:
        """Tell of a turn that has begun and show it, unless a request of this socket has asked for it."""
        await self._answers.begun()
        if self._answers.asked_for(live.turn.id):
            return
        brought = await self._conversations.brought(live.turn)
        await self._room()
        await self._answers.begun()
        if self._answers.asked_for(live.turn.id) or self._followed.get(conversation_id) is not followed:
            return
        self._say(follows_render.turn(live.turn, brought))
        self._answers.show(live, Delivery(stream_id=live.turn.id, numbered=True))
