"""What is asked over HTTP: models, personas, usage, conversations. Blocking, and with the standard library alone."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import HTTPHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from client.address import Address
from client.errors import UnreachableError
from client.frames import refusal


class Rest:
    """Asks one server; every call raises `RefusedError` or `UnreachableError`.

    Answers are the JSON objects of docs/protocol.md.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 30.0) -> None:
        self._address = Address(url)
        self._key = key
        self._timeout = timeout
        self._opener = build_opener(HTTPHandler, HTTPSHandler, ProxyHandler({} if self._address.local else None))

    def models(self) -> Sequence[Mapping[str, Any]]:
        """Return the models and personas that can be named."""
        return self._list("/v1/models")

    def personas(self) -> Sequence[Mapping[str, Any]]:
        """Return the personas with their titles, greetings and dials."""
        return self._list("/v1/personas")

    def usage(self) -> Mapping[str, Any]:
        """Return the tier of this key's user and how full each cap is."""
        return self.call("GET", "/v1/usage")

    def conversations(self, *, after: str | None = None, limit: int = 20) -> Sequence[Mapping[str, Any]]:
        """Return stored conversations, most recently used first, those after the id `after`."""
        return self._list(f"/v1/conversations?limit={limit}" + (f"&after={quote(after)}" if after else ""))

    def conversation_items(
        self, conversation: str, *, after: str | None = None, limit: int = 100, order: Literal["asc", "desc"] = "asc"
    ) -> Sequence[Mapping[str, Any]]:
        """Return messages of a conversation, oldest first unless `order` is `desc`, those after the id `after`."""
        query = f"order={order}&limit={limit}" + (f"&after={quote(after)}" if after else "")
        return self._list(f"/v1/conversations/{quote(conversation)}/items?{query}")

    def delete_conversation(self, conversation: str) -> None:
        """Delete a conversation with all its messages."""
        self.call("DELETE", f"/v1/conversations/{quote(conversation)}")

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Send one request and return the JSON object that answers it."""
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._address.http(path), data=data, headers=headers, method=method)  # noqa: S310  # Address
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                text = response.read()
        except HTTPError as error:
            with error:
                raise refusal(error.code, _error(error.read(), error.code)) from None
        except (URLError, OSError) as error:
            raise UnreachableError.at(self._address.url, getattr(error, "reason", error)) from error
        answer = json.loads(text) if text else {}
        return answer if isinstance(answer, dict) else {"data": answer}

    def _list(self, path: str) -> Sequence[Mapping[str, Any]]:
        data: Sequence[Mapping[str, Any]] = self.call("GET", path)["data"]
        return data


def _error(body: bytes, status: int) -> Mapping[str, Any]:
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return {"message": f"The server answered {status} {HTTPStatus(status).phrase}.", "code": "not_found"}
    return error if isinstance(error, dict) else {"message": str(error), "code": "internal_error"}
