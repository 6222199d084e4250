"""What a good engineer writes by hand for one delivery of raw Parquet: DuckDB SQL, straight from the files to the tables.

Run as ``python -m concert_assets_tests.benchmarks.ingest_by_hand TOLD OUT``: TOLD is a JSON file of the delivered
objects (``object_id``, ``table``, ``path``), the day of the delivery, and the artists and venues that are known to be
one; OUT a folder. It makes the accepted rows and the refused ones (rule, column, value, reason, the row as JSON) as
Parquet, and in ``warehouse.duckdb`` the published tables, an outcome for each row that is not published, and counts by
object. It trusts its input: it neither hashes nor syncs a file, it reads numbers and times as DuckDB does, and what it
made cannot be repeated, replaced or taken back.
"""

import json
import sys
from pathlib import Path

import duckdb

from concert_assets_tests.benchmarks.ingest_by_hand_rules import (
    COLUMNS,
    JOINS,
    KEYS,
    LATE,
    PARENTS,
    REFUND,
    REFUSED,
    TABLES,
    TIMES,
    broken,
    listed,
    read_as,
)


def main(told: Path, out: Path) -> None:
    """Everything, from the raw files to the tables."""
    known = json.loads(told.read_text())
    (out / "clean").mkdir(parents=True)
    db = duckdb.connect(str(out / "warehouse.duckdb"))
    db.execute("set timezone = 'UTC'; set preserve_insertion_order = false")
    db.execute(
        "create table row_outcomes (object_id varchar, row_number bigint, table_name varchar, outcome varchar, "
        "rule varchar, column_name varchar, value varchar, reason varchar, winner_object_id varchar, "
        "winner_row_number bigint, row_json varchar)"
    )
    db.execute("create table arrived (object_id varchar, table_name varchar, rows_in bigint)")
    db.execute("create temp table objects (path varchar, object_id varchar)")
    db.executemany(
        "insert into objects values (?, ?)", [(item["path"], item["object_id"]) for item in known["objects"]]
    )
    db.execute("create temp table same (entity varchar, id varchar, canonical_id varchar, reason varchar)")
    db.executemany("insert into same values (?, ?, ?, ?)", known["same"])
    for table in TABLES:
        bringing = "concerts" if table == "ticket_prices" else table
        read_raw(db, table, [item["path"] for item in known["objects"] if item["table"] == bringing])
        curate(db, table, out)
        resolve(db, table, known["as_of"])
    keep_rejects(db, out)
    check(db)
    db.execute("checkpoint")
    db.close()


def read_raw(db: duckdb.DuckDBPyConnection, table: str, files: list[str]) -> None:
    """The text of every row with where it came from; the prices stand as JSON maps in the concerts."""
    numbered = f"read_parquet({files}, filename = true, file_row_number = true)"
    if table != "ticket_prices":
        texts = ", ".join(f"nullif(trim({name}), '') as {name}__text" for name, *_ in COLUMNS[table])
        db.execute(
            f"create temp view raw_{table} as select o.object_id as _object_id, r.file_row_number + 1 as _row_number, "
            f"{texts} from {numbered} as r inner join objects as o on o.path = r.filename"
        )
        return
    # By pattern, for DuckDB's reader of JSON gives numbers in another spelling than they have.
    entry = r"""'"([^"]*)": *("[^"]*"|[^,} ]+)'"""
    db.execute(
        f"create temp table raw_{table} as select o.object_id as _object_id, row_number() over ("
        "partition by o.object_id order by e.concert_row, e.place) as _row_number, concert_id as concert_id__text, "
        "nullif(trim(e.tier), '') as ticket_tier__text, nullif(nullif(trim(e.price, ' \"'), ''), 'null') as "
        "face_value__text, updated_at as updated_at__text from (select filename, file_row_number as concert_row, "
        "nullif(trim(concert_id), '') as concert_id, nullif(trim(updated_at), '') as updated_at, "
        f"unnest(regexp_extract_all(ticket_prices, {entry}, 1)) as tier, "
        f"unnest(regexp_extract_all(ticket_prices, {entry}, 2)) as price, "
        f"generate_subscripts(regexp_extract_all(ticket_prices, {entry}), 1) as place from {numbered}) as e "
        "inner join objects as o on o.path = e.filename"
    )


def curate(db: duckdb.DuckDBPyConnection, table: str, out: Path) -> None:
    """Accepted rows to Parquet, refused ones to ``row_outcomes``."""
    columns, rules = [name for name, *_ in COLUMNS[table]], broken(table)
    typed = [f"{read_as(name, kind, more)} as {name}" for name, kind, *more in COLUMNS[table]]
    basis = [f"{name}_basis" for name in TIMES.get(table, [])]
    typed += [
        f"case when {name}__text like '%:%' then case when {name}__text like '%Z' then 'utc' else 'local' end "
        f"when {name}__text is not null then 'date' end as {name}_basis"
        for name in TIMES.get(table, [])
    ]
    number = " ".join(f"when {condition} then {i}" for i, (_, _, condition, _) in enumerate(rules, 1))
    db.execute(
        f"create temp table judged_{table} as select _object_id, _row_number, {', '.join(typed)}, "
        f"cast(case {number} else 0 end as utinyint) as _rule from raw_{table}"
    )
    db.execute(
        f"copy (select {', '.join(['_object_id', '_row_number', *columns, *basis])} from judged_{table} "
        f"where _rule = 0) to '{out}/clean/{table}.parquet' (format parquet, compression zstd)"
    )
    said = [f"{{rule: '{rule}', name: '{column}', reason: '{reason}'}}" for rule, column, _, reason in rules]
    value = " ".join(f"when {i} then {column}__text" for i, (_, column, _, _) in enumerate(rules, 1))
    row = ", ".join(f"{name}: {name}__text" for name in columns)
    db.execute(
        f"insert into row_outcomes select _object_id, _row_number, '{table}', 'rejected', s.rule, s.name, value, "
        "s.reason, null, null, row_json from ("
        f"select r._object_id, r._row_number, [{', '.join(said)}][j._rule] as s, case j._rule {value} end as value, "
        f"json_merge_patch('{{}}', to_json({{{row}}})) as row_json from raw_{table} as r inner join "
        f"(select _object_id, _row_number, _rule from judged_{table} where _rule > 0) as j "
        "on j._object_id = r._object_id and j._row_number = r._row_number)"
    )
    db.execute(f"insert into arrived select _object_id, '{table}', count(*) from judged_{table} group by _object_id")


def resolve(db: duckdb.DuckDBPyConnection, table: str, as_of: str) -> None:
    """The published table, and the outcomes of the accepted rows that are not in it."""
    further, joined = "", ""
    if table == "concerts":  # they follow the artists and venues that are one
        further = (
            "replace (coalesce(a.canonical_id, j.artist_id) as artist_id, coalesce(v.canonical_id, j.venue_id) "
            "as venue_id), event_date_basis <> 'date' as has_event_time"
        )
        joined = " ".join(
            f"left join same as {name} on {name}.entity = '{entity}' and {name}.id = j.{entity}_id"
            for name, entity in (("a", "artist"), ("v", "venue"))
        )
    db.execute(
        f"create or replace temp view accepted as select j.* exclude (_rule) {further} from judged_{table} as j {joined} "
        "where j._rule = 0"
    )
    unfit = [("rejected", *rule) for rule in REFUSED.get(table, [])]
    unfit += [
        ("pending", f"{column}_exists", column, f"{alias}.{column} is null",
         f"{column} must be that of a published row of {parent}")
        for column, alias, parent in PARENTS.get(table, [])
    ]  # fmt: skip
    if unfit:
        choice = " ".join(
            f"when {condition} then {{outcome: '{outcome}', rule: '{rule}', name: '{column}', "
            f"value: t.{column}::varchar, reason: '{reason}'}}"
            for outcome, rule, column, condition, reason in unfit
        ).replace("{as_of}", as_of)
        db.execute(
            f"insert into row_outcomes select _object_id, _row_number, '{table}', f.outcome, f.rule, f.name, f.value, "
            f"f.reason, null, null, null from (select t._object_id, t._row_number, case {choice} end as f "
            f"from accepted as t {JOINS[table]}) where f is not null"
        )
    keys = KEYS[table]
    first = keys.partition(",")[0]
    names = [name for name, *_ in COLUMNS[table]]
    rest = [name for name in names if name not in keys.split(", ") and name != "updated_at"]
    same = " and ".join(f"l.{name} is not distinct from w.{name}" for name in rest)
    left = (
        f"not exists (select 1 from row_outcomes as x where x.table_name = '{table}' "
        "and x.object_id = t._object_id and x.row_number = t._row_number)"
    )
    said = f"{keys.replace(', ', ' and ')} must stand once; the newest by updated_at, delivery and row wins"
    db.execute(
        "insert into row_outcomes with ranked as (select t.*, row_number() over (partition by "
        f"{keys} order by updated_at desc nulls last, _row_number desc, _object_id desc) as _rank from accepted as t "
        f"semi join (select {keys} from accepted group by {keys} having count(*) > 1) as r using ({keys}) "
        f"where {left}) select l._object_id, l._row_number, '{table}', if({same}, 'duplicate', 'superseded'), "
        f"if({same}, '{keys.replace(', ', '_')}_unique', 'newest_wins'), '{first}', l.{first}, '{said}', "
        f"w._object_id, w._row_number, null "
        f"from ranked as l inner join ranked as w using ({keys}) where w._rank = 1 and l._rank > 1"
    )
    if table in ("artists", "venues"):
        entity = table.removesuffix("s")
        db.execute(
            f"insert into row_outcomes select t._object_id, t._row_number, '{table}', 'duplicate', 'same_{entity}', "
            f"'name', t.name, s.reason, w._object_id, w._row_number, null from accepted as t inner join same as s "
            f"on s.entity = '{entity}' and s.id = t.{first} inner join (select * from accepted as t where {left}) as w "
            f"on w.{first} = s.canonical_id where {left}"
        )
    columns = [f"t.{name}" for name in names]
    columns += ["t.has_event_time", "v.timezone as event_timezone"] * (table == "concerts")
    joins = "left join venues as v on v.venue_id = t.venue_id" if table == "concerts" else ""
    db.execute(
        f"create table {table} as select {', '.join(columns)}, t._object_id, t._row_number from accepted as t {joins} "
        f"where {left}"
    )


def keep_rejects(db: duckdb.DuckDBPyConnection, out: Path) -> None:
    """The refused rows as a file, and the counts of every object."""
    db.execute(
        "copy (select object_id, row_number, table_name, rule, column_name, value, reason, row_json "
        f"from row_outcomes where row_json is not null) to '{out}/rejects.parquet' (format parquet, compression zstd)"
    )
    published = " union all ".join(
        f"select _object_id as object_id, '{table}' as table_name, count(*) as rows from {table} group by _object_id"
        for table in TABLES
    )
    outcomes = ("rejected", "duplicate", "superseded", "pending")
    counts = ", ".join(f"count(*) filter (x.outcome = '{outcome}') as rows_{outcome}" for outcome in outcomes)
    db.execute(
        f"create table load_ledger as with published as ({published}), outcomes as (select x.object_id, x.table_name, "
        f"{counts} from row_outcomes as x group by x.object_id, x.table_name) select a.*, "
        "coalesce(p.rows, 0) as rows_published, "
        + ", ".join(f"coalesce(x.rows_{outcome}, 0) as rows_{outcome}" for outcome in outcomes)
        + " from arrived as a left join published as p using (object_id, table_name) "
        "left join outcomes as x using (object_id, table_name)"
    )


def check(db: duckdb.DuckDBPyConnection) -> None:
    """What is looked at before anybody sees the tables; ends the program where something is wrong."""
    questions = {
        "objects lose rows": "from load_ledger where rows_in <> rows_published + rows_rejected + rows_duplicate "
        "+ rows_superseded + rows_pending",
        "objects are mostly refused": "from load_ledger where rows_rejected >= 20 and rows_rejected > 0.25 * rows_in",
        "sales are wrong": "from ticket_sales as t left join concerts as c "
        "on c.concert_id = t.concert_id where c.concert_id is null or t.sale_id is null or t.quantity is null "
        "or t.quantity not between 1 and 20 or t.unit_price not between 0.01 and 100000 or t.total_price is null "
        "or t.total_price <> t.quantity * t.unit_price or t.purchase_timestamp is null or t.sale_status is null "
        f"or t.sale_status not in ({listed('sale_status')}) or ({REFUND}) or {LATE}",
        "concerts are oversold": "from (select c.concert_id from ticket_sales as s inner join concerts "
        "as c on c.concert_id = s.concert_id inner join venues as v on v.venue_id = c.venue_id "
        "where s.sale_status = 'completed' group by c.concert_id, v.capacity having sum(s.quantity) > v.capacity)",
    }
    for table, keys in KEYS.items():
        questions[f"keys of {table} stand twice"] = (
            f"from (select {keys} from {table} group by {keys} having count(*) > 1)"
        )
        for column, alias, parent in PARENTS.get(table, []):
            questions[f"rows of {table} lack {parent}"] = (
                f"from {table} as t left join {parent} as {alias} on {alias}.{column} = t.{column} "
                f"where {alias}.{column} is null"
            )
    for said, question in questions.items():
        ((found,),) = db.execute(f"select count(*) {question}").fetchall()
        if found:
            sys.exit(f"{said}: {found}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
