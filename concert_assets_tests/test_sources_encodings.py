"""Encodings and compressions: told from the bytes by fixed rules, remarked where not as expected, never mixed."""

import gzip
import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concert_assets.sources.model import Limits, Notes, RawObject, UnreadableObject
from concert_assets.sources.read import read
from concert_assets.sources.streams import TextStream
from concert_assets_tests.sources_reading import read_bytes, refusal

HEADER = "artist_id,name\n"
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packing:
        packing.write(data)
    return bytes(sink.getvalue().to_pybytes())


PACKINGS = {"plain": bytes, "gzip": gzip.compress, "zstd": zstd}


def text_of(data: bytes, size: int = -1, **options: bool) -> tuple[str, list[str]]:
    notes = Notes()
    stream = TextStream(io.BytesIO(data), Limits(), notes, **options)
    return b"".join(iter(lambda: stream.read(size), b"")).decode("utf-8"), notes.remarks


@settings(deadline=None)
@given(
    TEXT,
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    st.sampled_from(sorted(PACKINGS)),
    st.integers(1, 200) | st.just(-1),
)
def test_text_comes_back_in_blocks_of_any_size(text: str, encoding: str, packing: str, size: int) -> None:
    text = HEADER + text
    got, remarks = text_of(PACKINGS[packing](text.encode(encoding)), size)
    assert got == text
    assert len(remarks) == encoding.startswith("utf-16")


@settings(deadline=None, max_examples=40)
@given(st.text(st.sampled_from("aZ,é\nñßÿ"), min_size=1), st.sampled_from(sorted(PACKINGS)), st.integers(0, 5_000_000))
def test_what_is_no_utf8_is_windows_1252_from_its_first_byte_on(text: str, packing: str, before: int) -> None:
    data = f"{HEADER}{'x' * before}{text}ü".encode("cp1252")
    got, remarks = text_of(PACKINGS[packing](data), may_be_windows_1252=True)
    assert got == data.decode("cp1252")
    assert len(remarks) == 1
    assert remarks[0].startswith("read as Windows-1252, for the object is not UTF-8 text")


@pytest.mark.parametrize("place", [0, (4 << 20) - 1, (4 << 20) + 1])
def test_damaged_utf8_is_not_taken_for_windows_1252(place: int) -> None:
    text = ("Beyoncé, Sigur Rós and Motörhead\n" * 300_000).encode()
    damaged = text[:place] + b"\xff" + text[place + 1 :]
    with pytest.raises(UnreadableObject, match="the object is UTF-8 with damage"):
        text_of(damaged, may_be_windows_1252=True)
    with pytest.raises(UnreadableObject, match=f"not UTF-8 text.*near byte {place:,}"):
        text_of(damaged)


def test_csv_and_jsonl_are_read_as_what_they_are_and_it_is_told() -> None:
    found = read_bytes("id;name\n1;Beyoncé\n".encode("latin-1"), "csv", "artists")
    assert found.values("artists") == [{"artist_id": "1", "name": "Beyoncé"}]
    assert [remark.split(",")[0] for remark in found.notes.remarks] == [
        "read as Windows-1252",
        "read with semicolon as delimiter",
    ]
    found = read_bytes('{"id":1,"name":"Beyoncé"}\n'.encode("utf-16"), "jsonl", "artists")
    assert found.values("artists") == [{"artist_id": "1", "name": "Beyoncé"}]
    assert found.notes.remarks == ["read as UTF-16, by its byte order mark"]


def test_latin_1_far_into_the_object_holds_for_all_of_it() -> None:
    rows = "".join(f"{i},{'plain' if i else 'caf%'}\n" for i in range(2_000)) + "2000,Motörhead\n"
    data = (HEADER + rows).encode("latin-1").replace(b"%", b"\xe9")
    for packing in PACKINGS.values():
        found = read_bytes(packing(data), "csv", "artists", max_line_bytes=500)
        names = [row["name"] for row in found.rows("artists")]
        assert (names[0], names[-1], len(names)) == ("café", "Motörhead", 2_001)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("id,name\n1,2\n".encode("utf-32"), "UTF-32"),
        ("id,name\n1,2\n".encode("utf-16-le")[:-1], "the object is not UTF-16 text: truncated data near byte"),
        ("id,name\n1,\ud800\n".encode("utf-16-le", "surrogatepass"), "the object is not UTF-16 text"),
        ("id,name\n1,a\0b\n".encode("utf-16"), "NUL"),
        (b"id,name\n1,caf\xe9\0\n", "NUL"),
        (b"id,name\n1,\x81\xe9\n", "neither UTF-8 nor Windows-1252, which has no character 81"),
        ("id,name\n1,日本。\n".encode("shift-jis"), "neither UTF-8 nor Windows-1252"),
        ("id,name\n1,é".encode()[:-1] + "é\n".encode(), "the object is UTF-8 with damage: 1 of its characters"),
    ],
)
def test_what_is_plainly_nothing_is_refused(data: bytes, reason: str) -> None:
    assert reason in refusal(data, "csv", "artists")


@given(st.integers(5, 10_000), st.sampled_from(["csv", "json", "xml", "jsonl"]))
def test_truncated_zstd_is_refused(cut: int, format: str) -> None:
    packed = zstd("".join(f"{i * i},{i**3:x}\n" for i in range(2_000)).encode())
    assert "damaged or truncated" in refusal(packed[: min(cut, len(packed) - 1)], format, "artists")


def test_zstd_frames_follow_one_another_and_what_else_follows_is_refused() -> None:
    packed = zstd(b"id,name\n1,a\n") + zstd(b"2,b\n")
    assert len(read_bytes(packed, "csv", "artists").rows("artists")) == 2
    assert "damaged" in refusal(packed + b"trailing", "csv", "artists")
    assert "empty once decompressed (zstd)" in refusal(zstd(b""), "csv", "artists")


@pytest.mark.parametrize("packing", [gzip.compress, zstd])
@pytest.mark.parametrize(("format", "row"), [("csv", b"1,2\n"), ("jsonl", b"{}\n"), ("json", b"{},"), ("xml", b"<r/>")])
def test_bombs_are_refused_before_their_first_row(packing, format: str, row: bytes) -> None:
    head = {"csv": b"id,name\n", "json": b"[", "xml": b"<r>"}.get(format, b"")
    bomb = packing(head + row * 500_000)
    obj = RawObject("o", "artists", format, "bomb")
    for limits, reason in (
        (Limits(max_ratio=9, ratio_free_bytes=1 << 16), "decompresses to more than 9 times"),
        (Limits(max_decompressed_bytes=100_000), "more than 100,000 bytes"),
    ):
        with pytest.raises(UnreadableObject, match=reason):
            next(read(obj, io.BytesIO(bomb), limits))


def test_the_stream_is_left_open() -> None:
    for packing in PACKINGS.values():
        stream = io.BytesIO(packing(b"id,name\n1,2\n"))
        text = TextStream(stream, Limits())
        assert text.read() == b"id,name\n1,2\n"
        del text
        assert not stream.closed


def test_without_notes_no_other_encoding_is_read() -> None:
    with pytest.raises(UnreadableObject, match="the object is UTF-16; UTF-8 is expected"):
        TextStream(io.BytesIO("id,name".encode("utf-16")), Limits())
