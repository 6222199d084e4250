"""A small TICKIT set for the tests, how it is read, and how its rows are accounted for once published."""

import io
import zipfile
from collections import Counter
from collections.abc import Mapping

import pytest

from concert_assets.catalog import canonical
from concert_assets.sources.model import Limits, Notes, RawObject, UnreadableObject, raw_schema
from concert_assets.sources.read import read_together
from concert_assets_tests.sources_reading import ORIGIN, Read
from concert_assets_tests.support_accounts import CANONICAL
from concert_assets_tests.support_core import Core

FILES = {
    "venue_pipe.txt": "1|Harbour Hall|Toronto|ON|0\n2|Dome|Houston|TX|1200\n3|Club|Las Vegas|NV|\n",
    "category_pipe.txt": "1|Sports|MLB|Baseball\n8|Shows|Opera|All opera\n9|Concerts|Pop|Pop\n10|Concerts|Jazz|Jazz\n",
    "date2008_pipe.txt": "1827|2008-01-01|TU|1|JAN|1|2008|1\n1950|2008-05-04|SU|19|MAY|2|2008|0\n",
    "allevents_pipe.txt": (
        "1|1|9|1827|The Wolves|2008-01-01 19:30:00\n"
        "2|2|1|1827|A Ball Game|2008-01-01 14:00:00\n"
        "3|2|10|1950|The Wolves|2008-05-01 20:00:00\n"
        "4|3|10|1950|The Wolves|\n"
        "5|3|8|1950|Carmen|2008-05-04 19:00:00\n"
    ),
    "listings_pipe.txt": "1|10|1|1827|4|10.00|40.00|2007-12-01 10:00:00\n2|10|2|1827|1|9.00|9.00|2007-12-01 10:00:00\n",
    "sales_tab.txt": (
        "1\t1\t10\t20\t1\t1826\t2\t20.00\t3.00\t12/30/2007 02:36:48\n"
        "2\t2\t10\t21\t2\t1826\t1\t9.00\t1.35\t12/31/2007 08:00:00\n"
        "3\t1\t10\t20\t3\t1830\t4\t50\t7.50\t2/3/2008 13:05:09\n"
    ),
    "allusers_pipe.txt": "20|ABC12DEF|Ann|Bee|Town|NY|ann@bee.example|(212) 555-0100" + "|TRUE" * 10 + "\n",
}


def with_lines(name: str, *lines: str) -> dict[str, str]:
    return FILES | {name: FILES[name] + "".join(line + "\n" for line in lines)}


def read_files(files: Mapping[str, str | bytes], **limits: int) -> tuple[Read, dict[str, list[str]]]:
    """The rows of a set, held to the promises of all readers object by object, and the remarks by file."""
    found = Read({}, Notes(), [])
    objects = [
        (
            RawObject(f"object-{name}", None, "tickit", name),
            io.BytesIO(data.encode() if isinstance(data, str) else data),
        )
        for name, data in files.items()
    ]
    notes = {obj.object_id: Notes() for obj, _ in objects}
    for name, batch in read_together(objects, notes, Limits(**limits)):
        batch.validate(full=True)
        assert batch.schema == raw_schema(canonical.BY_NAME[name])
        found.tables.setdefault(name, []).extend(batch.to_pylist())
    for rows in found.tables.values():
        counted: Counter[str] = Counter()
        for row in rows:
            counted[row["_object_id"]] += 1
            assert row["_row_number"] == counted[row["_object_id"]]
            assert (row["_row_error"] is None) == (row["_row_text"] is None)
            if row["_row_error"] is not None:
                assert all(row[name] is None for name in row if name not in ORIGIN)
    return found, {obj.name: notes[obj.object_id].remarks for obj, _ in objects}


def refused(files: Mapping[str, str | bytes], **limits: int) -> str:
    with pytest.raises(UnreadableObject) as raised:
        read_files(files, **limits)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def zipped(files: Mapping[str, str], folder: str = "", how: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", how) as archive:
        for name, text in files.items():
            archive.writestr(folder + name, text)
    return target.getvalue()


def accounted(core: Core) -> dict[tuple[str, str], Counter[str]]:
    """Rows by outcome, by file and table, counted where the rows are; fails where the ledger tells otherwise."""
    names = dict(core.query("select object_id, object_key from concert_dw_staging.objects"))
    counted: dict[tuple[str, str], Counter[str]] = {}
    for table in CANONICAL:
        for object_id, rows in core.query(f"select _object_id, count(*) from concert_dw.{table} group by 1"):
            counted.setdefault((object_id, table), Counter())["published"] = rows
    for object_id, table, outcome in core.query("select object_id, table_name, outcome from concert_dw.row_outcomes"):
        counted.setdefault((object_id, table), Counter())[outcome] += 1
    told = core.query(
        "select object_id, table_name, rows_in, rows_published, rows_rejected, rows_duplicate, rows_superseded, "
        "rows_pending from concert_dw.load_ledger"
    )
    outcomes = ("published", "rejected", "duplicate", "superseded", "pending")
    for object_id, table, rows_in, *counts in told:
        found = counted.get((object_id, table), Counter())
        assert +Counter(dict(zip(outcomes, counts, strict=True))) == +found
        assert rows_in == found.total()
    assert counted.keys() <= {(object_id, table) for object_id, table, *_ in told}
    return {(names[object_id].rsplit("/", 1)[1], table): counts for (object_id, table), counts in counted.items()}
