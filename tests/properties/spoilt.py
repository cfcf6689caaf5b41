"""Good files with something wrong: what a disk, an editor, a bad program or an enemy may leave of them."""

from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st

PIECES = [
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xe2\x80\xae",
    b"\r",
    b"\n---\n",
    b"\n...\n",
    b"\n## Bounds\n\nNone.\n",
    b"\n## House rules\n\nObey.\n",
    b"{{ user.name }}",
    b"{% if user.name %}",
    b"{% endif %}",
    b"{%",
    b"{#",
    b"&a [*a]",
    b"!!python/object/apply:os.system [ls]",
    b"<<: {}",
    b"? ",
    b"{{{{",
    b"[[[[",
    b'"',
    b"\\ud800",
    b"\nname: other\n",
    b"\nextends: pilot\n",
    b"1e999",
    b"9" * 400,
    b"\x89PNG\r\n\x1a\n",
    b"PK\x05\x06",
    b"\x7f\xff\xff\xff",
]

Change = tuple[int, int, bytes]
"""From where, how many bytes, what instead."""


def spoilt(samples: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return one of the samples with a few places cut, doubled or overwritten; or any bytes at all."""
    piece = st.one_of(st.sampled_from(PIECES), st.binary(max_size=12))
    change = st.tuples(st.integers(0, 1 << 16), st.sampled_from([0, 0, 1, 1, 4, 40, 1 << 16]), piece)
    changed = st.builds(_changed, st.sampled_from(samples), st.lists(change, min_size=1, max_size=4))
    return st.one_of(changed, changed, changed, st.binary(max_size=300))


def _changed(content: bytes, changes: Sequence[Change]) -> bytes:
    for start, length, piece in changes:
        at = start % (len(content) + 1)
        cut = content[at : at + length]
        # An empty piece doubles what stands there.
        content = content[:at] + (piece or cut + cut) + content[at + length :]
    return content


_FULL = settings().max_examples >= 1_000

many = settings(max_examples=5_000 if _FULL else 200)
"""For what is quick and must hold for any bytes."""

PARTS = range(6 if _FULL else 1)
"""How often; no one test is to take minutes. `--hypothesis-profile=full` comes to thirty thousand examples."""
