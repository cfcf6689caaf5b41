"""The official clients, unmodified, meet a restart: they come back by themselves and go on where they were."""

import asyncio
import signal
from pathlib import Path

import openai
from openai.resources.responses.responses import AsyncResponsesConnection
from openai.types.responses import Response
from openai.types.websocket_reconnection import ReconnectingEvent

from tests.harness import House, settings_in
from tests.processes import free_port, served


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
