"""The commands of `parley chat` that begin with a slash: who answers, where, and what there is to choose from."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from client import Rest
from server.cli.lines import Lines
from server.cli.notes import cap_lines
from server.cli.output import CommandError

HELP = """\
/persona [NAME]     talk to another persona, in a new conversation; without NAME, list them
/model [NAME]       let another model answer; without NAME, list them
/conversation [ID]  go on with a stored conversation; without ID, list the last ones
/new                begin a new conversation
/usage              show how full your caps are
/quit               leave, like Ctrl-D
A line that ends in \\ goes on in the next; a line with only \"\"\" begins and ends a longer message.
A message that begins with / is typed with two: //. Ctrl-C stops an answer."""

LISTED = 10
"""How many conversations are listed."""


@dataclass(slots=True)
class Choice:
    """What the next message is sent to; None leaves it to the server, or begins a new conversation."""

    persona: str | None = None
    model: str | None = None
    conversation: str | None = None


class Slash:
    """Runs the commands, which change `choice`. Raises `ParleyError`, and `CommandError` for what there is not."""

    def __init__(self, rest: Rest, lines: Lines, choice: Choice) -> None:
        self._rest, self._lines, self._choice = rest, lines, choice

    def begin(self) -> None:
        """Check what was chosen before the first message, and show where a stored conversation stands."""
        if self._choice.persona:
            _check("persona", self._choice.persona.partition("@")[0], self._personas())
        if self._choice.model:
            _check("model", self._choice.model, self._models())
        if self._choice.conversation:
            self._look_back(self._choice.conversation)
        else:
            # Nobody should type a message only to learn that there is no server, or that the key is wrong.
            self._rest.usage()

    def run(self, word: str, name: str) -> None:
        """Run the command `word`; `name` is empty if none was typed."""
        match word:
            case "persona" if name:
                _check("persona", name.partition("@")[0], self._personas())
                self._choice.persona, self._choice.conversation = name, None
                self._lines.note(f"{name} answers, in a new conversation.")
            case "persona":
                self._list(self._personas(), self._choice.persona)
            case "model" if name:
                _check("model", name, self._models())
                self._choice.model = name
                self._lines.note(f"{name} answers from now on.")
            case "model":
                self._list(self._models(), self._choice.model)
            case "conversation" if name:
                self._look_back(name)
                self._choice.conversation = name
            case "conversation":
                titles = {one["id"]: one.get("title") or "" for one in self._rest.conversations(limit=LISTED)}
                self._list(titles, self._choice.conversation)
            case "new":
                self._choice.conversation = None
                self._lines.note("A new conversation.")
            case "usage":
                self._say(cap_lines(self._rest.usage()))
            case "help":
                self._lines.note(HELP)
            case _:
                raise CommandError(f"There is no command /{word}; /help lists them. Type // to begin a message with /.")

    def _personas(self) -> Mapping[str, str]:
        return {card["id"]: card.get("title") or "" for card in self._rest.personas()}

    def _models(self) -> Mapping[str, str]:
        listed = [model for model in self._rest.models() if not model["id"].startswith("persona:")]
        return {model["id"]: model.get("description") or "" for model in listed}

    def _look_back(self, conversation: str) -> None:
        """Show the title and the last two messages."""
        title = self._rest.call("GET", f"/v1/conversations/{quote(conversation)}").get("title")
        self._lines.note(f'Going on with "{title}".' if title else "Going on.")
        for item in reversed(self._rest.conversation_items(conversation, limit=2, order="desc")):
            self._lines.note(("> " if item["role"] == "user" else "") + _text(item["content"]))

    def _list(self, named: Mapping[str, str], chosen: str | None) -> None:
        width = max(map(len, named), default=0)
        self._say(f"{'*' if name == chosen else ' '} {name:<{width}}  {text}".rstrip() for name, text in named.items())
        if not named:
            self._lines.note("There are none yet.")

    def _say(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._lines.note(line)


def _check(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise CommandError(f"There is no {what} {name}. Name one of: {', '.join(sorted(known))}.")


def _text(parts: Sequence[Mapping[str, Any]]) -> str:
    return "".join(part.get("text") or "[image]" for part in parts)
