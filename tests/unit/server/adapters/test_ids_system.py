"""Names and secrets from the randomness of this machine."""

import re

from server.adapters.ids_system import SystemIds, new_secret, new_signing_secret
from server.core.ports import Ids


def test_a_name_says_what_it_names() -> None:
    """The prefix, then at least 96 random bits in letters and digits."""
    ids: Ids = SystemIds()
    assert re.fullmatch(r"conv_[0-9a-f]{24,}", ids.new("conv"))


def test_nothing_comes_twice() -> None:
    """Names and secrets are new every time."""
    ids = SystemIds()
    assert len({ids.new("msg") for _ in range(1000)}) == 1000
    assert len({new_secret() for _ in range(1000)}) == 1000


def test_a_secret_has_256_bits_that_need_no_quoting() -> None:
    """It goes into headers and shells as it is."""
    assert re.fullmatch(r"sk-[A-Za-z0-9_-]{43}", new_secret())
    assert len(new_signing_secret()) == 32
