"""The servers that are measured, each as a process pinned to core 0 with a door that the load client knows.

`naive` and the floors are started as the harness starts them; Parley runs as `parley serve` does, with everything on.
"""

import asyncio
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relay.load import LOAD_CORE, Door
from relay.prepared import BENCH, FLOORS, HARNESS, LITELLM, MOCK, OUT

from server.cli import setup
from server.core.records import Role

SERVER_CORE = "0"
USERS = 100
"""How many users Parley's callers are: each may have only so many sockets."""

START_SECONDS = 120.0
STOP_SECONDS = 30.0

MODELS = (
    "mock-t8-d0",
    "mock-t8-d5",
    "mock-t20-d0",
    "mock-t150-d20",
    "mock-t400-d0",
    "mock-t400-d0-w8",
    "mock-t200-d100",
    "mock-t10000-d0",
)
"""The mock's programs; each is an alias of Parley's."""

CONFIG = """\
data: {data}
listen: 127.0.0.1:{port}
upstreams: {{ mock: {{ base_url: "http://127.0.0.1:{mock_port}/v1", api_key: x }} }}
models:
{models}
default_model: {first}
groups: {{ mocks: [{names}] }}
tiers: {{ plus: {{ mocks: 10M messages / 24h, tokens: 1000000M / 24h, at_once: 10000 }} }}
default_tier: plus
doors: {{ requests_per_minute: null, sockets_per_user: 10000, sockets_per_network: 10000 }}
"""

Start = Callable[[int], AbstractContextManager[Door]]


class DidNotStart(Exception):  # noqa: N818  named for what happened, as the server names its own
    """The server ended, or accepted nothing in time; the text says where its log is."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server under test."""

    name: str
    says: str
    """What it is and what is on in it."""
    start: Start
    """Starts it for an upstream on the given port; ends it on leaving."""


@contextmanager
def running(
    command: Sequence[str | Path], port: int, *, core: str, log: Path, cwd: Path, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run `command` on one core until it accepts connections, yield its process id, and end it on leaving."""
    with log.open("w") as output:
        process = subprocess.Popen(
            ["taskset", "-c", core, *map(str, command)],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdout=output,
            stderr=output,
        )
    try:
        _await_port(port, process, log)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def mock() -> Iterator[Door]:
    """Run the mock upstream on the load client's core; its door is the direct way, without any server between."""
    port = free_port()
    with running([MOCK, str(port)], port, core=LOAD_CORE, log=OUT / "mock.log", cwd=OUT):
        yield Door(port=port, mode="sse", path="/v1/chat/completions")


def from_harness(name: str, says: str) -> Contestant:
    """Return a variant of the harness, under its name there."""

    @contextmanager
    def start(mock_port: int) -> Iterator[Door]:
        port, servers = free_port(), HARNESS / "servers"
        command, environment, path = _variants()[name]
        env = {**environment, "PYTHONPATH": str(servers), "MOCK_PORT": str(mock_port)}
        filled = [part.format(port=port) for part in command]
        with running(filled, port, core=SERVER_CORE, log=_log(name), cwd=servers, env=env) as pid:
            yield Door(port=port, mode="ws", path=path, pid=pid)

    return Contestant(name, says, start)


def parley(name: str, *, mode: str) -> Contestant:
    """Return Parley behind its Chat Completions door: a WebSocket, or POST with server-sent events."""

    @contextmanager
    def start(mock_port: int) -> Iterator[Door]:
        port = free_port()
        # Not in the system's folder for temporary files: that may be memory, and durability has its price on disks.
        folder = Path(tempfile.mkdtemp(prefix="parley-", dir=OUT))
        try:
            config = folder / "parley.yaml"
            config.write_text(_config(folder / "data", port, mock_port))
            keys = folder / "keys"
            keys.write_text("\n".join(asyncio.run(_new_keys(config))))
            command: list[str | Path] = [sys.executable, "-m", "server", "serve", "--config", config]
            with running(command, port, core=SERVER_CORE, log=_log(name), cwd=BENCH.parent) as pid:
                yield Door(
                    port=port,
                    mode=mode,
                    path="/v1/chat/completions",
                    pid=pid,
                    keys=keys,
                    done='"finish_reason":"stop"' if mode == "ws" else None,
                )
        finally:
            shutil.rmtree(folder)

    return Contestant(name, "stored before shown, caps, persona, screening and usage on", start)


def litellm() -> Contestant:
    """Return LiteLLM's proxy as its own documentation starts it, without key, budget or database."""

    @contextmanager
    def start(mock_port: int) -> Iterator[Door]:
        port, config = free_port(), OUT / "litellm.yaml"
        config.write_text(
            "model_list:\n"
            '  - model_name: "mock-*"\n'
            '    litellm_params: { model: "openai/mock-*", api_key: sk-x,'
            f' api_base: "http://127.0.0.1:{mock_port}/v1" }}\n'
            "general_settings: { dangerously_permit_weak_or_unset_master_key: true }\n"
        )
        tools = LITELLM / "bin"
        command: list[str | Path] = [tools / "litellm", "--config", config, "--host", "127.0.0.1", "--port", str(port)]
        env = {
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_TELEMETRY": "False",
            "NO_DOCS": "True",
            "PATH": f"{tools}:{os.environ['PATH']}",
        }
        with running(
            [*command, "--num_workers", "1", "--telemetry", "False"],
            port,
            core=SERVER_CORE,
            log=_log("litellm"),
            cwd=OUT,
            env=env,
        ) as pid:
            yield Door(port=port, mode="sse", path="/v1/chat/completions", pid=pid, stretch=4)

    return Contestant("litellm", "SSE; nothing stored, no caps, no key", start)


def all_of_them() -> Mapping[str, Contestant]:
    """Return every contestant by name, the product last."""
    listed = (
        from_harness("naive", "FastAPI, SDK objects, send_json; nothing stored, no caps"),
        litellm(),
        from_harness("coal:aiohttp", "FastAPI, raw bytes, one message per read; nothing stored, no caps"),
        from_harness("direct:relay", "frames straight to uvicorn's transport; nothing stored, no caps"),
        from_harness("floor", "picows and an own upstream protocol; nothing stored, no caps, no backpressure"),
        parley("parley", mode="ws"),
        parley("parley-sse", mode="sse"),
    )
    return {contestant.name: contestant for contestant in listed}


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _variants() -> Mapping[str, tuple[list[str], dict[str, str], str]]:
    # The harness reads the environment of its servers when it is loaded.
    os.environ["VENV"] = str(FLOORS)
    loaded: Mapping[str, Any] = runpy.run_path(str(HARNESS / "run.py"))
    variants: Mapping[str, tuple[list[str], dict[str, str], str]] = loaded["V"]
    return variants


def _config(data: Path, port: int, mock_port: int) -> str:
    return CONFIG.format(
        data=data,
        port=port,
        mock_port=mock_port,
        models="\n".join(f"  {name}: {{ upstream: mock, context: 128000 }}" for name in MODELS),
        names=", ".join(MODELS),
        first=MODELS[0],
    )


async def _new_keys(config: Path) -> list[str]:
    settings = setup.read(config)
    async with setup.stores(settings) as stores:
        return [
            (
                await stores.accounts.create_key(
                    user=f"user-{number}",
                    tier="plus",
                    default_tier=settings.default_tier,
                    role=Role.USER,
                    expires_at=None,
                    now=setup.now(),
                )
            )[0]
            for number in range(USERS)
        ]


def _log(name: str) -> Path:
    return OUT / f"{name.replace(':', '-')}.log"


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise DidNotStart(f"exit code {process.returncode}, see {log}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise DidNotStart(f"accepts nothing after {START_SECONDS:.0f} s, see {log}")
