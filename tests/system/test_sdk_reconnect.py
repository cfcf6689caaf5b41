"""The official clients, unmodified, meet a restart: they come back by themselves and go on where they were."""

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path

import openai
from openai.resources.responses.responses import AsyncResponsesConnection
from openai.types.responses import Response
from openai.types.websocket_reconnection import ReconnectingEvent

from tests.harness import House, settings_in
from tests.processes import free_port, served

CLIENTS = Path(__file__).parents[1] / "clients"
NODE = shutil.which("node", path=f"{os.environ['PATH']}:{Path(sys.executable).parent}")
""""make test" puts it beside Python where the machine has none."""


async def answered(connection: AsyncResponsesConnection) -> Response:
    """Read to the end of an answer."""
    async for event in connection:
        assert event.type not in {"error", "response.failed"}, event
        if event.type == "response.completed":
            return event.response
    raise AssertionError("the connection ended")


async def test_python_comes_back_after_a_restart(tmp_path: Path) -> None:
    """A draining server closes with 1012; the connection comes back by itself and a response is gone on from."""
    settings = settings_in(tmp_path, {"listen": f"127.0.0.1:{free_port()}"})
    config = tmp_path / "parley.yaml"
    attempts: list[ReconnectingEvent] = []
    async with served(config) as (address, process):
        client = openai.AsyncOpenAI(api_key=await House.key_in(settings), base_url=f"{address}/v1")
        connecting = client.responses.connect(on_reconnecting=attempts.append, max_retries=60, max_delay=1.0)
        connection = await connecting.enter()
        await connection.send({"type": "response.create", "model": "gpt-4", "input": "one"})
        first = await asyncio.wait_for(answered(connection), 30)
        later = asyncio.ensure_future(answered(connection))
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 60)
    async with served(config):
        frame = {"type": "response.create", "model": "echo", "input": "two", "previous_response_id": first.id}
        await connection.send(frame)  # type: ignore[arg-type]  # the dictionary is such a frame
        second = await asyncio.wait_for(later, 60)
        await connection.close()
        await client.close()
    assert attempts[0].close_code == 1012
    assert (second.status, second.previous_response_id) == ("completed", first.id)
    assert second.output_text.endswith("two")


async def test_node_comes_back_after_a_restart(tmp_path: Path) -> None:
    """The client for JavaScript does the same."""
    assert NODE is not None
    assert (CLIENTS / "node_modules" / "openai").is_dir(), "`make test` installs what this test runs"
    settings = settings_in(tmp_path, {"listen": f"127.0.0.1:{free_port()}"})
    config = tmp_path / "parley.yaml"
    async with served(config) as (address, process):
        found = {"OPENAI_API_KEY": await House.key_in(settings), "OPENAI_BASE_URL": f"{address}/v1"}
        program = await asyncio.create_subprocess_exec(
            NODE, str(CLIENTS / "reconnect.mjs"), env={**os.environ, **found}, stdout=asyncio.subprocess.PIPE
        )
        assert program.stdout
        said = [await asyncio.wait_for(program.stdout.readline(), 60)]
        process.send_signal(signal.SIGTERM)
        said.append(await asyncio.wait_for(program.stdout.readline(), 60))
        await asyncio.wait_for(process.wait(), 60)
    async with served(config):
        said.append(await asyncio.wait_for(program.stdout.readline(), 60))
        assert await asyncio.wait_for(program.wait(), 60) == 0
    (_, first, _), closed, (_, _, previous) = said[0].split(), said[1].split(), said[2].split()
    assert closed == [b"closed", b"1012"]
    assert previous == first
