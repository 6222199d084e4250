"""Parquet: every type as text, damaged files refused."""

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concert_assets.sources.model import Limits
from concert_assets.sources.parquet_pages import check_pages
from concert_assets_tests.sources_reading import read_bytes, refusal

NOON = dt.datetime(2025, 6, 1, 12, 30, 15)


def parquet(columns: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def one(array: pa.Array) -> str | None:
    """The text of a one-row column."""
    (row,) = read_bytes(parquet({"artist_id": ["a"], "name": ["n"], "genre": array}), "parquet", "artists").rows(
        "artists"
    )
    return row["primary_genre"]


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (pa.array(["0012 "]), "0012 "),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array(["x"], pa.large_string()), "x"),
        (pa.array([b"caf\xc3\xa9"]), "café"),
        (pa.array([2**63 - 1]), "9223372036854775807"),
        (pa.array([True]), "true"),
        (pa.array([0.1]), "0.1"),
        (pa.array([0.1], pa.float32()), "0.1"),
        (pa.array([float("nan")]), "nan"),
        (pa.array([Decimal("10.50")]), "10.50"),
        (pa.array([Decimal("0.000000010")]), "0.000000010"),
        (pa.array([dt.date(1, 1, 1)]), "0001-01-01"),
        (pa.array([NOON]), "2025-06-01T12:30:15"),
        (pa.array([NOON.replace(microsecond=5)]), "2025-06-01T12:30:15.000005"),
        (pa.array([NOON], pa.timestamp("s")), "2025-06-01T12:30:15"),
        (pa.array([NOON], pa.timestamp("ns", "UTC")), "2025-06-01T12:30:15Z"),
        (pa.array([NOON.replace(tzinfo=dt.UTC)], pa.timestamp("us", "America/New_York")), "2025-06-01T12:30:15Z"),
        (pa.array([dt.time(3, 4, 5)]), "03:04:05"),
        (pa.array([["a", None, "é"]]), '["a",null,"é"]'),
        (pa.array([[Decimal("1.50"), None]]), "[1.50,null]"),
        (pa.array([{"a": 1, "b": [True, None]}]), '{"a":1,"b":[true,null]}'),
        (pa.array([None]), None),
        (pa.array([None], pa.float64()), None),
    ],
)
def test_types_as_text(array: pa.Array, text: str | None) -> None:
    assert one(array) == text


def test_a_decimal_of_three_places_is_no_thousand() -> None:
    """As a text 12.500 may be twelve thousand and more; as a number it is not, and says so. An id stays as it is."""
    sale = {"id": Decimal("12.500"), "concert_id": "c", "sale_status": "completed", "purchase_timestamp": NOON}
    amounts = {"quantity": "2.000", "unit_price": "12.500", "total_price": "12.345"}
    sale |= {name: Decimal(text) for name, text in amounts.items()}
    (row,) = read_bytes(parquet({name: [value] for name, value in sale.items()}), "parquet", "ticket_sales").rows(
        "ticket_sales"
    )
    found = [row[name] for name in ("sale_id", "quantity", "unit_price", "total_price")]
    assert found == ["12.500", "2.00", "12.50", "12.345"]


@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))
def test_text_comes_back_as_it_was(texts: list[str | None]) -> None:
    data = parquet({"ID": list(range(len(texts))), "Name": pa.array(texts, pa.string())})
    found = read_bytes(data, "parquet", "artists", batch_rows=3)
    assert [(row["artist_id"], row["name"]) for row in found.rows("artists")] == [
        (str(i), t) for i, t in enumerate(texts)
    ]
    assert max(found.batch_sizes) <= 3


def test_nested_location_unknown_columns_and_nul() -> None:
    data = parquet({"id": [1, 2], "name": ["a\0b", "c"], "location": [{"city": "Bonn", "floor": 1}] * 2, "z": [0, 0]})
    found = read_bytes(data, "parquet", "venues")
    assert found.values("venues") == [{}, {"venue_id": "2", "name": "c", "city": "Bonn"}]
    assert found.errors("venues") == {1: "forbidden_character: name: it holds a NUL character"}
    assert found.notes.unknown_columns == {"venues": ["location.floor", "z"]}


@pytest.mark.parametrize(
    ("maps", "prices"),
    [
        (pa.array([{"vip": Decimal("10.00"), "seated": None}, None]), [("c1", "vip", "10.00")]),
        (pa.array([{"vip": Decimal("10.000")}, None]), [("c1", "vip", "10.00")]),
        (
            pa.array([[("vip", 1.5), ("seated", None)], None], pa.map_(pa.string(), pa.float64())),
            [("c1", "vip", "1.5"), ("c1", "seated", None)],
        ),
        (pa.array(['{"vip":1.50}', "["]), [("c1", "vip", "1.50"), (None, None, None)]),
    ],
)
def test_price_maps_become_rows(maps: pa.Array, prices: list[tuple[str | None, ...]]) -> None:
    data = parquet(
        {
            "concert_id": ["c1", "c2"],
            "artist_id": ["a"] * 2,
            "venue_id": ["v"] * 2,
            "event_date": [NOON] * 2,
            "status": ["x"] * 2,
            "ticket_prices": maps,
        }
    )
    found = read_bytes(data, "parquet", "concerts")
    assert [row["concert_id"] for row in found.rows("concerts")] == ["c1", "c2"]
    assert [(row["concert_id"], row["ticket_tier"], row["face_value"]) for row in found.rows("ticket_prices")] == prices


@given(st.integers(0, 5_000))
def test_truncated_files_are_refused(cut: int) -> None:
    whole = parquet({"id": list(range(300)), "name": [f"artist {i * i}" for i in range(300)]})
    refusal(whole[: min(cut, len(whole) - 1)], "parquet", "artists")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the object is empty (0 bytes)"),
        (b"PAR1", "the Parquet file is damaged"),
        (b"x" * 100, "the Parquet file is damaged"),
        (parquet({"id": [1]}), "artists: required column name is missing; columns are id"),
        (parquet({"id": [1], "name": ["a"], "Name": ["b"]}), "artists: column 'Name' is there twice"),
        (parquet({"id": [1], "name": [b"\xff"]}), "the Parquet file is damaged or cannot be read"),
    ],
)
def test_objects_refused_as_a_whole(data: bytes, reason: str) -> None:
    assert reason in refusal(data, "parquet", "artists")


def test_damaged_page_and_too_much_data_are_refused() -> None:
    whole = bytearray(parquet({"id": list(range(1_000)), "name": [f"artist {i}" for i in range(1_000)]}))
    assert "more than 100 bytes" in refusal(bytes(whole), "parquet", "artists", max_decompressed_bytes=100)
    whole[40:80] = b"\xff" * 40
    assert "the Parquet file is damaged" in refusal(bytes(whole), "parquet", "artists")


def repeated(value: str, rows: int) -> bytes:
    """A small file that brings a value many times."""
    names = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([value]))
    return parquet({"id": pa.nulls(rows, pa.string()), "name": names.cast(pa.string())})


def test_long_value_in_every_row_comes_in_small_batches_and_under_a_cap() -> None:
    bomb = repeated("x" * 500_000, 40)
    assert len(bomb) < 30_000
    found = read_bytes(bomb, "parquet", "artists", max_line_bytes=1 << 20)
    assert len(found.rows("artists")) == 40
    assert max(found.batch_sizes) * 500_000 <= 4 << 20
    limits = {"max_ratio": 1, "ratio_free_bytes": 1 << 20}
    assert "more than 100 times" in refusal(bomb, "parquet", "artists", **limits)
    assert "more than 10,000,000 bytes" in refusal(bomb, "parquet", "artists", max_decompressed_bytes=10_000_000)
    assert "a row is longer than 400,000 bytes" in refusal(bomb, "parquet", "artists", max_line_bytes=100_000)


def test_page_that_unpacks_to_more_than_the_cap_is_refused_before_it_is_read() -> None:
    out = io.BytesIO()
    table = pa.table({"id": ["1"], "name": ["a"], "blob": ["x" * 1_000_000]})
    pq.write_table(table, out, compression="zstd", use_dictionary=False)
    reason = "a page of the object unpacks to more than 100,000 bytes"
    assert len(read_bytes(out.getvalue(), "parquet", "artists", max_document_bytes=100_000).rows("artists")) == 1
    out = io.BytesIO()
    pq.write_table(table.rename_columns(["id", "x", "name"]), out, compression="zstd", use_dictionary=False)
    assert refusal(out.getvalue(), "parquet", "artists", max_document_bytes=100_000) == reason


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=9), st.none() | st.integers(-9, 9), st.lists(st.booleans())), max_size=60),
    st.sampled_from(["none", "snappy", "gzip", "zstd"]),
    st.sampled_from(["1.0", "2.0"]),
    st.sampled_from([False, True, ["t"]]),
    st.sampled_from([20, 1 << 20]),
    st.booleans(),
)
def test_pages_unpack_to_what_an_honest_footer_says(
    rows: list[tuple[Any, ...]], compression: str, version: str, dictionary: Any, page: int, checksum: bool
) -> None:
    types = {"t": pa.string(), "n": pa.int64(), "b": pa.list_(pa.bool_())}
    columns = {name: pa.array([row[place] for row in rows], kind) for place, (name, kind) in enumerate(types.items())}
    out = io.BytesIO()
    pq.write_table(
        pa.table(columns),
        out,
        compression=compression,
        data_page_version=version,
        use_dictionary=dictionary,
        data_page_size=page,
        write_page_checksum=checksum,
        row_group_size=25,
    )
    metadata = pq.ParquetFile(out).metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    for names in (["t", "n", "b"], ["n"]):
        wanted = [
            group.column(place).total_uncompressed_size
            for group in groups
            for place, name in enumerate(types)
            if name in names and group.num_rows
        ]
        assert check_pages(out, metadata, names, Limits()).size_bytes == sum(wanted)


def test_file_without_rows_is_fine() -> None:
    assert (
        read_bytes(
            parquet({"id": pa.array([], pa.int64()), "name": pa.array([], pa.string())}), "parquet", "artists"
        ).rows("artists")
        == []
    )
