"""The fields of a JSON object from outside, read with checks; every refusal names the field. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from server.core.errors import Refused

LARGEST = 2**31 - 1


def wrong(param: str, expected: str) -> Refused:
    """Return the refusal of a value that has the wrong type or is out of range."""
    return Refused("invalid_value", f"'{param}' must be {expected}.", param=param)


def unsupported(param: str, what: str) -> Refused:
    """Return the refusal of something that the protocol knows and this server does not do."""
    return Refused("unsupported_value", f"{what} not supported here.", param=param)


@dataclass(frozen=True, slots=True)
class Fields:
    """One object. null counts as absent. `path` is how the object itself is named in refusals."""

    values: Mapping[str, Any]
    path: str = ""

    def param(self, name: str) -> str:
        """Return how the field is named in a refusal."""
        return f"{self.path}.{name}" if self.path else name

    def given(self, name: str) -> Any:
        """Return the value as it came."""
        return self.values.get(name)

    def text(self, name: str, most: int | None = None) -> str | None:
        """Return a string of at most `most` characters."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or (most is not None and len(value) > most):
            self._refuse(name, "a string" if most is None else f"a string of at most {most} characters")
        return value

    def needed_text(self, name: str, most: int | None = None) -> str:
        """Return a string that has to be there, of at most `most` characters."""
        value = self.text(name, most)
        if value is None:
            raise self._missing(name)
        return value

    def flag(self, name: str) -> bool | None:
        """Return true or false."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            self._refuse(name, "true or false")
        return value

    def number(self, name: str, low: float, high: float) -> float | None:
        """Return a number from `low` to `high`."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            self._refuse(name, f"a number from {low:g} to {high:g}")
        return float(value)

    def whole(self, name: str, low: int, high: int = LARGEST) -> int | None:
        """Return an integer from `low` to `high`."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self._refuse(name, f"an integer from {low} to {high}")
        return value

    def needed_whole(self, name: str, low: int, high: int = LARGEST) -> int:
        """Return an integer from `low` to `high` that has to be there."""
        value = self.whole(name, low, high)
        if value is None:
            raise self._missing(name)
        return value

    def choice(self, name: str, options: Sequence[str]) -> str | None:
        """Return one of `options`."""
        value = self.values.get(name)
        if value is not None and value not in options:
            self._refuse(name, f"one of {', '.join(options)}")
        return None if value is None else str(value)

    def inner(self, name: str) -> "Fields":
        """Return the fields of an object, none if it is absent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, dict):
            self._refuse(name, "an object")
        return Fields(value or {}, self.param(name))

    def objects(self, name: str, most: int) -> "list[Fields]":
        """Return the objects of an array, at most `most`."""
        value = self.values.get(name)
        if not isinstance(value, list):
            self._refuse(name, "an array")
        if len(value) > most:
            self._refuse(name, f"an array of at most {most} items")
        found = [Fields(item, f"{self.param(name)}[{index}]") for index, item in enumerate(value)]
        for item in found:
            if not isinstance(item.values, dict):
                raise wrong(item.path, "an object")
        return found

    def texts(self, name: str, *, most: int, longest_key: int = 64, longest: int = 512) -> dict[str, str]:
        """Return an object of strings with at most `most` members."""
        values = self.inner(name).values
        fits = all(
            isinstance(text, str) and len(text) <= longest and len(key) <= longest_key for key, text in values.items()
        )
        if len(values) > most or not fits:
            limits = f"keys of at most {longest_key} and strings of at most {longest} characters"
            self._refuse(name, f"an object of at most {most} pairs: {limits}")
        return dict(values)

    def only(self, name: str, *accepted: Any) -> None:
        """Refuse a known field unless it is absent or has a value that changes nothing here."""
        value = self.values.get(name)
        if value is not None and not any(value == fine and type(value) is type(fine) for fine in accepted):
            raise unsupported(self.param(name), f"This value of '{self.param(name)}' is")

    def _missing(self, name: str) -> Refused:
        return Refused("missing_field", f"'{self.param(name)}' is required.", param=self.param(name))

    def _refuse(self, name: str, expected: str) -> NoReturn:
        raise wrong(self.param(name), expected)
