"""Messages around the newest question, and what is left out of them."""

import pytest

import personas
from server.chat.dialogue import around, as_said, check_outputs
from server.core.errors import Refused
from server.core.records import CallPart, Message, OutputPart, Part, ReasoningPart, RefusalPart, TextPart


def said(role: str, *parts: Part, id_: str = "m") -> Message:
    return Message(id=id_, role=role, parts=parts, created_at=0)  # type: ignore[arg-type]


ASK = said("user", TextPart("Rain?"), id_="ask")
CALL = said("assistant", TextPart("Wait."), CallPart("c1", "weather", "{}"), id_="call")
OUTPUT = said("tool", OutputPart("c1", "rain"), id_="output")


def test_outputs_follow_the_newest_question() -> None:
    """The prompt stands around the user's newest message; calls and outputs since then come after it."""
    assert around([ASK, CALL], OUTPUT) == ([], ASK, [CALL, OUTPUT])
    assert around([ASK, CALL, OUTPUT], said("user", TextPart("So?"))).history == [ASK, CALL, OUTPUT]


def test_calls_without_an_output_are_left_out() -> None:
    """A call that was never answered, as after a cancel, is not sent to the upstream, nor a message of nothing else."""
    silent = said("assistant", CallPart("c2", "time", "{"), id_="silent")
    history, _, _ = around([ASK, CALL, silent], said("user", TextPart("Well?")))
    assert [message.id for message in history] == ["ask", "call"]
    assert history[1].parts == (TextPart("Wait."),)
    assert around([ASK, OUTPUT], said("user", TextPart("Well?"))).history == [ASK]


def test_outputs_need_a_question() -> None:
    """Outputs before which no user has spoken are refused."""
    with pytest.raises(Refused, match="invalid_value"):
        around([CALL], OUTPUT)


def test_outputs_answer_a_call() -> None:
    """An output whose call is neither in the history nor in the same input is refused by its id."""
    check_outputs([ASK, CALL], [OUTPUT])
    check_outputs([], [ASK, CALL, OUTPUT])
    with pytest.raises(Refused, match="'c1'"):
        check_outputs([ASK], [OUTPUT])


def test_thoughts_are_not_said_again() -> None:
    """Reasoning stays out of later prompts; a refusal is text, calls and outputs keep their ids."""
    reply = said("assistant", ReasoningPart("Hm"), RefusalPart("No."), CallPart("c", "f", "{}"))
    assert as_said(reply).content == (personas.Text("No."), personas.Call("c", "f", "{}"))
    assert as_said(OUTPUT) == personas.Message("tool", (personas.Output("c1", "rain"),))
