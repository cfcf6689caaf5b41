"""Dials settle to what the author declared."""

import pytest

from personas.compiled import Compiled
from personas.composition import compose
from personas.persona import parse
from personas.problems import InvalidDial
from personas.session import settle_dials

TEXT = """---
spec: persona/1
name: p
summary: S.
bounds:
  dials:
    pace: { choices: [slow, fast], default: slow }
    topic: { text: { max_chars: 10 }, default: birds }
---
Text.
"""


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    """Return a persona with a dial of each kind."""
    return compose(parse(TEXT, source="p.md"), {})


def test_dials_stand_at_their_defaults(compiled: Compiled) -> None:
    """Every declared dial has a value."""
    assert settle_dials(compiled, {}) == {"pace": "slow", "topic": "birds"}


def test_chosen_values_hold(compiled: Compiled) -> None:
    """A choice is taken as it is; free text is cleaned and cut."""
    assert settle_dials(compiled, {"pace": "fast", "topic": "two\n\u202ewords and more"}) == {
        "pace": "fast",
        "topic": "two words",
    }


def test_undeclared_values_are_refused(compiled: Compiled) -> None:
    """A value outside the choices names what is allowed; nothing is corrected silently."""
    with pytest.raises(InvalidDial) as caught:
        settle_dials(compiled, {"pace": "Fast"})
    assert (caught.value.name, caught.value.value, caught.value.allowed) == ("pace", "Fast", ("slow", "fast"))
    assert caught.value.declared


def test_undeclared_dials_are_refused(compiled: Compiled) -> None:
    """A dial that the persona does not have names those it has."""
    with pytest.raises(InvalidDial) as caught:
        settle_dials(compiled, {"mood": "grim"})
    assert caught.value.allowed == ("pace", "topic")
    assert not caught.value.declared
