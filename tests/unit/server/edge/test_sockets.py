"""The sockets of a process."""

import asyncio

import pytest

from server.core.errors import Refused
from server.core.happenings import Happening
from server.core.ports import Happened
from server.edge.caps_news import CapsNews
from server.edge.sockets import Sockets
from tests.unit.server.edge.doors import quiet


class Pretended:
    """A socket that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[float | str] = []

    def drain(self, after: float) -> None:
        self.asked.append(after)

    def close_now(self) -> None:
        self.asked.append("now")

    def tell_usage_soon(self) -> None:
        self.asked.append("usage")


def test_places_are_counted_by_user() -> None:
    """A user has so many places; leaving one gives it back, also when its socket fails."""
    sockets = Sockets(random=lambda: 0.0, most_per_user=1)
    with sockets.place("ana"), sockets.place("bo"):
        with pytest.raises(Refused) as refused, sockets.place("ana"):
            pass
        assert refused.value.code == "too_many_connections"
    with pytest.raises(ZeroDivisionError), sockets.place("ana"):
        raise ZeroDivisionError
    with sockets.place("ana"):
        pass


def test_places_are_counted_by_network() -> None:
    """Users behind one address share so many; where it is not known nobody does."""
    sockets = Sockets(random=lambda: 0.0, most_per_network=2)
    with sockets.place("ana", "n1"), sockets.place("bo", "n1"), sockets.place("ana"), sockets.place("eve", "n2"):
        with pytest.raises(Refused) as refused, sockets.place("cy", "n1"):
            pass
        assert refused.value.code == "too_many_connections"
    with sockets.place("cy", "n1"):
        pass
    assert not sockets._by_network


def test_a_change_of_caps_is_told_to_every_open_socket() -> None:
    """A policy that holds, or a cap that demand changed; nothing else that happens."""
    sockets = Sockets(random=lambda: 0.0)
    news, socket = CapsNews(sockets), Pretended()
    with sockets.joined(socket):
        for name in (Happening.POLICY_LIVE, Happening.TURN_ENDED, Happening.CAP_PUBLISHED):
            news.saw(Happened(name=name))
    news.saw(Happened(name=Happening.POLICY_LIVE))
    assert socket.asked == ["usage", "usage"]


async def test_leaving_is_spread() -> None:
    """Each socket is told a time of its own, and draining ends when the last one has left."""
    numbers = iter([0.25, 0.75])
    sockets, first, second = Sockets(random=lambda: next(numbers)), Pretended(), Pretended()
    with sockets.joined(first), sockets.joined(second):
        drained = asyncio.ensure_future(sockets.drain(60.0, spread=4.0))
        await quiet()
        assert sorted([*first.asked, *second.asked]) == [1.0, 3.0]
        assert not drained.done()
    await drained
    assert len(sockets) == 0
    with pytest.raises(Refused) as refused, sockets.place("ana"):
        pass
    assert refused.value.code == "draining"


async def test_a_socket_that_joins_late_is_drained_too() -> None:
    """A handshake that was under way when draining began leaves at once."""
    sockets, late = Sockets(random=lambda: 0.5), Pretended()
    await sockets.drain(1.0)
    with sockets.joined(late):
        assert late.asked == [0.0]
