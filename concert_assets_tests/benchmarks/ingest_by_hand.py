"""What a good engineer writes by hand for one delivery of raw Parquet: DuckDB SQL, straight from the files to the tables.

Run as ``python -m concert_assets_tests.benchmarks.ingest_by_hand OBJECTS OUT``: OBJECTS is a JSON file of the delivered
objects (``object_id``, ``table``, ``path``) with the day of the delivery, OUT a folder. It makes the accepted rows and
the refused ones (rule, column, value, reason, the row as JSON) as Parquet, and in ``warehouse.duckdb`` the published
tables, an outcome for each row that is not published, and counts by object. It trusts its input: it neither hashes nor
syncs a file, it reads numbers and times as DuckDB does, and it cannot be repeated, replaced or taken back.
"""

import json
import sys
from pathlib import Path

import duckdb

from concert_assets.catalog.timezones import TIMEZONES

Rules = list[tuple[str, str, str, str]]  # rule, column, condition that breaks it, reason

IDS = {"artists": "artist_id", "venues": "venue_id", "concerts": "concert_id", "ticket_sales": "sale_id"}
KEYS = {**IDS, "ticket_prices": "concert_id, ticket_tier"}
ZONES = ", ".join(f"'{name}'" for name in TIMEZONES)
TIERS = "'general', 'premium', 'vip', 'early_bird', 'standing', 'seated'"
# How each column that is not text is read; ``{}`` is its text.
READ = {
    "artists": {
        "popularity_score": "try_cast({} as decimal(5,2))",
        "formation_date": "try_cast({} as date)",
        "updated_at": "try_cast({} as timestamp)",
    },
    "venues": {
        "venue_type": "lower({})",
        "latitude": "try_cast({} as double)",
        "longitude": "try_cast({} as double)",
        "capacity": "try_cast({} as integer)",
        "updated_at": "try_cast({} as timestamp)",
    },
    "concerts": {
        "event_date": "try_cast({} as timestamp)",
        "on_sale_date": "try_cast({} as date)",
        "status": "lower({})",
        "tickets_sold": "try_cast({} as integer)",
        "total_attendance": "try_cast({} as integer)",
        "revenue": "try_cast({} as decimal(14,2))",
        "updated_at": "try_cast({} as timestamp)",
    },
    "ticket_prices": {
        "ticket_tier": "lower({})",
        "face_value": "try_cast({} as decimal(10,2))",
        "updated_at": "try_cast({} as timestamp)",
    },
    "ticket_sales": {
        "ticket_tier": "lower({})",
        "quantity": "try_cast({} as integer)",
        "unit_price": "try_cast({} as decimal(10,2))",
        "total_price": "try_cast({} as decimal(12,2))",
        "purchase_timestamp": "try_cast({} as timestamp)",
        "sale_status": "lower({})",
        "refunded_at": "try_cast({} as timestamp)",
        "updated_at": "try_cast({} as timestamp)",
    },
}
COLUMNS = {
    "artists": "artist_id name primary_genre genres popularity_score formation_date members spotify_id updated_at",
    "venues": "venue_id name venue_type address city state country postal_code timezone latitude longitude capacity "
    "updated_at",
    "concerts": "concert_id artist_id venue_id event_date on_sale_date status tickets_sold total_attendance revenue "
    "updated_at",
    "ticket_prices": "concert_id ticket_tier face_value updated_at",
    "ticket_sales": "sale_id concert_id customer_id ticket_tier quantity unit_price total_price purchase_timestamp "
    "payment_method sale_status refunded_at updated_at",
}
# Columns of local times: beside each the file says how its time is told.
TIMES = {"concerts": ["event_date"], "ticket_sales": ["purchase_timestamp", "refunded_at"]}


def required(*columns: str) -> Rules:
    return [(f"{name}_required", name, f"{name}__text is null", f"{name} must be given") for name in columns]


def readable(column: str, kind: str) -> Rules:
    return [
        *required(column),
        (
            f"{column}_readable",
            column,
            f"{column} is null and {column}__text is not null",
            f"{column} must be readable as {kind}",
        ),
    ]


def within(column: str, least: str, most: str = "") -> Rules:
    broken = f"{column} < {least}" + (f" or {column} > {most}" if most else "")
    return [(f"{column}_range", column, broken, f"{column} must lie in {least} to {most or 'infinity'}")]


def allowed(column: str, values: str, said: str = "") -> Rules:
    listed = said or values.replace("'", "")
    return [(f"{column}_allowed", column, f"{column} not in ({values})", f"{column} must be one of {listed}")]


def width(*columns: tuple[str, int]) -> Rules:
    return [
        (
            f"{name}_length",
            name,
            f"strlen({name}) > {most}",
            f"{name} must take no more than {most} bytes in UTF-8",
        )
        for name, most in columns
    ]


VENUE_TYPES = "'club', 'theater', 'hall', 'arena', 'amphitheater', 'stadium', 'outdoor', 'other'"
BROKEN: dict[str, Rules] = {
    "artists": [
        *required("artist_id"), *width(("artist_id", 64)), *required("name"), *width(("name", 512)),
        *width(("primary_genre", 64), ("genres", 2000)), *within("popularity_score", "0", "100"),
        *width(("members", 4000), ("spotify_id", 64)),
    ],
    "venues": [
        *required("venue_id"), *width(("venue_id", 64)), *required("name"), *width(("name", 512)),
        *allowed("venue_type", VENUE_TYPES), *width(("address", 512), ("city", 256), ("state", 64), ("country", 64)),
        *width(("postal_code", 32)), *allowed("timezone", ZONES, f"the {len(TIMEZONES)} known names"),
        *within("latitude", "-90", "90"), *within("longitude", "-180", "180"), *within("capacity", "1", "1000000"),
    ],
    "concerts": [
        *required("concert_id"), *width(("concert_id", 64)), *required("artist_id"), *width(("artist_id", 64)),
        *required("venue_id"), *width(("venue_id", 64)), *readable("event_date", "timestamp"), *required("status"),
        *allowed("status", "'scheduled', 'completed', 'cancelled', 'postponed'"), *within("tickets_sold", "0"),
        *within("total_attendance", "0"), *within("revenue", "0"),
        ("attendance_within_tickets", "total_attendance", "total_attendance > tickets_sold",
         "no more persons attend than tickets were sold"),
    ],
    "ticket_prices": [
        *required("concert_id"), *width(("concert_id", 64)), *required("ticket_tier"), *allowed("ticket_tier", TIERS),
        *readable("face_value", "decimal(10,2)"), *within("face_value", "0", "100000"),
    ],
    "ticket_sales": [
        *required("sale_id"), *width(("sale_id", 64)), *required("concert_id"), *width(("concert_id", 64)),
        *width(("customer_id", 64)), *allowed("ticket_tier", TIERS), *readable("quantity", "integer"),
        *within("quantity", "1", "20"), *readable("unit_price", "decimal(10,2)"),
        *within("unit_price", "0.01", "100000"), *readable("total_price", "decimal(12,2)"),
        *within("total_price", "0.01"), *readable("purchase_timestamp", "timestamp"), *width(("payment_method", 32)),
        *required("sale_status"), *allowed("sale_status", "'completed', 'refunded', 'chargeback'"),
        ("total_price_arithmetic", "total_price", "total_price <> quantity * unit_price",
         "the total is quantity times unit price"),
    ],
}  # fmt: skip
# What a row is held against beyond itself, over the accepted row ``t`` and its published parents, and whether a row
# that breaks it is refused or waits.
JOINS = {
    "concerts": "left join artists as a on a.artist_id = t.artist_id left join venues as v on v.venue_id = t.venue_id",
    "ticket_prices": "left join concerts as c on c.concert_id = t.concert_id",
    "ticket_sales": "left join concerts as c on c.concert_id = t.concert_id",
}
LATE = "t.purchase_timestamp >= case when c.has_event_time then c.event_date else c.event_date + interval 36 hours end"
REFUND = (
    "t.refunded_at < t.purchase_timestamp and (t.refunded_at <> date_trunc('day', t.refunded_at) "
    "or t.refunded_at < date_trunc('day', t.purchase_timestamp))"
)
UNFIT: dict[str, list[tuple[str, str, str, str, str]]] = {
    "artists": [],
    "venues": [],
    "concerts": [
        ("rejected", "on_sale_before_show", "on_sale_date",
         "t.on_sale_date > case when t.has_event_time and v.timezone is not null "
         "then timezone(v.timezone, timezone('UTC', t.event_date)) else t.event_date end::date",
         "tickets go on sale no later than the day of the concert at the venue"),
        ("rejected", "completed_in_the_past", "status",
         "t.status = 'completed' and t.event_date >= timestamp '{as_of}'",
         "a completed concert lies before its delivery"),
        ("rejected", "tickets_within_capacity", "tickets_sold", "t.tickets_sold > v.capacity",
         "no more tickets are sold than the venue admits"),
        ("pending", "artist_id_exists", "artist_id", "a.artist_id is null",
         "artist_id must be that of a published row of artists"),
        ("pending", "venue_id_exists", "venue_id", "v.venue_id is null",
         "venue_id must be that of a published row of venues"),
    ],
    "ticket_prices": [
        ("pending", "concert_id_exists", "concert_id", "c.concert_id is null",
         "concert_id must be that of a published row of concerts"),
    ],
    "ticket_sales": [
        ("rejected", "refund_after_purchase", "refunded_at", REFUND,
         "a refund does not precede its purchase; one without a time may fall on the day of it"),
        ("rejected", "purchase_before_show", "purchase_timestamp", LATE,
         "tickets are bought before the concert starts"),
        ("pending", "concert_id_exists", "concert_id", "c.concert_id is null",
         "concert_id must be that of a published row of concerts"),
    ],
}  # fmt: skip


def main(objects: Path, out: Path) -> None:
    """Everything, from the raw files to the tables."""
    told = json.loads(objects.read_text())
    (out / "clean").mkdir(parents=True)
    db = duckdb.connect(str(out / "warehouse.duckdb"))
    db.execute("set timezone = 'UTC'; set preserve_insertion_order = false")
    db.execute(
        "create table row_outcomes (object_id varchar, row_number bigint, table_name varchar, outcome varchar, "
        "rule varchar, column_name varchar, value varchar, reason varchar, winner_object_id varchar, "
        "winner_row_number bigint, row_json varchar)"
    )
    db.execute("create table arrived (object_id varchar, table_name varchar, rows_in bigint)")
    db.execute("create temp table objects (path varchar, object_id varchar, position integer)")
    db.executemany(
        "insert into objects values (?, ?, ?)",
        [(item["path"], item["object_id"], position) for position, item in enumerate(told["objects"])],
    )
    for table in COLUMNS:
        files = [item["path"] for item in told["objects"] if item["table"] == table]
        read_raw(db, table, files or [item["path"] for item in told["objects"] if item["table"] == "concerts"])
        curate(db, table, out)
        resolve(db, table, out, told["as_of"])
    keep_rejects(db, out)
    check(db)
    db.execute("checkpoint")
    db.close()


def read_raw(db: duckdb.DuckDBPyConnection, table: str, files: list[str]) -> None:
    """``raw``: the text of every row with where it came from; the prices stand as JSON maps in the concerts."""
    columns = COLUMNS[table].split()
    if table != "ticket_prices":
        texts = ", ".join(f"nullif(trim({name}), '') as {name}__text" for name in columns)
        db.execute(
            f"create or replace temp view raw_{table} as select o.object_id as _object_id, r.file_row_number + 1 as _row_number, "
            f"{texts} from read_parquet({files}, filename = true, file_row_number = true) as r "
            "inner join objects as o on o.path = r.filename"
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
        f"generate_subscripts(regexp_extract_all(ticket_prices, {entry}), 1) as place "
        f"from read_parquet({files}, filename = true, file_row_number = true)) as e "
        "inner join objects as o on o.path = e.filename"
    )


def curate(db: duckdb.DuckDBPyConnection, table: str, out: Path) -> None:
    """Accepted rows to Parquet, refused ones to ``row_outcomes``."""
    columns = COLUMNS[table].split()
    typed = [f"{READ[table].get(name, '{}').format(name + '__text')} as {name}" for name in columns]
    typed += [
        f"case when {name}__text like '%:%' then case when {name}__text like '%Z' then 'utc' else 'local' end "
        f"when {name}__text is not null then 'date' end as {name}_basis"
        for name in TIMES.get(table, [])
    ]
    number = " ".join(f"when {broken} then {i}" for i, (_, _, broken, _) in enumerate(BROKEN[table], 1))
    db.execute(
        f"create or replace temp table judged as select _object_id, _row_number, {', '.join(typed)}, "
        f"cast(case {number} else 0 end as utinyint) as _rule from raw_{table}"
    )
    names = ["_object_id", "_row_number", *columns, *(f"{name}_basis" for name in TIMES.get(table, []))]
    db.execute(
        f"copy (select {', '.join(names)} from judged where _rule = 0) to '{out}/clean/{table}.parquet' "
        "(format parquet, compression zstd)"
    )
    said = [f"{{rule: '{rule}', name: '{column}', reason: '{reason}'}}" for rule, column, _, reason in BROKEN[table]]
    value = " ".join(f"when {i} then {column}__text" for i, (_, column, _, _) in enumerate(BROKEN[table], 1))
    row = ", ".join(f"{name}: {name}__text" for name in columns)
    db.execute(
        "insert into row_outcomes select _object_id, _row_number, "
        f"'{table}', 'rejected', s.rule, s.name, value, s.reason, null, null, row_json from ("
        f"select r._object_id, r._row_number, [{', '.join(said)}][j._rule] as s, case j._rule {value} end as value, "
        f"json_merge_patch('{{}}', to_json({{{row}}})) as row_json from raw_{table} as r inner join "
        "(select _object_id, _row_number, _rule from judged where _rule > 0) as j "
        "on j._object_id = r._object_id and j._row_number = r._row_number)"
    )
    db.execute(f"insert into arrived select _object_id, '{table}', count(*) from judged group by _object_id")


def resolve(db: duckdb.DuckDBPyConnection, table: str, out: Path, as_of: str) -> None:
    """The published table, and the outcomes of the accepted rows that are not in it."""
    db.execute(f"create or replace temp view accepted as select * exclude (_rule) from judged where _rule = 0")
    if table == "concerts":
        db.execute(
            "create or replace temp view accepted as select * exclude (_rule), event_date_basis <> 'date' as "
            "has_event_time from judged where _rule = 0"
        )
    if UNFIT[table]:
        choice = " ".join(
            f"when {broken} then {{outcome: '{outcome}', rule: '{rule}', name: '{column}', "
            f"value: t.{column}::varchar, reason: '{reason}'}}"
            for outcome, rule, column, broken, reason in UNFIT[table]
        ).replace("{as_of}", as_of)
        db.execute(
            f"insert into row_outcomes select _object_id, _row_number, '{table}', f.outcome, f.rule, f.name, f.value, "
            f"f.reason, null, null, null from (select t._object_id, t._row_number, case {choice} end as f "
            f"from accepted as t {JOINS[table]}) where f is not null"
        )
    keys = KEYS[table]
    first, rest = keys.partition(",")[0], [
        name for name in COLUMNS[table].split() if name not in keys.split(", ") and name != "updated_at"
    ]  # fmt: skip
    same = " and ".join(f"l.{name} is not distinct from w.{name}" for name in rest)
    unfit = f"from row_outcomes as x where x.table_name = '{table}' and x.object_id = t._object_id"
    rule = keys.replace(", ", "_") + "_unique"
    said = f"{keys.replace(', ', ' and ')} must stand once; the newest by updated_at, delivery and row wins"
    db.execute(
        "insert into row_outcomes with ranked as (select t.*, row_number() over (partition by "
        f"{keys} order by updated_at desc nulls last, _row_number desc, _object_id desc) as _rank from accepted as t "
        f"semi join (select {keys} from accepted group by {keys} having count(*) > 1) as r using ({keys}) "
        f"where not exists (select 1 {unfit} and x.row_number = t._row_number)) "
        f"select l._object_id, l._row_number, '{table}', if({same}, 'duplicate', 'superseded'), "
        f"if({same}, '{rule}', 'newest_wins'), '{first}', l.{first}, '{said}', w._object_id, w._row_number, null, null "
        f"from ranked as l inner join ranked as w using ({keys}) where w._rank = 1 and l._rank > 1".replace(
            "w._row_number, null, null", "w._row_number, null"
        )
    )
    columns = [f"t.{name}" for name in COLUMNS[table].split()]
    columns += ["t.has_event_time", "v.timezone as event_timezone"] * (table == "concerts")
    joins = "left join venues as v on v.venue_id = t.venue_id" if table == "concerts" else ""
    db.execute(
        f"create table {table} as select {', '.join(columns)}, t._object_id, t._row_number from accepted as t {joins} "
        f"where not exists (select 1 {unfit} and x.row_number = t._row_number)"
    )


def keep_rejects(db: duckdb.DuckDBPyConnection, out: Path) -> None:
    """The refused rows as a file, and the counts of every object."""
    db.execute(
        "copy (select object_id, row_number, table_name, rule, column_name, value, reason, row_json "
        f"from row_outcomes where row_json is not null) to '{out}/rejects.parquet' (format parquet, compression zstd)"
    )
    published = " union all ".join(
        f"select _object_id as object_id, '{table}' as table_name, count(*) as rows from {table} group by _object_id"
        for table in COLUMNS
    )
    counts = ", ".join(
        f"count(*) filter (x.outcome = '{outcome}') as rows_{outcome}"
        for outcome in ("rejected", "duplicate", "superseded", "pending")
    )
    db.execute(
        f"create table load_ledger as with published as ({published}), outcomes as (select x.object_id, x.table_name, "
        f"{counts} from row_outcomes as x group by x.object_id, x.table_name) select a.*, "
        "coalesce(p.rows, 0) as rows_published, coalesce(x.rows_rejected, 0) as rows_rejected, "
        "coalesce(x.rows_duplicate, 0) as rows_duplicate, coalesce(x.rows_superseded, 0) as rows_superseded, "
        "coalesce(x.rows_pending, 0) as rows_pending from arrived as a "
        "left join published as p using (object_id, table_name) left join outcomes as x using (object_id, table_name)"
    )


def check(db: duckdb.DuckDBPyConnection) -> None:
    """What is looked at before anybody sees the tables; ends the program where something is wrong."""
    questions = {
        "rows are lost": "select count(*) from load_ledger where rows_in <> rows_published + rows_rejected "
        "+ rows_duplicate + rows_superseded + rows_pending",
        "too many are refused": "select count(*) from load_ledger where rows_rejected > 20 "
        "and rows_rejected > 0.25 * rows_in",
        "concerts without parents": "select count(*) from concerts as t anti join artists as a "
        "on a.artist_id = t.artist_id",
        "concerts without venues": "select count(*) from concerts as t anti join venues as v on v.venue_id = t.venue_id",
        "prices without concerts": "select count(*) from ticket_prices as t anti join concerts as c "
        "on c.concert_id = t.concert_id",
        "sales that are wrong": "select count(*) from ticket_sales as t left join concerts as c "
        "on c.concert_id = t.concert_id where c.concert_id is null or t.sale_id is null or t.quantity is null "
        "or t.quantity not between 1 and 20 or t.unit_price not between 0.01 and 100000 or t.total_price is null "
        "or t.total_price <> t.quantity * t.unit_price or t.purchase_timestamp is null or t.sale_status is null "
        f"or t.sale_status not in ('completed', 'refunded', 'chargeback') or ({REFUND}) or {LATE}",
        "concerts are oversold": "select count(*) from (select c.concert_id from ticket_sales as s inner join concerts "
        "as c on c.concert_id = s.concert_id inner join venues as v on v.venue_id = c.venue_id "
        "where s.sale_status = 'completed' group by c.concert_id, v.capacity having sum(s.quantity) > v.capacity)",
    }
    for table, keys in KEYS.items():
        questions[f"keys of {table} stand twice"] = (
            f"select count(*) from (select {keys} from {table} group by {keys} having count(*) > 1)"
        )
    for said, question in questions.items():
        ((found,),) = db.execute(question).fetchall()
        if found:
            sys.exit(f"{said}: {found}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
