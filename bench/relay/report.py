"""What a run found, as one Markdown table: medians, and ratios of figures that were taken in the same round."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from relay.contestants import Contestant
from relay.scenarios import Scenario


@dataclass(frozen=True, slots=True)
class Cell:
    """One contestant's figure in one scenario and round, or why there is none."""

    round: int
    scenario: str
    contestant: str
    value: float | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What the product shall reach, in words, and whether figures reach it."""

    first: str
    goal: str
    reached: Callable[[Mapping[str, float], float], bool]
    """From the ratios to other contestants and the own figure to whether the first target is reached."""


TARGETS: Mapping[str, Target] = {
    "S1": Target("<= 1 x naive", "<= 1/4 naive, <= 1/20 litellm", lambda ratio, _: ratio["naive"] <= 1),
    "S2": Target("<= 1/10 naive", "<= 1/60 naive", lambda ratio, _: ratio["naive"] <= 1 / 10),
    "S2w8": Target("<= 1/10 naive", "<= 1/60 naive, <= 4 x floor", lambda ratio, _: ratio["naive"] <= 1 / 10),
    "S3": Target(">= 4 x naive", ">= 12 x naive, >= 0.6 x floor", lambda ratio, _: ratio["naive"] >= 4),
    "S4": Target("<= 65 kB", "<= 40 kB", lambda _, value: value <= 65),
    "S4z": Target("<= 65 kB", "<= 40 kB", lambda _, value: value <= 65),
    "S5": Target(
        ">= 2 x naive, >= 15 x litellm",
        ">= 15 x naive, >= 100 x litellm",
        lambda ratio, _: ratio["naive"] >= 2 and ratio.get("litellm", 15) >= 15,
    ),
}

COMPARED = ("naive", "floor", "litellm")


def table(cells: Sequence[Cell], contestants: Sequence[Contestant], scenarios: Sequence[Scenario]) -> str:
    """Return the table: a row for each scenario and contestant, Parley's rows with its targets."""
    lines = [
        "| scenario | server | median | each round | x naive | x floor | x litellm | first target | goal |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for scenario in scenarios:
        for contestant in contestants:
            mine = [cell for cell in cells if (cell.scenario, cell.contestant) == (scenario.name, contestant.name)]
            lines += [_row(mine, contestant, scenario, cells)] if mine else []
    said = [f"- **{contestant.name}**: {contestant.says}." for contestant in contestants]
    asked = [f"- **{scenario.name}** ({scenario.unit}): {scenario.what}." for scenario in scenarios]
    return "\n".join([*lines, "", *asked, "", *said, ""])


def ratio(cells: Sequence[Cell], scenario: str, name: str, other: str) -> float | None:
    """Return the median over the rounds of `name`'s figure divided by `other`'s of the same round."""
    by = {(cell.round, cell.contestant): cell.value for cell in cells if cell.scenario == scenario}
    pairs = [(value, by.get((turn, other))) for (turn, who), value in by.items() if who == name]
    ratios = [mine / theirs for mine, theirs in pairs if mine is not None and theirs]
    return median(ratios) if ratios else None


def _row(mine: Sequence[Cell], contestant: Contestant, scenario: Scenario, cells: Sequence[Cell]) -> str:
    start = f"| {scenario.name} | {contestant.name} |"
    values = [cell.value for cell in mine if cell.value is not None]
    if not values:
        return f"{start} - | {mine[0].problem} | | | | | |"
    ratios = {
        other: found
        for other in COMPARED
        if other != contestant.name and (found := ratio(cells, scenario.name, contestant.name, other)) is not None
    }
    shown = " | ".join(_number(ratios[other]) if other in ratios else "" for other in COMPARED)
    first, goal = "", ""
    target = TARGETS[scenario.name]
    if contestant.name.startswith("parley") and ("naive" in ratios or scenario.name.startswith("S4")):
        verdict = "reached" if target.reached(ratios, median(values)) else "**missed**"
        first, goal = f"{target.first}: {verdict}", target.goal
    each = ", ".join(_number(value) for value in values)
    failed = len(mine) - len(values)
    each += f" ({failed} failed: {next(cell.problem for cell in mine if cell.problem)})" if failed else ""
    return f"{start} {_number(median(values))} {scenario.unit} | {each} | {shown} | {first} | {goal} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
