"""Fakes behind the doors: an engine whose answers the test tells, and everything else that doors are given."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from personas import Compiled
from server.adapters.moderator_rules import RulesModerator
from server.adapters.wakeups_memory import MemoryWakeups
from server.chat.catalogue import Speaker
from server.chat.claims import Claim, Claims, Started
from server.chat.conversations import Conversations
from server.chat.keeping import Keeper
from server.chat.live import LiveTurn
from server.chat.live_conversations import LiveConversations
from server.chat.refusals import position_lost
from server.chat.rewriting import Rewritten
from server.chat.signing_in import SigningIn
from server.chat.stored import Stored
from server.core import ports
from server.core.branches import Node
from server.core.errors import Refused
from server.core.events import Opened
from server.core.ports_conversations import Change
from server.core.ports_search import Matches
from server.core.ports_stored import CompletionPage
from server.core.records import Actor, Conversation, Message, Model
from server.core.requests import TurnRequest
from server.core.searching import Query
from server.edge import responses_ws
from server.edge.door import Door
from server.edge.doorkeeper import Doorkeeper
from server.edge.services import Services
from server.edge.socket import Socket
from server.edge.sockets import Sockets
from tests.unit.server.edge.backstage import FakeAudit, entitling, operations
from tests.unit.server.edge.credentials import FakeIdentity, FakeSessions
from tests.unit.server.edge.stories import FAILED, NOW, a_turn, deltas, ending, opening, told
from tests.unit.server.edge.wires import Wire

ANA = Actor(user_id="ana", name="Ana", tier="plus")
PERSONA = Compiled.from_json(
    json.dumps(
        {
            "spec": "compiled/1",
            "name": "tutor",
            "summary": "Asks back.",
            "greeting": ["Hello."],
            "starters": ["Why?"],
            "bounds": {"dials": {"pace": {"choices": ["slow", "fast"], "default": "slow"}}},
            "house": [],
            "body": [],
        }
    )
)
MODELS = (
    Model("gpt-4", ("openai",), "secret-upstream-name", 8192, vision=True),
    Model("local", ("local",), "x", 4096, max_output=512, demonstration=True),
)


ENCODED = False
"""Whether the sockets of tests that do not say take encoded frames."""


class FakeTurns:
    """An engine that runs on the test's word: `accept` makes the turn of a request, or raises."""

    def __init__(self) -> None:
        self.claims = Claims()
        self.lives: dict[str, LiveTurn] = {}
        self.requests: list[TurnRequest] = []
        self.abandoned: list[Claim] = []
        self.cancelled: list[str] = []
        self.accept: Callable[[TurnRequest], LiveTurn] = self.open
        self.headers: Mapping[str, str] = {}

    def open(self, request: TurnRequest) -> LiveTurn:
        """Begin an answer that says nothing yet."""
        return LiveTurn(a_turn(str(len(self.requests)), store=request.store, echo=dict(request.echo)), [Opened(0)])

    def receive(self, actor: Actor, request: TurnRequest) -> Claim:
        return self.claims.receive(actor, request)

    def abandon(self, claim: Claim) -> None:
        self.abandoned.append(claim)
        self.claims.abandon(claim)

    async def start(self, claim: Claim) -> Started:
        self.requests.append(claim.request)
        live = self.accept(claim.request)
        self.lives[live.turn.id] = live
        return Started(live, self.headers)

    async def measure(self, actor: Actor, request: TurnRequest) -> int:
        return 7

    async def find(self, actor: Actor, turn_id: str) -> LiveTurn:
        live = self.lives.get(turn_id)
        if live is None or live.turn.user_id != actor.user_id:
            raise Refused("response_not_found", f"Response with id '{turn_id}' not found.")
        return live

    async def resume(self, actor: Actor, turn_id: str, position: int) -> LiveTurn:
        live = await self.find(actor, turn_id)
        if position > live.position:
            raise position_lost(live, position)
        return live

    async def cancel(self, actor: Actor, turn_id: str) -> LiveTurn:
        live = await self.find(actor, turn_id)
        self.cancelled.append(turn_id)
        return live

    async def drain(self, seconds: float) -> None:
        raise NotImplementedError


class FakeCatalogue:
    """Two models and a persona."""

    def __init__(self, persona: Compiled = PERSONA) -> None:
        self._persona = persona

    def models(self) -> Sequence[Model]:
        return MODELS

    def personas(self, actor: Actor) -> Sequence[Speaker]:
        return [Speaker(name="tutor", number=3, digest="d", compiled=self._persona, created_at=NOW)]


class FakeStore:
    """Conversations in a list."""

    def __init__(self, lives: Mapping[str, LiveTurn] | None = None) -> None:
        self.kept: list[Conversation] = []
        self.said: list[Message] = []
        self._lives = {} if lives is None else lives

    async def conversation(self, conversation_id: str, user_id: str) -> Conversation | None:
        return next((kept for kept in self.kept if (kept.id, kept.user_id) == (conversation_id, user_id)), None)

    async def list(self, user_id: str, *, after: str | None, limit: int, archived: bool = False) -> ports.Page:
        mine = [kept for kept in self.kept if kept.user_id == user_id]
        begin = next((index + 1 for index, kept in enumerate(mine) if kept.id == after), 0)
        return ports.Page(mine[begin : begin + limit], more=len(mine) > begin + limit)

    async def path(self, leaf_id: str, user_id: str) -> Sequence[Message]:
        return self.said

    async def tree(self, conversation_id: str, user_id: str) -> Sequence[Node]:
        return [Node(message.id, message.parent_id, message.created_at) for message in self.said]

    async def choose(self, conversation_id: str, user_id: str, leaf_id: str) -> Conversation | None:
        self.kept = [replace(kept, leaf_id=leaf_id) if kept.id == conversation_id else kept for kept in self.kept]
        return await self.conversation(conversation_id, user_id)

    async def messages(self, message_ids: Sequence[str], user_id: str) -> Sequence[Message]:
        return [message for message in self.said if message.id in message_ids]

    async def standings(self, conversation_ids: Sequence[str], since: int) -> Mapping[str, ports.Standing]:
        return {kept.id: self._standing(kept) for kept in self.kept if kept.id in conversation_ids}

    def _standing(self, kept: Conversation) -> ports.Standing:
        lives = [live for live in self._lives.values() if live.turn.conversation_id == kept.id]
        return ports.Standing(
            conversation=kept,
            running=[live.turn.id for live in lives if not live.ended],
            ended=[live.turn.id for live in lives if live.ended],
        )

    async def rename(self, conversation_id: str, user_id: str, title: str, now: int) -> Conversation | None:
        found = await self.conversation(conversation_id, user_id)
        if found is None:
            return None
        renamed = Conversation(
            id=found.id,
            user_id=user_id,
            created_at=found.created_at,
            updated_at=now,
            title=title,
            leaf_id=found.leaf_id,
        )
        self.kept = [renamed if kept.id == found.id else kept for kept in self.kept]
        return renamed

    async def create(self, *made: tuple[Conversation, Sequence[Message]]) -> None:
        for conversation, messages in made:
            self.kept.append(conversation)
            self.said += messages

    async def add(self, conversation_id: str, user_id: str, messages: Sequence[Message], now: int) -> Sequence[Message]:
        found = await self.conversation(conversation_id, user_id)
        self.said += messages if found else ()
        return messages if found else ()

    async def unused(self, before: int, limit: int) -> Sequence[tuple[str, str]]:
        raise NotImplementedError

    async def change(self, conversation_id: str, user_id: str, change: Change, now: int) -> bool:
        found = await self.conversation(conversation_id, user_id)
        archived_at = now if change.archived else None
        self.kept = [
            replace(kept, metadata=change.metadata, archived_at=archived_at) if kept is found else kept
            for kept in self.kept
        ]
        return found is not None

    async def delete(self, conversation_id: str, user_id: str) -> bool:
        found = await self.conversation(conversation_id, user_id)
        self.kept = [kept for kept in self.kept if kept is not found]
        return found is not None


class FakeAnswers:
    """No stored answers."""

    async def completions(self, user_id: str, **_: Any) -> CompletionPage:
        return CompletionPage([], more=False)

    async def mark(self, turn_id: str, user_id: str, metadata: Mapping[str, str]) -> bool:
        return False

    async def delete(self, turn_id: str, user_id: str) -> bool:
        return False


class FakeSearch:
    """Finds nothing."""

    async def find(self, user_id: str, query: Query, *, after: str | None, limit: int) -> Matches:
        return Matches([], more=False)


class FakeQuota:
    """Always the same report."""

    async def usage(self, actor: Actor) -> Mapping[str, Any]:
        return {"tier": actor.tier, "as_of": "2025-11-23T12:13:20Z", "limits": [], "grants": [], "fallback": None}


class FakeClock:
    def now(self) -> int:
        return NOW

    def monotonic(self) -> float:
        return 0.0


async def never(_: float) -> None:
    """Sleep for ever."""
    await asyncio.Event().wait()


class FakeIds:
    def __init__(self) -> None:
        self.count = 0

    def new(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}_{self.count}"


class FakeRewriting:
    """Knows no prompt."""

    async def own(self, actor: Actor, turn_id: str) -> Rewritten:
        raise Refused("response_not_found", f"Response with id '{turn_id}' not found.")

    async def of_anyone(self, turn_id: str, *, by: str) -> Rewritten:
        raise Refused("response_not_found", f"Response with id '{turn_id}' not found.")


class World:
    """Services made of fakes, and the fakes by name; whoever follows hears of news inside of `following`."""

    def __init__(self, **changes: Any) -> None:
        self.turns = FakeTurns()
        self.audit = FakeAudit()
        self.store = FakeStore(self.turns.lives)
        self.wakeups = MemoryWakeups()
        self.identity = FakeIdentity()
        self.unready: str | None = None
        self.happened: list[ports.Happened] = []
        clock = FakeClock()
        self.following = LiveConversations(
            store=self.store,
            find=self.turns.find,
            wakeups=self.wakeups,
            clock=clock,
            observer=self,
            look_seconds=3.0,
            sleep=never,
        )
        facts: dict[str, Any] = {
            "turns": self.turns,
            "stored": Stored(answers=FakeAnswers(), conversations=self.store, turns=self.turns),
            "catalogue": FakeCatalogue(),
            "conversations": Conversations(store=self.store, live=self.following, clock=clock),
            "keeper": Keeper(
                keeping=self.store,
                store=self.store,
                search=FakeSearch(),
                live=self.following,
                moderator=RulesModerator(blocklist=["forbidden"]),
                clock=clock,
                ids=FakeIds(),
            ),
            "secrets": None,
            "files": None,
            "moderator": RulesModerator(blocklist=["forbidden"]),
            "quota": FakeQuota(),
            "rewriting": FakeRewriting(),
            "operations": operations(self.audit, clock),
            "entitling": entitling(clock),
            "identity": self.identity,
            "signing_in": SigningIn(
                sessions=FakeSessions(self.identity), identity=self.identity, clock=clock, default_tier="plus"
            ),
            "clock": clock,
            "ids": FakeIds(),
            "sockets": Sockets(random=lambda: 0.0),
            "doorkeeper": Doorkeeper(clock=lambda: 0.0, requests=None, wrong_keys=None),
            "observer": self,
            "metrics": lambda: b"parley_up 1\n",
            "ready": lambda: self.unready,
        }
        self.services = Services(**(facts | changes))

    def saw(self, happened: ports.Happened) -> None:
        self.happened.append(happened)


def answering(*texts: str, **how: Any) -> World:
    """Return a world in which each request gets this answer."""
    world = World()
    world.turns.accept = lambda _: told(texts, **how)
    return world


def failing() -> World:
    """Return a world in which each turn fails before it says anything."""
    world = World()
    turn = a_turn()
    world.turns.accept = lambda _: LiveTurn(turn, [Opened(0), told([], FAILED).events[-1]])
    return world


async def quiet() -> None:
    """Let everything run that can run."""
    for _ in range(50):
        await asyncio.sleep(0)


HI = {"type": "response.create", "input": "hi"}


async def ana() -> Actor:
    return ANA


@asynccontextmanager
async def connected(
    world: World,
    door: Door = responses_ws.DOOR,
    who: Callable[[], Awaitable[Actor]] = ana,
    **how: Any,
) -> AsyncIterator[Wire]:
    wire = Wire(encoded=how.pop("encoded", ENCODED))
    socket = Socket(
        websocket=await wire.accepted(),
        door=door,
        services=world.services,
        who=who,
        extended=how.pop("extended", False),
        **how,
    )
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(socket.run())
        yield wire
        if not running.done():
            wire.hang_up()


def tell(live: LiveTurn, *texts: str) -> None:
    """Let the engine say these texts, the first ones of the turn, and end."""
    live.add([*opening(live.turn)[1:], *deltas(texts), *ending(4 + len(texts))])
