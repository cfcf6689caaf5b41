"""What holds for every test: no network beyond loopback, no configuration from outside, steady examples."""

import ipaddress
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
SLOW_FOLDERS = (HERE / "system", HERE / "faults", HERE / "web")
SLOW_MARKERS = ("model", "services")
OUTSIDE_PREFIXES = ("PARLEY_", "OPENAI_")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
# They say how many fault runs to make and which clients to run; the tests read them and not the server.
KEPT = {"PARLEY_FAULTS", "PARLEY_CLIENTS"}

settings.register_profile("check", max_examples=50, derandomize=True, deadline=None)
settings.register_profile("full", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("check")


class LeftLoopbackError(RuntimeError):
    """A test tried to reach another machine."""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_other_machines(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = arguments[1]
        # Paths of unix sockets are text; an absent address belongs to a socket that is connected.
        host = address[0] if isinstance(address, tuple) and address else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if isinstance(host, str) and host and not _is_loopback(host):
        raise LeftLoopbackError(f"tests stay on loopback; this one went to {host}")


# An audit hook sees what a patched method misses: sockets opened by C code of Python, and name look-ups. uvloop raises
# no audit events; tests run on the event loop of the standard library.
sys.addaudithook(_refuse_other_machines)

# At import, because modules under test may read settings while they are collected.
for _name in tuple(os.environ):
    if (_name.startswith(OUTSIDE_PREFIXES) and _name not in KEPT) or _name.lower() in PROXIES:
        del os.environ[_name]


@pytest.fixture(autouse=True)
def ctrl_c_as_it_was() -> Iterator[None]:
    """A server inside a test puts back the handler that it found: that of an event loop which has ended since."""
    found = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, found)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what `make check` leaves to `make test`."""
    for item in items:
        in_slow_folder = any(item.path.is_relative_to(folder) for folder in SLOW_FOLDERS)
        if in_slow_folder or any(item.get_closest_marker(name) for name in SLOW_MARKERS):
            item.add_marker(pytest.mark.slow)
