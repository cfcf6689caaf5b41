"""One URL of a server, and what each door makes of it."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class Address:
    """A server's address, such as `http://127.0.0.1:8000`; a trailing `/v1` is allowed."""

    url: str

    def http(self, path: str) -> str:
        """Return the address of `path` over HTTP."""
        return self._with({"ws": "http", "wss": "https"}, path)

    def websocket(self, path: str) -> str:
        """Return the address of `path` over WebSocket."""
        return self._with({"http": "ws", "https": "wss"}, path)

    @property
    def local(self) -> bool:
        """Whether the server is on this machine, where no proxy belongs in between."""
        host = self._parts().hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def _parts(self) -> SplitResult:
        return urlsplit(self.url if "://" in self.url else f"http://{self.url}")

    def _with(self, schemes: dict[str, str], path: str) -> str:
        parts = self._parts()
        base = parts.path.rstrip("/").removesuffix("/v1")
        target, _, query = path.partition("?")
        return urlunsplit((schemes.get(parts.scheme, parts.scheme), parts.netloc, base + target, query, ""))
