"""What an answer says, as events: kinds of items, their order, and what screens hold back."""

from collections.abc import Callable, Sequence

from server.chat.writing import Writing
from server.core.events import Delta, Event, ItemClosed, ItemOpened, Opened, last_seq
from server.core.logprobs import Token
from server.core.ports import Aside, Verdict

STOP = Verdict(action="stop", category="leak")


class Screen:
    """Holds the last character back, and stops at an exclamation mark."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> tuple[str, Verdict | None]:
        shown = self._held + text
        if "!" in shown:
            self._held = ""
            return shown.partition("!")[0], STOP
        self._held = shown[-1:]
        return shown[:-1], None

    def close(self) -> tuple[str, Verdict | None]:
        return self._held, None


class Late(Screen):
    """Finds something at the end."""

    def close(self) -> tuple[str, Verdict | None]:
        return "", STOP


class Stage:
    """A turn that is written, and all events that came of it."""

    def __init__(self, events: Sequence[Event] = ()) -> None:
        self.writing = Writing("msg_1", events)
        if not events:
            self.writing.note(Opened(0))
        self.writing.begin(Screen(), Screen)
        self.verdicts: list[Verdict] = []

    def take(self, said: tuple[list[Event], Verdict | None]) -> None:
        if said[1] is not None:
            self.verdicts.append(said[1])

    def text(self, text: str) -> None:
        self.take(self.writing.text(text))

    def aside(self, **aside: object) -> None:
        self.take(self.writing.aside(Aside(**aside)))  # type: ignore[arg-type]

    def end(self, *, release: bool = True) -> list[Event]:
        self.take(self.writing.close("completed", release=release))
        return self.writing.events

    def shape(self) -> list[str]:
        """Return the log in a few words for each event."""
        shapes: dict[type, Callable[..., str]] = {
            Opened: lambda _: "opened",
            ItemOpened: lambda event: f"{event.kind} {event.item_id}",
            Delta: lambda event: f"{event.index}:{event.text}",
            ItemClosed: lambda event: f"{event.index} {event.status}",
        }
        return [shapes[type(event)](event) for event in self.writing.events]


def test_thoughts_words_and_calls_are_items_in_order() -> None:
    """An item of words ends when the next one begins, with what its screen held back; calls end with the answer."""
    stage = Stage()
    stage.aside(kind="reasoning", text="Hmm")
    stage.text("Look")
    stage.aside(kind="function_call", call=0, call_id="c0", name="f")
    stage.aside(kind="function_call", call=1, call_id="c1", name="g", text="{}")
    stage.aside(kind="function_call", call=0, text="[1]")
    stage.end()
    assert stage.shape() == [
        "opened",
        "reasoning rs_1.0",
        "0:Hm",
        "0:m",
        "0 completed",
        "message msg_1",
        "1:Loo",
        "1:k",
        "1 completed",
        "function_call fc_1.2",
        "function_call fc_1.3",
        "3:{",
        "2:[1",
        "2:]",
        "3:}",
        "2 completed",
        "3 completed",
    ]
    numbers = [event.seq for event in stage.writing.events]
    assert numbers == sorted(set(numbers))


def test_a_call_is_named_at_once_and_always() -> None:
    """A call opens with its function before any argument; one without an id of the provider's gets one."""
    stage = Stage()
    stage.aside(kind="function_call", name="f")
    (_, opened) = stage.writing.events
    assert isinstance(opened, ItemOpened)
    assert (opened.name, opened.call_id) == ("f", "call_1.0")


def test_words_after_calls_are_another_message() -> None:
    """Only the first words have the id of the reply."""
    stage = Stage()
    stage.text("One")
    stage.aside(kind="function_call", call_id="c", name="f")
    stage.text("Two")
    stage.end()
    assert [line for line in stage.shape() if line.startswith("message")] == ["message msg_1", "message msg_1.2"]


def test_a_call_is_said_to_its_end_before_the_next_one() -> None:
    """Clients read a call as whole once another begins: what its screen held back comes before that."""
    stage = Stage()
    for number in range(2):
        stage.aside(kind="function_call", text="{}", call=number, call_id=f"call_{number}", name="weather")
    stage.end()
    assert [event.index for event in stage.writing.events if isinstance(event, Delta)] == [0, 0, 1, 1]


def test_a_verdict_on_what_a_call_held_back_ends_the_answer() -> None:
    """What is held back is judged when the next call begins, and that one is not begun then."""
    stage = Stage()
    stage.writing.begin(Screen(), Late)
    stage.aside(kind="function_call", text="{}", call=0, call_id="call_0", name="weather")
    stage.aside(kind="function_call", text="{}", call=1, call_id="call_1", name="weather")
    assert stage.verdicts == [STOP]
    assert len([event for event in stage.writing.events if isinstance(event, ItemOpened)]) == 1


def test_a_verdict_on_arguments_ends_the_answer() -> None:
    """Arguments are screened as text is: nothing of a match is shown, and what others hold back stays hidden."""
    stage = Stage()
    stage.aside(kind="function_call", call_id="c", name="f", text="ab!cd")
    assert stage.verdicts == [STOP]
    stage.end(release=False)
    assert stage.shape() == ["opened", "function_call fc_1.0", "0:ab", "0 completed"]


def test_nothing_that_is_not_shown_becomes_an_item() -> None:
    """Words of which nothing may be shown leave no item behind."""
    stage = Stage()
    stage.text("!")
    assert stage.end(release=False) == [Opened(0)]


def test_an_adopted_text_goes_on() -> None:
    """A text that an earlier owner left open is continued as the same item."""
    stage = Stage([Opened(0), ItemOpened(2, 0, "msg_1"), Delta(4, 0, "He")])
    stage.text("llo")
    stage.end()
    assert stage.shape() == ["opened", "message msg_1", "0:He", "0:ll", "0:o", "0 completed"]
    assert [last_seq(event) for event in stage.writing.events] == [1, 3, 4, 5, 6, 9]


def test_calls_that_an_owner_left_are_closed() -> None:
    """Whoever ends an adopted turn that cannot go on closes each item that was open."""
    writing = Writing("msg_1", [Opened(0), ItemOpened(2, 0, "fc_1.0", "function_call", "c", "f"), Delta(4, 0, "{")])
    events, _ = writing.close("incomplete", release=False)
    assert events == [ItemClosed(5, 0, "incomplete")]


def test_log_probabilities_come_with_their_text() -> None:
    """A token is told with the delta that shows the last of it."""
    writing = Writing("msg_1", [Opened(0)])
    writing.begin(Screen(), Screen)
    writing.text("Hello", [Token("Hello", -0.1)])
    writing.close("completed", release=True)
    first, second = (event for event in writing.events if isinstance(event, Delta))
    assert (first.text, first.logprobs) == ("Hell", "")
    assert second.text == "o"
    assert '"token":"Hello"' in second.logprobs
