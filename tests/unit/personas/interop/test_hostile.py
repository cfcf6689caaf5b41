"""Files made to harm are refused with a problem that says so, before they cost anything."""

import base64
import io
import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest

from personas import PersonaRefused, compose, parse
from personas.interop import card_png, charx, documents, leftovers, read, write

CARD = {"spec": "chara_card_v3", "spec_version": "3.0", "data": {"name": "Ada", "description": "You are Ada."}}
CARD_JSON = json.dumps(CARD).encode()


def refusal(content: bytes, file_name: str = "a.json") -> str:
    """Return the code of the one problem for which `content` is refused."""
    with pytest.raises(PersonaRefused) as refused:
        read(content, file_name=file_name)
    (problem,) = refused.value.problems
    assert problem.path == file_name
    assert problem.cure
    return problem.code


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(*chunks: bytes) -> bytes:
    """Return a PNG file of one dot with `chunks` in it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return card_png.SIGNATURE + header + b"".join(chunks) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def text(keyword: bytes, card: object) -> bytes:
    """Return a text chunk that holds a card."""
    return chunk(b"tEXt", keyword + b"\0" + base64.b64encode(json.dumps(card).encode()))


def archive(entries: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda _: None) -> bytes:
    """Return an archive with `entries`, each header changed by `change`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            change(entry)
            opened.writestr(entry, content)
    return packed.getvalue()


def test_the_newer_card_of_a_picture_wins() -> None:
    """`ccv3` is read where `chara` is there too, whatever their order."""
    old = text(b"chara", {"name": "Old", "description": "Old.", "first_mes": ""})
    for chunks in ((old, text(b"ccv3", CARD)), (text(b"ccv3", CARD), old)):
        (imported,) = read(picture(*chunks), file_name="a.png")
        assert imported.name == "ada"
    (imported,) = read(picture(old), file_name="a.png")
    assert imported.name == "old"


@pytest.mark.parametrize("before", [b"acTL", b"fcTL", b"fdAT", b"zTXt", b"iTXt", b"eXIf", b"xxXx"])
def test_a_moving_picture_carries_a_card_too(before: bytes) -> None:
    """APNG is PNG with more chunks: what is not the card is passed over, compressed text unopened."""
    (imported,) = read(picture(chunk(before, b"chara\0\0" + b"\0" * 20), text(b"ccv3", CARD)), file_name="a.png")
    assert imported.name == "ada"


def test_a_picture_of_ours_is_one_that_others_read() -> None:
    """Its rows unpack to the size that its header tells."""
    content = card_png.with_card(CARD_JSON)
    assert card_png.card_of(content) == CARD_JSON
    width, height = struct.unpack(">II", content[16:24])
    (rows,) = re.findall(rb"IDAT(.*)....\0\0\0\0IEND", content, flags=re.DOTALL)
    assert len(zlib.decompress(rows)) == (width * 3 + 1) * height


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (picture(), "no_card"),
        (picture(chunk(b"zTXt", b"ccv3\0\0" + zlib.compress(CARD_JSON))), "no_card"),
        (picture(chunk(b"tEXt", b"ccv3\0not base64!")), "base64"),
        (picture(chunk(b"tEXt", b"ccv3\0" + base64.b64encode(b"\xff\xfe"))), "encoding"),
        (picture(text(b"ccv3", CARD))[:-4], "png"),
        (picture(text(b"ccv3", CARD)).replace(b"ccv3", b"ccv4"), "png"),
        (card_png.SIGNATURE + struct.pack(">I", 2**31) + b"tEXt", "png"),
        (card_png.SIGNATURE, "png"),
        (picture(text(b"ccv3", [])), "unknown_format"),
    ],
    ids=["no card", "compressed", "base64", "encoding", "short", "crc", "length", "empty", "shape"],
)
def test_a_bad_picture_is_refused(content: bytes, code: str) -> None:
    """Chunks are walked by hand: lengths, sums and texts are checked, and nothing compressed is opened."""
    assert refusal(content, "a.png") == code


def test_a_card_is_read_from_an_archive() -> None:
    """The other files stay packed and are counted."""
    (imported,) = read(
        archive({"card.json": CARD_JSON, "assets/x_code/code/run.lua": b"os.exit()"}), file_name="a.charx"
    )
    assert imported.name == "ada"
    assert "os.exit" not in imported.text
    assert [problem.code for problem in imported.problems] == ["files"]


def _link(entry: zipfile.ZipInfo) -> None:
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (archive({"other.json": CARD_JSON}), "no_card"),
        (archive({"card.json": CARD_JSON, "../../etc/cron.d/x": b"x"}), "path"),
        (archive({"card.json": CARD_JSON, "/etc/passwd": b"x"}), "path"),
        (archive({"card.json": CARD_JSON, "a\\..\\..\\x": b"x"}), "path"),
        (archive({"card.json": CARD_JSON, "C:x": b"x"}), "path"),
        (archive({"card.json": CARD_JSON}, _link), "link"),
        (archive({f"{n}.txt": b"" for n in range(50)} | {"card.json": CARD_JSON}), "too_many"),
        (archive({"card.json": CARD_JSON, "bomb": bytes(charx.MAX_INFLATED)}), "too_large"),
        (archive({"card.json": b" " * (charx.MAX_CARD + 1)}), "too_large"),
        (archive({"card.json": CARD_JSON})[:-22], "zip"),
        (archive({"card.json": CARD_JSON})[:-1], "zip"),
        (charx.SIGNATURE + b"x" * 100, "zip"),
    ],
    ids=["no card", "up", "root", "backslash", "drive", "link", "many", "bomb", "long", "cut", "end", "noise"],
)
def test_a_bad_archive_is_refused(content: bytes, code: str) -> None:
    """Paths that lead out, links, crowds and bombs are refused by what the directory says."""
    assert refusal(content, "a.charx") == code


def test_an_archive_that_lies_about_sizes_is_refused() -> None:
    """A file that unpacks to more than its entry says is not read."""
    honest = archive({"card.json": CARD_JSON + b" " * 10_000_000})
    size = struct.pack("<I", len(CARD_JSON) + 10_000_000)
    assert honest.count(size) == 2
    assert refusal(honest.replace(size, struct.pack("<I", len(CARD_JSON))), "a.charx") == "zip"


def test_an_archive_with_a_password_is_refused() -> None:
    """The flag of encryption in the directory is enough."""
    packed = bytearray(archive({"card.json": CARD_JSON}))
    packed[packed.rindex(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(packed), "a.charx") == "encrypted"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "too_deep"),
        (b"[" + b"0," * documents.MAX_VALUES + b"0]", "too_large"),
        (b" " * (documents.MAX_JSON + 1), "too_large"),
        (b'{"name": NaN}', "json"),
        (b"[" + b"9" * 5000 + b"]", "json"),
        (b'{"name": "a", }', "json"),
        (b"\xff\xfe\x00", "encoding"),
        (b"{}", "unknown_format"),
        (b"[]", "unknown_format"),
        (b"", "not_a_mapping"),
        (b"modelSpecs: &a { list: [*a] }", "yaml_alias"),
        (b"modelSpecs: !!python/object/apply:os.system [x]", "yaml_tag"),
        (b"a: " + b"[" * 1000, "too_deep"),
        (b"a: " + b"x" * documents.MAX_YAML, "too_large"),
        (b"---\nname: a\n---\nB", "unknown_format"),
        (b"---\nname: a\n", "open_front_matter"),
    ],
)
def test_bad_text_is_refused(content: bytes, code: str) -> None:
    """JSON and YAML that are too deep, too much, or more than values."""
    assert refusal(content) == code


def test_a_file_of_too_many_personas_is_refused() -> None:
    """One file cannot fill a folder."""
    assert refusal(json.dumps([{**CARD}] * 101).encode()) == "too_many"


def test_texts_longer_than_many_personas_are_not_even_translated() -> None:
    """The length of all texts is asked before any of them is looked at."""
    card = json.dumps({**CARD, "data": {"name": "A", "description": "{{char}}" * 200_000}}).encode()
    assert refusal(card) == "too_large"


def test_a_picture_in_a_field_is_not_kept() -> None:
    """Long texts that nobody reads here go, are named, and leave the rest of their field."""
    card = json.loads(CARD_JSON)
    card["data"]["assets"] = [{"type": "icon", "name": "main", "uri": "data:" + "A" * leftovers.MAX_TEXT}]
    (imported,) = read(json.dumps(card).encode(), file_name="a.json")
    assert "AAAA" not in imported.text
    assert any("/data/assets/0/uri" in problem.message for problem in imported.problems)
    persona = compose(parse(imported.text, source="a.md"), {})
    assert json.loads(write(persona, "card").content)["data"]["assets"] == [{"type": "icon", "name": "main"}]


def test_too_much_to_keep_is_let_go_and_told() -> None:
    """A card is still imported when its extensions would be longer than any persona."""
    card = json.loads(CARD_JSON)
    card["data"]["extensions"] = {str(number): "x" * 1000 for number in range(200)}
    (imported,) = read(json.dumps(card).encode(), file_name="a.json")
    assert [problem.code for problem in imported.problems] == ["too_large"]
    assert "extensions" not in imported.text


def test_a_text_longer_than_a_persona_is_refused() -> None:
    """What cannot be a persona of ours is no persona in parts."""
    card = json.loads(CARD_JSON)
    card["data"]["description"] = "x" * 300_000
    assert refusal_of_persona(json.dumps(card).encode()) == "too_large"


def refusal_of_persona(content: bytes) -> str:
    """Return why the persona that `content` would be is refused."""
    with pytest.raises(PersonaRefused) as refused:
        read(content, file_name="a.json")
    return refused.value.problems[0].code


@pytest.mark.parametrize("kept", ["", "x", "[]", "{}", '{"kept": 1, "while": {}}', "[" * 100_000])
def test_what_was_kept_may_be_spoilt(kept: str) -> None:
    """An extension that somebody edited into nonsense does not stop an export."""
    assert leftovers.restored({"a": 1}, kept) == {"a": 1}


@pytest.mark.parametrize("piece", ["{{//", "{{", "{{ ", "{{!--", '"', "{%", "<START>\n", "```\n", "## \n", "a{{char}}"])
def test_long_repetitions_cost_little(piece: str) -> None:
    """Nothing is searched again and again: 100,000 characters of tricks are read or refused at once."""
    body = piece * (100_000 // len(piece))
    data = {"name": "A", "description": body, "mes_example": body, "first_mes": body}
    for content, name in ((json.dumps(data).encode(), "a.json"), (body.encode(), "a.prompt")):
        try:
            assert read(content, file_name=name)
        except PersonaRefused as refused:
            assert refused.problems  # noqa: PT017  # either answer will do
