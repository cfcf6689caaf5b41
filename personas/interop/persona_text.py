"""A draft as a persona file of ours: translated, held to our limits, and open to its owner alone."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from personas.fields import DialName, ModelChoice
from personas.front_matter import Json
from personas.interop import yaml_text
from personas.interop.draft import Draft, Lore, Object, Remark
from personas.interop.prose import Dialect, divided, flat, one_line, plain, slug, tidy, translated, visible
from personas.values import UNSEEN

_MOST_GREETINGS, _MOST_STARTERS, _MOST_TAGS = 8, 6, 12
_LONGEST_PROSE, _LONGEST_REMINDER, _LONGEST_LINE, _LONGEST_WORD = 8000, 600, 160, 80
_LONGEST_SUMMARY, _LONGEST_DIAL, _LONGEST_AVATAR = 280, 200, 16
_DEFAULT_BUDGET, _DEFAULT_TURNS, _MOST_TURNS = 800, 4, 50

_NO_BRACKETS = str.maketrans("", "", "{}<>")
"""A title stands in other texts, where it must not begin anything."""
_ENOUGH = 4000
"""Characters of a text in which the first paragraph is looked for."""

REMINDER = "Reminder"
"""The section of a reminder that is too long to be one."""
_COMES_BACK = "It comes back when the persona is exported to the same format."
_DIAL: TypeAdapter[str] = TypeAdapter(DialName)


@dataclass(frozen=True, slots=True)
class Made:
    """A persona file, not yet parsed, and what was done to the draft on the way."""

    name: str
    text: str
    remarks: tuple[Remark, ...]


def make(draft: Draft, dialect: Dialect, *, stem: str, reserved: Collection[str], extensions: Object) -> Made:
    """Return the text of a persona file. `stem` names a draft without a title; `reserved` headings stay unused."""
    making = _Making(draft, dialect, stem)
    body = making.body(reserved)
    front = making.front(extensions)
    return Made(making.name, f"---\n{yaml_text.written(front)}---\n\n{body}\n", tuple(making.remarks))


@dataclass(slots=True)
class _Making:
    draft: Draft
    dialect: Dialect
    stem: str
    name: str = ""
    title: str = ""
    own: dict[str, str] = field(default_factory=dict)
    dials: dict[str, Json] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.remarks.extend(self.draft.remarks)
        self.title = one_line(self.draft.title.translate(_NO_BRACKETS), _LONGEST_WORD)
        if not self.title and not self.draft.name:
            self.title = one_line(self.stem.translate(_NO_BRACKETS), _LONGEST_WORD) or "Imported persona"
        self.name = slug(self.draft.name or self.title)
        if UNSEEN.search(self.draft.body.replace("\r", "")):
            self.remark("hidden_character", "Characters that no reader would see were removed.")
        for word, variable in self.draft.variables.items():
            self._variable(word, variable.dial, variable.default)

    @property
    def label(self) -> str:
        """What the persona will be called."""
        return self.title or self.name.replace("-", " ").capitalize()

    def remark(self, code: str, message: str, cure: str = "") -> None:
        """Note what is not as it was."""
        self.remarks.append(Remark(code, message, cure))

    def front(self, extensions: Object) -> Object:
        """Return the fields of the file, empty ones left out."""
        written: Object = {
            "title": self.title,
            "summary": self._summary(),
            "avatar": self._avatar(),
            "tags": self._lines("tag", self.draft.tags, _MOST_TAGS, _LONGEST_WORD),
            "greeting": self._greeting(),
            "starters": self._lines("starter", self.draft.starters, _MOST_STARTERS, _LONGEST_LINE),
            "model": self._model(),
            "access": {"owner_only": True},
            "bounds": {"dials": self.dials} if self.dials else {},
            "knowledge": self._knowledge(),
            "examples": self._examples(),
            "reminder": self._reminder(),
            "extensions": extensions,
        }
        fields = {key: value for key, value in written.items() if value not in ("", [], {})}
        return {"spec": "persona/1", "name": self.name, **fields}

    def body(self, reserved: Collection[str]) -> str:
        """Return the Markdown below the front matter."""
        own = tidy(visible(self.draft.body)) if self.draft.is_ours else self._translated(self.draft.body)
        further = [(heading, flat(self._translated(text))) for heading, text in self._sections()]
        further = [(heading, text) for heading, text in further if text]
        found = list(divided(own, [*reserved, *(heading for heading, _ in further)]))
        if not any(text for _, text in (*found, *further)):
            self.remark("no_text", "The file says nothing about who answers.", "Write it into the persona.")
            found = [("", f"You are {self.label}.")]
        taken = {heading.casefold() for heading in reserved}
        written = [
            f"{'###' if heading.casefold() in taken else '##'} {heading}\n\n{text}" if heading else text
            for heading, text in (*found, *further)
            if text
        ]
        return "\n\n".join(written)

    def _translated(self, text: str) -> str:
        return translated(text, self.dialect, self.own)

    def _plain(self, text: str) -> str:
        words = {"persona.title": self.label, "persona.name": self.name, "user.name": "User"}
        return plain(text, words, self.dialect)

    def _variable(self, word: str, dial: str, default: str) -> None:
        try:
            _DIAL.validate_python(dial)
        except ValidationError:
            self.remark("variable", f"`{one_line(word, _LONGEST_WORD)}` stays plain text: no dial can be called so.")
            return
        self.own[word] = f"dials.{dial}"
        self.dials[dial] = {"text": {}, "default": one_line(default, _LONGEST_DIAL)}

    def _summary(self) -> str:
        for text in self.draft.summary:
            paragraph = self._plain(text.lstrip()[:_ENOUGH]).partition("\n\n")[0]
            if summary := one_line(paragraph, _LONGEST_SUMMARY):
                return summary
        # What a persona without any text is told too, so that a way there and back ends where it began.
        return one_line(f"You are {self.label}.", _LONGEST_SUMMARY)

    def _avatar(self) -> str:
        avatar = self.draft.avatar.strip()
        is_emoji = (
            not UNSEEN.search(avatar)
            and 0 < len(avatar) <= _LONGEST_AVATAR
            and not any(one.isascii() for one in avatar)
        )
        if avatar and not is_emoji:
            self.remark("picture", "The picture is left out: nothing is fetched or unpacked.", "Put one beside it.")
        return avatar if is_emoji and not any(one.isspace() for one in avatar) else ""

    def _lines(self, what: str, texts: Iterable[str], most: int, longest: int) -> list[Json]:
        lines = list(dict.fromkeys(line for text in texts if (line := one_line(self._plain(text), 10**6))))
        fitting = [line for line in lines if len(line) <= longest][:most]
        if len(fitting) < len(lines):
            self._left_out(len(lines) - len(fitting), what, f"a persona has at most {most}, of {longest} characters")
        return list(fitting)

    def _greeting(self) -> list[Json]:
        given = (self._translated(text) for text in self.draft.greeting)
        texts = list(dict.fromkeys(text for text in given if text))
        fitting = [text for text in texts if len(text) <= _LONGEST_PROSE][:_MOST_GREETINGS]
        if len(fitting) < len(texts):
            limit = f"a persona has at most {_MOST_GREETINGS}, of {_LONGEST_PROSE} characters"
            self._left_out(len(texts) - len(fitting), "greeting", limit)
        return list(fitting)

    def _examples(self) -> list[Json]:
        pairs = [(self._plain(asked), self._plain(said)) for asked, said in self.draft.examples]
        fitting = [pair for pair in pairs if all(0 < len(text) <= _LONGEST_PROSE for text in pair)]
        if len(fitting) < len(pairs):
            limit = f"a question and its answer have words, at most {_LONGEST_PROSE} characters"
            self._left_out(len(pairs) - len(fitting), "example", limit)
        return [{"user": asked, "assistant": said} for asked, said in fitting]

    def _model(self) -> Object:
        fitting: Object = {}
        for name, value in self.draft.settings.items():
            try:
                ModelChoice.model_validate({name: value})
            except ValidationError:
                self.remark("setting", f"`{name}` is left out: its value is not one that we know.", _COMES_BACK)
            else:
                fitting[name] = value
        return fitting

    def _reminder(self) -> str:
        reminder = self._translated(self.draft.reminder)
        return reminder if len(reminder) <= _LONGEST_REMINDER else ""

    def _sections(self) -> Sequence[tuple[str, str]]:
        """Return the sections of the draft, with that of a reminder that is too long."""
        if len(self._translated(self.draft.reminder)) <= _LONGEST_REMINDER:
            return self.draft.sections
        message = f"The reminder has more than {_LONGEST_REMINDER} characters; it is a section now."
        self.remark("moved", message, "Shorten it to have it stand after the newest message.")
        return [*self.draft.sections, (REMINDER, self.draft.reminder)]

    def _knowledge(self) -> Object:
        entries = [entry for lore in self.draft.lore if (entry := self._entry(lore))]
        budget, turns = self.draft.budget_tokens, self.draft.scan_turns
        known: Object = {}
        if budget is not None and budget >= 0 and budget != _DEFAULT_BUDGET:
            known["budget_tokens"] = budget
        if turns is not None and 1 <= turns <= _MOST_TURNS and turns != _DEFAULT_TURNS:
            known["scan_turns"] = turns
        return {**known, "entries": list(entries)} if entries else {}

    def _entry(self, lore: Lore) -> Object:
        words = list(dict.fromkeys(word for given in lore.words if (word := one_line(self._plain(given), 10**6))))
        fitting = [word for word in words if len(word) <= _LONGEST_LINE]
        text = self._plain(lore.text)
        if not text or not (fitting or lore.always):
            self._left_out(1, "piece of knowledge", "it has no words of its own, or none that call for it")
            return {}
        entry: Object = {"when": list(fitting)} if fitting else {}
        numbers = {"order": lore.order, "priority": lore.priority}
        always: Mapping[str, bool] = {"always": True} if lore.always else {}
        return {**entry, **always, "text": text, **{name: number for name, number in numbers.items() if number}}

    def _left_out(self, count: int, what: str, why: str) -> None:
        verb = "is" if count == 1 else "are"
        many = f"{count} {what}{'' if count == 1 else 's'}"
        self.remark("left_out", f"{many} {verb} left out: {why}.", _COMES_BACK)
