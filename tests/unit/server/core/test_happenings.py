"""The catalogue of what happens is complete, and both observers know what to do with all of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.adapters.observer_prometheus import PrometheusObserver
from server.core.happenings import Happening, Kind
from server.core.ports import Happened

SERVER = Path(__file__).parents[4] / "server"

TURN = {"model": "m", "persona": "p", "door": "d"}
LABELS = {
    Happening.TURN_STARTED: TURN,
    Happening.TURN_ADOPTED: TURN,
    Happening.TURN_ENDED: TURN | {"status": "completed"},
    Happening.INPUT_TOKENS: TURN,
    Happening.OUTPUT_TOKENS: TURN,
    Happening.FIRST_TOKEN: {"model": "m"},
    Happening.PERSONA_RELOADED: {"persona": "p", "revision": "2"},
    Happening.REFUSED: {"code": "draining"},
    Happening.LIMIT: {"model": "m"},
    Happening.CAP_PUBLISHED: {"rule": "r", "tier": "t"},
}


def _said() -> Iterator[str]:
    """Give the name of each happening that the sources speak of, as a member or as a text."""
    for path in SERVER.rglob("*.py"):
        if path.name in {"happenings.py", "observer_prometheus.py"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Happening":
                yield Happening[node.attr].value
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Happened":
                yield from (
                    str(word.value.value)
                    for word in node.keywords
                    if word.arg == "name" and isinstance(word.value, ast.Constant)
                )


def _counted(happened: Happened) -> set[str]:
    """Return the metrics of an observer, fresh but for this, that are not zero."""
    observer = PrometheusObserver(running=lambda: 0, sockets=lambda: 0)
    observer.saw(happened)
    lines = observer.metrics().decode().splitlines()
    samples = [line.rsplit(" ", 1) for line in lines if not line.startswith("#") and "_created" not in line]
    return {name.partition("{")[0] for name, value in samples if float(value)}


def test_all_that_is_said_stands_in_the_catalogue_and_the_reverse() -> None:
    """Nothing happens under an unknown name, and no name stands for nothing."""
    assert set(_said()) == {one.value for one in Happening}


def test_each_happening_has_its_sentence() -> None:
    """Each says in one sentence what it is."""
    assert [one for one in Happening if not one.about.endswith(".")] == []


@pytest.mark.parametrize("happening", Happening)
def test_each_happening_is_counted(happening: Happening) -> None:
    """Faults are counted as faults, and everything else on its own."""
    counted = _counted(Happened(name=happening, labels=LABELS.get(happening, {}), value=2.0))
    assert counted
    assert ("parley_faults_total" in counted) is (happening.kind is Kind.FAULT)


def test_an_adopted_turn_has_a_counter_of_its_own() -> None:
    """A turn that is taken over counts as that."""
    assert _counted(Happened(name=Happening.TURN_ADOPTED, labels=TURN)) == {"parley_turns_adopted_total"}
