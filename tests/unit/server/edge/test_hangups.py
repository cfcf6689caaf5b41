"""Connections that are being closed."""

from server.edge.hangups import LEAST, PATIENCE, Hangups


class Pipe:
    """A transport with so much in its buffer."""

    def __init__(self, left: int, *, closing: bool = True) -> None:
        self.left = left
        self.closing = closing
        self.aborted = False

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return self.left

    def abort(self) -> None:
        self.aborted = True


def test_a_client_that_takes_nothing_is_cut_off() -> None:
    """It has its time from when the closing was seen; connections that are not closing are left alone."""
    stuck, silent = Pipe(100_000), Pipe(100_000, closing=False)
    hangups = Hangups()
    for now in (5.0, 5.0 + PATIENCE - 0.1):
        hangups.look([stuck, silent], now)
        assert not stuck.aborted
    hangups.look([stuck, silent], 5.0 + PATIENCE)
    assert (stuck.aborted, silent.aborted) == (True, False)


def test_a_slow_client_gets_what_it_was_sent() -> None:
    """Whoever takes enough in each while may be slow; whoever takes a byte now and then may not."""
    slow, slower = Pipe(1_000_000), Pipe(1_000_000)
    hangups = Hangups()
    for step in range(8):
        hangups.look([slow, slower], step * PATIENCE / 2)
        slow.left -= LEAST
        slower.left -= 1
    assert (slow.aborted, slower.aborted) == (False, True)


def test_nothing_is_remembered_of_connections_that_are_gone() -> None:
    """A transport that is not named any more is forgotten."""
    pipe = Pipe(1)
    hangups = Hangups()
    hangups.look([pipe], 0.0)
    hangups.look([], 1.0)
    hangups.look([pipe], PATIENCE + 1)
    assert not pipe.aborted
