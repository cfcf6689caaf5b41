"""The fields of a persona, as models: what may be written, within which bounds, and what absence means.

`docs/personas.md` describes them to authors.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

LOCALE = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$"
NAME = r"^[a-z0-9](-?[a-z0-9]){0,63}$"

Name = Annotated[str, StringConstraints(pattern=NAME)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=160, pattern=r"^[^\n]*$")]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=8000)]
Locale = Annotated[str, StringConstraints(pattern=LOCALE)]
DialName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\n]*$")]
Summary = Annotated[str, StringConstraints(min_length=1, max_length=280)]
Share = Annotated[float, Field(ge=0, le=1)]


def _as_tuple(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _false_as_none(value: Any) -> Any:
    return None if value is False else value


def _one_of(*names: str) -> ConfigDict:
    """Tell editors that exactly one of `names` is given; the models check it themselves."""
    return ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in names]})


_GREETING_FORMS = Prose | Annotated[tuple[Prose, ...], Field(max_length=8)]
Greeting = Annotated[
    tuple[Prose, ...],
    Field(max_length=8),
    BeforeValidator(_as_tuple, json_schema_input_type=_GREETING_FORMS),
]
Starters = Annotated[tuple[Line, ...], Field(max_length=6)]


def _shared(value: Any) -> Any:
    """Return a field whose default is this very value in every instance: nothing here is ever changed in place.

    Pydantic copies a default that holds a dictionary, down to its leaves, for each instance.
    """
    return Field(default_factory=lambda: value)


_NONE_GIVEN: set[str] = set()


class Strict(BaseModel):
    """A frozen model that refuses unknown fields and takes no type for another.

    The words below its fields are also what an editor shows an author who writes them (`schema`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    def model_post_init(self, _: Any) -> None:
        """Forget which fields were given, which nobody asks: sets of them are a third of what a persona takes."""
        object.__setattr__(self, "__pydantic_fields_set__", _NONE_GIVEN)


class ModelChoice(Strict):
    """Which aliases may answer and how; None leaves it to the deployment."""

    use: Annotated[tuple[Word, ...], Field(min_length=1)] | None = None
    """Models or groups of the deployment; the first that is available answers. Absent: any."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    reasoning: Literal["none", "minimal", "low", "medium", "high"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    needs: tuple[Literal["vision", "tools", "json", "reasoning"], ...] = ()
    """What a model must be able to do; `vision` counts only when an image is there."""


class Access(Strict):
    """Who may talk to the persona; None is everyone."""

    tiers: tuple[Word, ...] | None = None
    groups: tuple[Word, ...] | None = None
    owner_only: bool = False
    """Whether only its owner and operators may talk to it; imported personas begin so."""


class FreeText(Strict):
    """A dial that takes words of the user's own."""

    max_chars: Annotated[int, Field(ge=1, le=200)] = 200


class Dial(Strict):
    """Something a user may set, within the choices or the length that the author declares."""

    model_config = _one_of("choices", "text")

    choices: Annotated[tuple[Line, ...], Field(min_length=2)] | None = None
    text: FreeText | None = None
    default: str
    label: Word | None = None
    """What people see in place of the name."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.choices is None) == (self.text is None):
            raise ValueError("a dial has either `choices` or `text`")
        if self.choices is not None and self.default not in self.choices:
            raise ValueError(f"the default `{self.default}` is not among the choices")
        if self.text is not None and len(self.default) > self.text.max_chars:
            raise ValueError("the default is longer than `text.max_chars`")
        return self


class Notes(Strict):
    """How much a user may tell the persona about themselves, in characters."""

    max_chars: Annotated[int, Field(ge=1, le=4000)] = 600
    label: Word | None = None
    """What people are asked."""


class Bounds(Strict):
    """What stays as the author wrote it, and what a user may steer. Without `notes` the persona takes none."""

    locked: tuple[Word, ...] = ()
    """Headings of sections that no persona which extends this one may change."""
    dials: Annotated[dict[DialName, Dial], Field(json_schema_extra={"additionalProperties": False})] = _shared({})
    notes: Annotated[Notes | None, BeforeValidator(_false_as_none, json_schema_input_type=Notes | Literal[False])] = (
        None
    )


class Entry(Strict):
    """A piece of knowledge that joins the newest message when one of the words in `when` was said lately."""

    model_config = _one_of("text", "file")

    when: tuple[Line, ...] = ()
    always: bool = False
    """Whether it joins every message, whatever was said."""
    text: Annotated[str, StringConstraints(min_length=1)] | None = None
    file: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """A text file inside the persona's folder."""
    order: int = 0
    """Where it stands among those chosen; lower comes first."""
    priority: int = 0
    """Who gets room first; higher comes first."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.text is None) == (self.file is None):
            raise ValueError("an entry has either `text` or `file`")
        if not self.when and not self.always:
            raise ValueError("an entry needs words in `when`, or `always: true`")
        return self


class Knowledge(Strict):
    """What the persona can look up, and how much of it one turn may carry."""

    budget_tokens: Annotated[int, Field(ge=0)] = 800
    scan_turns: Annotated[int, Field(ge=1, le=50)] = 4
    """How many of the newest turns are searched for words."""
    entries: tuple[Entry, ...] = ()

    @cached_property
    def words(self) -> Mapping[str, Sequence[int]]:
        """The entries, by their index, that each word of any `when` calls; the words are case-folded."""
        found: dict[str, list[int]] = {}
        for index, entry in enumerate(self.entries):
            for word in entry.when:
                found.setdefault(word.casefold(), []).append(index)
        return found


class Example(Strict):
    """A question and the answer that shows how the persona speaks."""

    user: Prose
    assistant: Prose


class DialWords(Strict):
    """What people see of a dial in another language."""

    label: Word | None = None
    choices: dict[str, Line] = _shared({})
    """The words for choices; the choices themselves stay what programs send and models read."""


class Wording(Strict):
    """What people see of a persona in another language; what is absent is shown as it is."""

    title: Title | None = None
    summary: Summary | None = None
    greeting: Greeting = ()
    """As many as the persona has, in their order."""
    starters: Starters = ()
    dials: dict[DialName, DialWords] = _shared({})
    notes: Word | None = None
    """What people are asked, in place of the label of `notes`."""


class Gate(Strict):
    """Which evals a revision must pass before it goes live, and by how much."""

    evals: tuple[Word, ...] = ()
    require: dict[str, Share] = _shared({})
    max_regression: Share = 0.03
    epochs: Annotated[int, Field(ge=1, le=20)] = 3


class Profile(Strict):
    """The fields that a file and its compiled form share."""

    name: Name
    """The name of the file or folder."""
    title: Title | None = None
    summary: Summary
    """What the persona is for, in a sentence that people see."""
    avatar: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """A picture inside the folder, or an emoji."""
    tags: Annotated[tuple[Word, ...], Field(max_length=12)] = ()
    greeting: Greeting = ()
    """One text, or several to choose from, that opens a conversation."""
    starters: Starters = ()
    """What a user may say first."""
    model: ModelChoice = _shared(ModelChoice())
    access: Access = _shared(Access())
    tools: tuple[Word, ...] | None = None
    bounds: Bounds = _shared(Bounds())
    knowledge: Knowledge = _shared(Knowledge())
    examples: tuple[Example, ...] = ()
    reminder: Annotated[str, StringConstraints(min_length=1, max_length=600)] | None = None
    """What stands after the newest message, as the last thing that the model reads."""
    locales: Annotated[dict[Locale, Wording], Field(json_schema_extra={"additionalProperties": False})] = _shared({})
    """What people see in other languages, by language."""
    gate: Gate = _shared(Gate())
    metadata: dict[str, str] = _shared({})
    """Texts by name, for your own use."""
    extensions: dict[str, Any] = _shared({})
    """Fields of other formats, kept as they came for the way back; they never enter a prompt."""

    @property
    def label(self) -> str:
        """What people call the persona: its title, else its name in words."""
        return self.title or self.name.replace("-", " ").capitalize()


class FrontMatter(Profile):
    """What stands between the two lines `---`."""

    spec: Literal["persona/1"]
    extends: Name | None = None
    """The persona that this one begins with."""
