"""Opening a WebSocket: who it is, from where, and the plain HTTP answer of a refusal."""

from starlette.websockets import WebSocket, WebSocketState

from server.chat.observing import refused
from server.core.errors import Refused
from server.core.records import Actor, Role
from server.edge import extensions
from server.edge.access import ACCESS, SOCKET
from server.edge.auth import actor_of, answered_protocol, check_role, secret_of, services_of
from server.edge.cross_origin import refuse_foreign
from server.edge.door import Door
from server.edge.doorkeeper import network_of
from server.edge.errors_http import respond
from server.edge.services import Services
from server.edge.socket import Socket


async def serve(websocket: WebSocket, door: Door) -> None:
    """Let the client in and serve its socket until it closes, or refuse the handshake with the reason."""
    services = services_of(websocket)
    try:
        await _admit(websocket, door, services)
    except Refused as why:
        if websocket.application_state is not WebSocketState.CONNECTING:
            raise
        services.observer.saw(refused(why))
        await websocket.send_denial_response(respond(why))


async def _admit(websocket: WebSocket, door: Door, services: Services) -> None:
    refuse_foreign(websocket, public_url=services.public_url, allowed=services.allowed_origins)
    offered: list[str] = websocket.scope["subprotocols"]
    secret = secret_of(websocket, services)
    begun = services.clock.now()
    needed = ACCESS[SOCKET, websocket.scope["route"].path]

    async def who() -> Actor:
        actor = await actor_of(services, websocket, secret, begun=begun)
        if isinstance(needed, Role):
            check_role(actor, needed)
        return actor

    extended = extensions.opted_in(websocket.query_params, websocket.headers)
    actor = await who()
    network = network_of(websocket.client.host if websocket.client else None)
    with services.sockets.place(actor.user_id, network):
        headers = [(b"parley-extensions", b"1")] if extended else []
        await websocket.accept(answered_protocol(offered), headers)
        await Socket(websocket=websocket, door=door, services=services, who=who, extended=extended).run()
