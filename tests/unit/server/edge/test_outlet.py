"""Frames as bytes, as every client reads them."""

import pytest

from server.edge.outlet import Frames
from tests.unit.server.edge.wires import parsed


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_a_frame_of_any_size_is_read_as_it_was_said(size: int) -> None:
    """The three forms of a length are told apart where RFC 6455 puts their borders."""
    (frame,) = parsed(Frames(["x" * size]).encoded)
    assert frame.data == b"x" * size


def test_frames_follow_each_other() -> None:
    """Several frames in one write are several messages, byte for byte."""
    texts = ["{}", "Wörter \U0001f600", "x" * 200]
    assert [bytes(frame.data).decode() for frame in parsed(Frames(texts).encoded)] == texts
