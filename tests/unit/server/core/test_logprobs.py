"""Log probabilities and the text that they wait for."""

import json

from server.core.logprobs import Likely, Token, Withheld


def tokens(told: str) -> list[str]:
    return [one["token"] for one in json.loads(f"[{told}]")]


def test_tokens_are_told_with_their_text() -> None:
    """A token is told when all of its text is shown, not before."""
    withheld = Withheld()
    withheld.add([Token("Hel", -0.1), Token("lo", -0.2)])
    assert tokens(withheld.shown("He")) == []
    assert tokens(withheld.shown("ll")) == ["Hel"]
    assert tokens(withheld.shown("o")) == ["lo"]
    assert tokens(withheld.shown("more")) == []


def test_a_character_cut_in_two_tokens_is_counted_in_bytes() -> None:
    """Tokens that are parts of one character are told once the character is shown."""
    withheld = Withheld()
    first, second = list("é".encode())
    withheld.add([Token("\\xc3", -1.0, [first]), Token("\\xa9", -1.0, [second])])
    assert tokens(withheld.shown("é")) == ["\\xc3", "\\xa9"]


def test_bytes_are_told_of_every_token() -> None:
    """Where the provider does not say the bytes of a token, or of those beside it, they are those of its text."""
    withheld = Withheld()
    withheld.add([Token("é", -0.5, top_logprobs=[Likely("e", -2.0)])])
    (told,) = json.loads(f"[{withheld.shown('é')}]")
    assert told == {
        "token": "é",
        "logprob": -0.5,
        "bytes": [195, 169],
        "top_logprobs": [{"token": "e", "logprob": -2.0, "bytes": [101]}],
    }
