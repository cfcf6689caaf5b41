"""Demand, followed second by second and shared between nodes."""

from ratelimit.adaptive import Adaptive, Bounds, Rule
from ratelimit.adaptive.rules import PERIOD_US
from server.chat.adapting import Adapting
from server.chat.demand import Pins
from server.core.happenings import Happening
from server.core.ports import Happened
from tests.unit.server.edge.backstage import FakeAudit, FakeDocument

RULE = Rule(
    name="premium",
    models=("gpt-4",),
    tiers=("free",),
    floors={"free": 50},
    shares={},
    watch=frozenset({"upstream_429"}),
    at_once=Bounds(least=1, start=1, most=1),
)


class Time:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.at = 1000 * PERIOD_US

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / 1_000_000


class Node:
    """One of several processes that share a text."""

    def __init__(self, document: FakeDocument, time: Time) -> None:
        self.heard: list[Happened] = []
        self.time = time
        self.adaptive = Adaptive(rules=[RULE], upstreams={"gpt-4": ["mock"]}, lease_us=10**12, clock=lambda: time.at)
        self.adapting = Adapting(adaptive=self.adaptive, document=document, clock=time, observer=self)
        self.adaptive.enter("running", "gpt-4", "free")

    def saw(self, happened: Happened) -> None:
        self.heard.append(happened)

    def published(self) -> list[tuple[str, str]]:
        return [(one.labels["tier"], one.labels["part"]) for one in self.heard if one.name is Happening.CAP_PUBLISHED]

    def part(self) -> int:
        return self.adaptive.part(RULE, "free")[0]


async def strained(nodes: list[Node], periods: int) -> None:
    """Let periods of two beats pass, in each of which somebody is turned away."""
    for _ in range(2 * periods):
        nodes[0].time.at += PERIOD_US // 2
        for node in nodes:
            node.adaptive.enter("more", "gpt-4", "free")
            await node.adapting.beat()


async def test_nodes_think_a_period_over_once() -> None:
    """Two nodes under strain lower the cap as one does, and both let the same part hold and tell of it."""
    document, time = FakeDocument(), Time()
    nodes = [Node(document, time), Node(document, time)]
    await strained(nodes, 3)
    for node in nodes:
        await node.adapting.beat()
    assert [node.part() for node in nodes] == [900, 900]
    assert [node.published() for node in nodes] == [[("free", "90")], [("free", "90")]]


async def test_a_pin_holds_within_a_second() -> None:
    """What an operator fixes beside the running nodes holds after their next beat, over what is published."""
    document, time = FakeDocument(), Time()
    node = Node(document, time)
    pins = Pins(document=document, audit=FakeAudit(), rules=[RULE], clock=time)
    await pins.pin("premium", {"free": 600}, by="op", reason="")
    await node.adapting.beat()
    assert node.part() == 600
    await strained([node], 3)
    assert node.part() == 600
    await pins.unpin("premium", by="op")
    await node.adapting.beat()
    assert node.part() == 900


async def test_the_limit_is_told_each_second() -> None:
    """Metrics hear the limit of each watched model."""
    node = Node(FakeDocument(), Time())
    await node.adapting.beat()
    assert [(one.labels, one.value) for one in node.heard if one.name is Happening.LIMIT] == [({"model": "gpt-4"}, 1)]
