"""What is kept of a document comes back in its place, unless the persona says otherwise by then."""

import json

from personas.interop.draft import Object
from personas.interop.leftovers import MAX_TEXT, left_over, restored


def test_unknown_fields_come_back_and_known_ones_are_not_kept() -> None:
    """Only what we would not write is kept, null among it."""
    kept, dropped = left_over({"a": 1, "b": {"c": None, "d": "x"}}, {"a": 1, "b": {"d": "x"}})
    assert json.loads(kept)["kept"] == {"b": {"c": None}}
    assert dropped == []
    assert restored({"a": 2, "b": {"d": "y"}}, kept) == {"a": 2, "b": {"d": "y", "c": None}}


def test_nothing_is_kept_of_what_we_write_ourselves() -> None:
    """The same document leaves nothing over; fields that we add are no difference."""
    assert left_over({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}], "c": 3}) == ("", [])


def test_a_field_that_we_write_otherwise_comes_back_until_it_is_edited() -> None:
    """The original stands for as long as we would write what we would have written then."""
    kept, _ = left_over({"text": "a  b"}, {"text": "a b"})
    assert restored({"text": "a b"}, kept) == {"text": "a  b"}
    assert restored({"text": "edited"}, kept) == {"text": "edited"}


def test_numbers_keep_their_kind() -> None:
    """1, 1.0 and true are three values."""
    for value in (1, 1.0, True):
        kept, _ = left_over({"n": value}, {"n": "x"})
        assert json.dumps(restored({"n": "x"}, kept)) == json.dumps({"n": value})


def test_rows_keep_their_unknown_fields_while_there_are_as_many() -> None:
    """An added row would shift what belongs to whom, so nothing is given back then."""
    kept, _ = left_over({"rows": [{"a": 1, "id": 7}, {"a": 2}]}, {"rows": [{"a": 1}, {"a": 2}]})
    assert restored({"rows": [{"a": 5}, {"a": 2}]}, kept) == {"rows": [{"a": 5, "id": 7}, {"a": 2}]}
    assert restored({"rows": [{"a": 1}]}, kept) == {"rows": [{"a": 1}]}


def test_a_name_with_a_slash_is_one_name() -> None:
    """Places are told apart even if fields are called like paths."""
    document: Object = {"a/b": "x", "a": {"b": "y"}}
    made: Object = {"a/b": "1", "a": {"b": "2"}}
    kept, _ = left_over(document, made)
    assert restored(made, kept) == document
    assert restored({"a/b": "1", "a": {"b": "edited"}}, kept) == {"a/b": "x", "a": {"b": "edited"}}


def test_long_texts_are_dropped_by_their_place() -> None:
    """A list closes up over them."""
    long = "x" * (MAX_TEXT + 1)
    kept, dropped = left_over({"a": long, "b": ["y", long]}, {"a": "z"})
    assert json.loads(kept)["kept"] == {"b": ["y"]}
    assert dropped == ["/a", "/b/1"]
