"""Problems and refusals say where, what and how to cure it."""

from personas.problems import InvalidDial, NotesRefused, PersonaRefused, Problem, UnknownGreeting, UnknownPersona


def test_problem_reads_like_a_compiler_message() -> None:
    """A problem prints as path, line, severity, message and cure."""
    problem = Problem("p/persona.md", 7, "tag", "No loops.", "Write them out.", "warning")
    assert str(problem) == "p/persona.md:7: warning: No loops. Write them out."


def test_refusal_tells_every_problem() -> None:
    """PersonaRefused prints one line for each problem."""
    problems = [Problem("a.md", line, "tag", "Wrong.", "Mend it.") for line in (1, 2)]
    assert str(PersonaRefused(problems)).splitlines() == [str(problem) for problem in problems]


def test_unknown_persona_suggests_near_names() -> None:
    """UnknownPersona names what may have been meant, and nothing if nothing is near."""
    assert str(UnknownPersona("pirat", ["pirate"])) == "There is no persona 'pirat'. Did you mean pirate?"
    assert str(UnknownPersona("x")) == "There is no persona 'x'."


def test_invalid_dial_tells_values_of_a_known_dial_and_names_for_an_unknown_one() -> None:
    """InvalidDial lists the values of a declared dial, else the dials there are, else that there are none."""
    assert "it has: slow, fast" in str(InvalidDial("pace", "x", ["slow", "fast"], declared=True))
    assert "no dial 'pase'; it has: pace" in str(InvalidDial("pase", "x", ["pace"], declared=False))
    assert "it has none" in str(InvalidDial("pase", "x", [], declared=False))


def test_notes_refused_says_whether_length_or_notes_are_the_matter() -> None:
    """NotesRefused tells both lengths, or that no notes are taken."""
    assert str(NotesRefused(700, 600)) == "Notes to this persona have at most 600 characters; these have 700."
    assert str(NotesRefused(1, None)) == "This persona takes no notes."


def test_unknown_greeting_counts_from_zero() -> None:
    """UnknownGreeting says how many greetings there are."""
    assert str(UnknownGreeting(2, 2)) == "There is no greeting 2: the persona has 2, counted from 0."
