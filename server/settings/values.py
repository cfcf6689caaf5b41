"""Small values of the configuration: durations, addresses, origins, networks, and how they are written."""

import ipaddress
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: Any) -> timedelta:
    """Return `10s`, `15m`, `3h` or `7d` as a time."""
    if isinstance(text, timedelta):
        return text
    found = re.fullmatch(r"\s*(\d{1,6})\s*([smhd])\s*", str(text))
    if found is None or int(found[1]) == 0:
        raise ValueError(f"{text} is not a duration. Write a number and a unit: 10s, 15m, 3h or 7d.")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def format_duration(value: timedelta) -> str:
    """Return the shortest text that `parse_duration` takes for `value`."""
    seconds = int(value.total_seconds())
    unit, size = next((unit, size) for unit, size in reversed(_SECONDS.items()) if seconds % size == 0)
    return f"{seconds // size}{unit}"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,6}\s*[smhd]$", "examples": ["10s", "15m", "3h", "7d"]}),
]


class Address(NamedTuple):
    """A host and port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: Any) -> Address:
    """Return `127.0.0.1:8000`, `[::1]:8000` or `localhost:8000` as an address."""
    if isinstance(text, Address):
        return text
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]/]+)):(\d{1,5})", str(text))
    if found is None or int(found[3]) > 65535:  # noqa: PLR2004  the last port
        raise ValueError(f"{text} is not an address. Write host:port, such as 127.0.0.1:8000 or [::1]:8000.")
    return Address(found[1] or found[2], int(found[3]))


ListenAddress = Annotated[
    Address,
    BeforeValidator(parse_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.1:8000", "[::1]:8000"]}),
]


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{text} is not a web address. Write one such as https://chat.example.org.")
    return text.rstrip("/")


def _origin(text: str) -> str:
    address = _web_address(text)
    if urlsplit(address).path:
        raise ValueError(f"{text} is more than an origin. Write scheme and host only: https://chat.example.org.")
    return address.lower()


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError(f"{text} is not a network. Write one such as 10.0.0.0/8 or 192.0.2.7.") from None


WebAddress = Annotated[str, AfterValidator(_web_address)]
Origin = Annotated[str, AfterValidator(_origin)]
Network = Annotated[str, AfterValidator(_network)]


def _shared_database(text: Any) -> str:
    if text == "sqlite" or str(text).startswith(("postgresql://", "postgres://")):
        return str(text)
    # The value may hold a password: it is not repeated.
    raise ValueError("This is not a database. Write sqlite, or a URI: postgresql://user:password@host:5432/parley.")


def _shared_cluster(text: Any) -> str:
    if text == "none" or re.fullmatch(r"(?:valkey|redis)s?://(?:[^/?#@]*@)?[^/?#@]+(?:/\d*)?", str(text)):
        return str(text)
    raise ValueError("This is not a cluster. Write none, or where Valkey or Redis is: valkey://host:6379/0.")


def without_password(address: str) -> str:
    """Return `address` with asterisks in the place of its password."""
    masked = re.sub(r"^(\w+://[^:/?#@]*):[^/?#]*@", r"\1:**********@", address)
    return re.sub(r"([?&](?:ssl)?password=)[^&#]*", r"\1**********", masked)


DatabaseAddress = Annotated[
    str,
    BeforeValidator(_shared_database),
    PlainSerializer(without_password, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["sqlite", "postgresql://parley@db.example.org/parley"]}),
]
ClusterAddress = Annotated[
    str,
    BeforeValidator(_shared_cluster),
    PlainSerializer(without_password, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["none", "valkey://valkey.example.org:6379/0"]}),
]


class Unset(str):
    """Says which variable is not set; only what reads the environment makes one."""

    __slots__ = ()


def only(accepted: object, why: str) -> Callable[[Any], Any]:
    """Return a check that takes `accepted` and refuses everything else with `why`."""

    def check(value: Any) -> Any:
        if value != accepted:
            raise ValueError(why)
        return value

    return check
