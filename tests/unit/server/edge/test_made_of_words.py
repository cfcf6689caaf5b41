"""What users read of an answer says the same in both languages."""

from dataclasses import fields
from string import Formatter

import pytest

from server.edge.made_of_words import CHINESE, ENGLISH, Words


@pytest.mark.parametrize("name", [field.name for field in fields(Words)])
def test_each_sentence_has_the_same_blanks(name: str) -> None:
    """A number or a name that one language tells is told in the other."""
    english, chinese = (
        {blank for _, blank, _, _ in Formatter().parse(getattr(words, name)) if blank} for words in (ENGLISH, CHINESE)
    )
    assert english == chinese
