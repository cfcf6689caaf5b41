"""One URL and what each door makes of it."""

import pytest

from client.address import Address


@pytest.mark.parametrize("url", ["http://h:8000", "http://h:8000/", "http://h:8000/v1", "ws://h:8000", "h:8000"])
def test_every_way_to_write_an_address_means_the_same(url: str) -> None:
    """Scheme, trailing slash and /v1 are the client's business."""
    assert Address(url).websocket("/v1/responses?extensions=parley") == "ws://h:8000/v1/responses?extensions=parley"
    assert Address(url).http("/v1/models") == "http://h:8000/v1/models"


def test_a_prefix_and_encryption_are_kept() -> None:
    """A server behind a path of a proxy is reached there, encrypted."""
    assert Address("https://example.org/chat").websocket("/v1/responses") == "wss://example.org/chat/v1/responses"


@pytest.mark.parametrize(
    ("url", "local"),
    [("http://127.0.0.1:1", True), ("http://[::1]:1", True), ("localhost:1", True), ("https://example.org", False)],
)
def test_servers_on_this_machine_are_known(url: str, local: bool) -> None:  # noqa: FBT001  # the parameter is the point
    """No proxy is used for them."""
    assert Address(url).local is local
