"""What tokens of a model cost, in whole millionths of a dollar: no figure that is added up is a fraction."""

from dataclasses import dataclass
from typing import Self

_PER = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Millionths of a dollar per million tokens. Raises `ValueError` for a negative one, which would mint credit."""

    input: int
    output: int

    def __post_init__(self) -> None:
        if self.input < 0 or self.output < 0:
            raise ValueError("a price cannot be negative")

    @classmethod
    def of_dollars(cls, *, input: float, output: float) -> Self:  # noqa: A002  # as in the configuration
        """Return the price that is so many dollars per million tokens."""
        return cls(input=round(input * _PER), output=round(output * _PER))

    def cost(self, *, prompt: int, answer: int) -> int:
        """Return what so many tokens cost, in millionths of a dollar, rounded up."""
        return -(-(prompt * self.input + answer * self.output) // _PER)
