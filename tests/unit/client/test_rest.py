"""What is asked over HTTP, against a server that gives fixed answers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from client import RefusedError, Rest, UnreachableError


@contextmanager
def answering(status: int, body: str) -> Iterator[tuple[str, list[tuple[str, str, str | None]]]]:
    """Run a server that gives one answer to everything; yield its address and what it was asked."""
    asked: list[tuple[str, str, str | None]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.command, self.path, self.headers["Authorization"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        do_DELETE = do_GET  # noqa: N815  # the library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def test_lists_are_their_data() -> None:
    """Models and conversations come as plain lists, asked with the key."""
    with answering(200, json.dumps({"object": "list", "data": [{"id": "local"}]})) as (url, asked):
        rest = Rest(url, "sk-1")
        assert rest.models() == [{"id": "local"}]
        assert rest.conversations(after="conv_1", limit=2) == [{"id": "local"}]
        rest.delete_conversation("conv_1")
    assert asked == [
        ("GET", "/v1/models", "Bearer sk-1"),
        ("GET", "/v1/conversations?limit=2&after=conv_1", "Bearer sk-1"),
        ("DELETE", "/v1/conversations/conv_1", "Bearer sk-1"),
    ]


def test_a_refusal_is_raised_with_its_code() -> None:
    """The error object is the same at every door."""
    body = json.dumps({"error": {"code": "invalid_api_key", "message": "unknown key"}})
    with answering(401, body) as (url, _), pytest.raises(RefusedError) as caught:
        Rest(url).usage()
    assert (caught.value.code, caught.value.status) == ("invalid_api_key", 401)


@pytest.mark.parametrize("body", ["<html>", "[]", '{"error": "odd"}'])
def test_an_error_of_another_shape_is_still_a_refusal(body: str) -> None:
    """A proxy in between may answer with anything."""
    with answering(502, body) as (url, _), pytest.raises(RefusedError) as caught:
        Rest(url).usage()
    assert caught.value.status == 502


def test_nobody_at_the_address_is_told() -> None:
    """A server that does not run is an error of its own."""
    with answering(200, "{}") as (url, _):
        pass
    with pytest.raises(UnreachableError, match=r"No Parley answers at \S+ \(Connection refused\)\."):
        Rest(url).usage()
