"""The tables that tell how the canonical ones came about: ledger, outcomes, quality results, publications."""

from concert_assets.catalog.identity import IDENTITY_MAP
from concert_assets.catalog.model import Column, Table

OUTCOMES = ("published", "rejected", "duplicate", "superseded", "pending", "held")

_OBJECT_ID = Column("object_id", "varchar(32)", "Raw object, the same for the same name and bytes", required=True)
_TABLE_NAME = Column("table_name", "varchar(64)", "Canonical table the rows belong to", required=True)

LOAD_LEDGER = Table(
    name="load_ledger",
    description="One row per raw object and table: how many rows came and what became of them.",
    key=("object_id", "table_name", "sequence"),
    columns=(
        _OBJECT_ID,
        _TABLE_NAME,
        Column("delivery", "varchar(512)", "Name of the delivery that brought the object"),
        Column("sequence", "bigint", "Number of the delivery in the log"),
        Column("object_key", "varchar(1024)", "Key of the object in the raw bucket"),
        Column("object_version", "varchar(256)", "Version of the object under that key"),
        Column("sha256", "varchar(64)", "Hash of the object's bytes"),
        Column("size_bytes", "bigint", "Size of the object", "bytes"),
        Column("rows_in", "bigint", "Rows the object brings to the table", "rows"),
        Column("rows_published", "bigint", "Rows that are published", "rows"),
        Column("rows_rejected", "bigint", "Rows refused through their own fault", "rows"),
        Column("rows_duplicate", "bigint", "Rows that repeat a published row", "rows"),
        Column("rows_superseded", "bigint", "Rows of which a newer version is published", "rows"),
        Column("rows_pending", "bigint", "Rows whose parent has not come", "rows"),
        Column("rows_held", "bigint", "Rows whose delivery the audit stopped", "rows"),
        Column("state", "varchar(16)", "live, held, replaced, retracted, or refused where the object cannot be read"),
        Column("delivered_at", "timestamp", "When the delivery was logged", "UTC"),
        Column("published_position", "bigint", "Position of the log that the published tables reflect"),
        Column(
            "note", "varchar(4000)", "What is to be said of the object: unknown columns, why it was refused or held"
        ),
    ),
)

ROW_OUTCOMES = Table(
    name="row_outcomes",
    description="Every row of a live or held delivery that is not published, and why.",
    key=("object_id", "row_number", "table_name"),
    columns=(
        _OBJECT_ID,
        Column("row_number", "bigint", "Row of the object, counted from 1 per table", required=True),
        _TABLE_NAME,
        Column("outcome", "varchar(16)", "What became of the row", values=OUTCOMES[1:]),
        Column("rule", "varchar(64)", "Rule that decided it"),
        Column("column_name", "varchar(64)", "Column the rule looked at"),
        Column("value", "varchar(4000)", "What stood in that column"),
        Column("reason", "varchar(4000)", "The rule in words"),
        Column("winner_object_id", "varchar(32)", "Object of the row that won over this one"),
        Column("winner_row_number", "bigint", "Row number of the row that won over this one"),
        Column("row_json", "varchar(65535)", "The refused row as it came; other rows are kept in staging"),
    ),
)

QUALITY_RESULTS = Table(
    name="quality_results",
    description="Results of every quality rule, kept for every run.",
    key=("run_id", "table_name", "rule", "scope"),
    columns=(
        Column("run_id", "varchar(64)", "Run that judged", required=True),
        _TABLE_NAME,
        Column("rule", "varchar(64)", "Rule", required=True),
        Column("category", "varchar(32)", "What kind of rule it is"),
        Column(
            "scope",
            "varchar(16)",
            "delivered: rows as they came; candidate: rows about to be published; model: a model in use",
        ),
        Column("severity", "varchar(16)", "error blocks publication, warning does not"),
        Column("failing_rows", "bigint", "Rows that break the rule", "rows"),
        Column("total_rows", "bigint", "Rows looked at", "rows"),
        Column("is_passed", "boolean", "Whether the rule holds"),
        Column("score", "double precision", "Share of rows that keep the rule", "score 0-100"),
        Column("sample", "varchar(4000)", "Keys of a few failing rows, a JSON list"),
        Column("description", "varchar(1024)", "The rule in words"),
        Column("position", "bigint", "Position of the log that was judged"),
        Column("checked_at", "timestamp", "When it was judged", "UTC"),
    ),
)

PUBLICATIONS = Table(
    name="publications",
    description="One row per publication: the log position and fingerprint that the published tables reflect.",
    key=("number",),
    columns=(
        Column("number", "bigint", "Publications so far", required=True),
        Column("position", "bigint", "Position of the delivery log", required=True),
        Column(
            "fingerprint", "varchar(64)", "Hash of everything the published tables are a function of", required=True
        ),
        Column("run_id", "varchar(64)", "Run that published"),
        Column("published_at", "timestamp", "When", "UTC"),
    ),
)

CANDIDATE = Table(
    name="candidate",
    description="The verdict on what resolve made last, until it is published.",
    columns=(
        Column("position", "bigint", "Position of the delivery log", required=True),
        Column("fingerprint", "varchar(64)", "Hash of everything the candidate is a function of", required=True),
        Column("is_passed", "boolean", "Whether no rule of error severity is broken"),
        Column("run_id", "varchar(64)", "Run that judged"),
    ),
)

TABLES = (LOAD_LEDGER, ROW_OUTCOMES, IDENTITY_MAP, QUALITY_RESULTS, PUBLICATIONS, CANDIDATE)
