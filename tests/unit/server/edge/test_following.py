"""HTTP answers that follow a running turn."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import Message

from server.chat.live import LiveTurn
from server.core.events import Delta, Event, Opened
from server.edge import following
from server.edge.following import Follower, StreamedAnswer, WholeAnswer
from server.edge.responses_render import response_object
from tests.unit.server.edge.doors import quiet
from tests.unit.server.edge.stories import FAILED, a_turn, deltas, ending, opening

SCOPE = {"type": "http", "method": "POST", "path": "/", "headers": []}


class Browser:
    """The client's end of one HTTP request."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.got: asyncio.Queue[Message] = asyncio.Queue()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.got.put_nowait(message)

    async def next(self) -> Any:
        """Return the status, or the next piece of the body."""
        async with asyncio.timeout(5):
            message = await self.got.get()
        return message["status"] if message["type"] == "http.response.start" else message["body"].decode()


@asynccontextmanager
async def asking(response: Response) -> AsyncIterator[Browser]:
    browser = Browser()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(response(SCOPE, browser.receive, browser.send))
        yield browser
        browser.left.set()


def running() -> LiveTurn:
    """Return a turn that was accepted and says nothing yet."""
    return LiveTurn(a_turn(), [Opened(0)])


def streamed(live: LiveTurn, **how: Any) -> StreamedAnswer:
    """Return a stream that shows texts and marks with letters what else happens."""

    def show(events: Sequence[Event], _: int) -> bytes:
        return "".join(event.text if isinstance(event, Delta) else type(event).__name__[0] for event in events).encode()

    return StreamedAnswer(live, show=show, break_off=lambda refused, _: refused.code.encode(), **how)


async def test_a_stream_goes_with_the_turn() -> None:
    """Nothing is sent before the answer begins; then what is new goes out as it comes, and the turn was shown."""
    live = running()
    async with asking(streamed(live)) as browser:
        await quiet()
        assert browser.got.empty()
        assert not live.delivered
        live.add(opening(live.turn)[1:])
        assert [await browser.next() for _ in range(2)] == [200, "OI"]
        assert live.delivered
        live.add(deltas(["a", "b"]))
        assert await browser.next() == "ab"
        live.add(ending(6))
        assert [await browser.next() for _ in range(2)] == ["IE", ""]
    assert live.followers == 0


async def test_a_silent_turn_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing comes, the client gets its status and comments."""
    monkeypatch.setattr(following, "KEEP_ALIVE", 0.001)
    live = running()
    async with asking(streamed(live)) as browser:
        assert [await browser.next() for _ in range(3)] == [200, "O", ": keep-alive\n\n"]


async def test_a_client_that_leaves_is_not_followed_for() -> None:
    """When the client leaves, the turn is left at once, streamed or whole, and hears it if it was the last."""
    for response in (streamed, lambda live: WholeAnswer(live, response_object, {})):
        live = running()
        deserted = asyncio.Event()
        live.on_deserted = deserted.set
        async with asking(response(live)) as browser:
            await quiet()
            assert live.followers == 1
            browser.left.set()
            await deserted.wait()
        assert live.followers == 0


async def test_a_client_that_does_not_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of which nothing is accepted for long ends without its end, and the turn is no longer followed."""
    monkeypatch.setattr(following, "STALLED", 0.001)
    live, sent = running(), list[str]()
    live.add(opening(live.turn)[1:])

    async def send(message: Message) -> None:
        sent.append(message["type"])
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await streamed(live)(SCOPE, Browser().receive, send)
    assert (sent, live.followers) == (["http.response.start", "http.response.body"], 0)


async def test_what_fails_comes_out_as_it_is() -> None:
    """A fault of the answer or of the connection is no group of faults, and keeps its cause."""
    with pytest.raises(RuntimeError, match="boom") as failed:
        async with Follower(running()).here(Browser().receive):
            raise RuntimeError("boom") from KeyError("why")
    assert isinstance(failed.value.__cause__, KeyError)

    async def receive() -> Message:
        raise OSError("reset")

    with pytest.raises(OSError, match="reset"):
        async with Follower(running()).here(receive):
            await asyncio.Event().wait()


async def test_a_lost_turn_breaks_the_stream_off() -> None:
    """If nothing more can be known of the turn, the stream ends with the reason, and the whole answer is it."""
    live = running()
    async with asking(streamed(live)) as browser:
        live.add([*opening(live.turn)[1:], *deltas(["a"])])
        assert [await browser.next() for _ in range(2)] == [200, "OIa"]
        live.lose(RuntimeError("disk"))
        assert await browser.next() == "storage_unavailable"
    live = running()
    async with asking(WholeAnswer(live, response_object, {})) as browser:
        live.lose(RuntimeError("disk"))
        assert await browser.next() == 503


async def test_a_whole_answer_waits_for_the_end() -> None:
    """Nothing is sent before the end; the client does not know the turn until then."""
    live = running()
    async with asking(WholeAnswer(live, response_object, {"x-more": "1"})) as browser:
        live.add([*opening(live.turn)[1:], *deltas(["a"])])
        await quiet()
        assert browser.got.empty()
        live.add(ending(5, FAILED))
        assert await browser.next() == 200
        assert '"status":"failed"' in await browser.next()
    assert not live.delivered
