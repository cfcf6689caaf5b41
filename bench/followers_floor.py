"""A server that encodes a delta's frames once and sends them to all who are connected, at a pace, and does no more.

`python bench/followers_floor.py PORT SOCKETS LANES SECONDS`: what followers cost at least over that server.
"""

import asyncio
import sys
from typing import Any

import uvicorn
from starlette.websockets import WebSocket

from server.edge.outlet import EXTENSION, Frames, Wire
from server.edge.wire_uvicorn import WireProtocol

PORT, SOCKETS, LANES = map(int, sys.argv[1:4])
PACE = float(sys.argv[4])
FRAME = (
    '{{"type":"response.output_text.delta","item_id":"msg_0123456789abcdefghij","output_index":0,"content_index":0,'
    '"delta":" {number:04d}","logprobs":[],"sequence_number":{number},"stream_id":"f{lane}"}}'
)
wires: set[Wire] = set()


async def deltas() -> None:
    """Send a delta to every lane of every socket."""
    loop, number = asyncio.get_running_loop(), 0
    due = loop.time()
    while True:
        data = Frames([FRAME.format(number=number, lane=lane) for lane in range(LANES)]).encoded
        for wire in wires:
            if wire.ready:
                wire.write(data)
        number += 1
        due += PACE
        await asyncio.sleep(due - loop.time())


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Begin with the first socket; each one stays until its client leaves."""
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    wires.add(scope["extensions"][EXTENSION])
    if len(wires) == SOCKETS:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(deltas())
            await websocket.receive()
            sending.cancel()
    else:
        await websocket.receive()


uvicorn.run(app, port=PORT, ws=WireProtocol, ws_per_message_deflate=False, lifespan="off", log_level="warning")
