"""Who comes too often."""

from typing import Any

import pytest

from server.core.errors import Refused
from server.edge.doorkeeper import Doorkeeper, network_of
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World

FAR = "203.0.113.7"


class Clock:
    """Seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(call: Any, *arguments: Any) -> str | None:
    """Return after how many seconds one may come again; None if it is let in."""
    try:
        call(*arguments)
    except Refused as why:
        return why.headers["retry-after"]
    return None


def test_requests_of_a_user_are_bounded() -> None:
    """Whatever is asked for; another user is not touched, and the time to come again is told."""
    clock = Clock()
    door = Doorkeeper(clock=clock, requests=2, wrong_keys=None)
    assert [refused(door.request, "ana") for _ in range(3)] == [None, None, "30"]
    assert refused(door.request, "bo") is None
    clock.now = 30.0
    assert [refused(door.request, "ana") for _ in range(2)] == [None, "30"]


def test_guessing_keys_ends() -> None:
    """After so many different wrong keys a whole network is refused for a while, and no other."""
    clock = Clock()
    door = Doorkeeper(clock=clock, requests=None, wrong_keys=2)
    for guess in ("sk-1", "sk-2"):
        assert refused(door.knock, FAR) is None
        door.wrong(FAR, guess)
    assert refused(door.knock, "203.0.113.200") == "30"
    assert refused(door.knock, "203.0.114.7") is None
    clock.now = 30.0
    assert refused(door.knock, FAR) is None


def test_a_program_with_an_old_key_locks_nobody_out() -> None:
    """The same wrong key again counts once."""
    door = Doorkeeper(clock=Clock(), requests=None, wrong_keys=2)
    for _ in range(50):
        door.wrong(FAR, "sk-old\ud800")
    assert refused(door.knock, FAR) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/56"),
        ("127.0.0.1", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("testclient", None),
        ("", None),
        (None, None),
    ],
)
def test_networks(address: str | None, network: str | None) -> None:
    """People behind one address, or with many of one provider's line, count together; this machine does not count."""
    assert network_of(address) == network


def test_the_doors_ask_the_doorkeeper() -> None:
    """Every call with a key counts, for whatever it is; one that is refused says so with its time."""
    world = World(doorkeeper=Doorkeeper(clock=Clock(), requests=3, wrong_keys=None))
    with visiting(world) as client:
        for path in ("/v1/usage", "/v1/models", "/v1/conversations"):
            assert client.get(path).status_code == 200
        answer = client.get("/v1/usage")
    assert error_of(answer) == (429, "too_many_requests")
    assert answer.headers["retry-after"] == "20"
