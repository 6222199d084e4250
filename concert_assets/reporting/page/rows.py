"""The sections on rows and deliveries: what came, what became of it and why, and which deliveries are held."""

from collections.abc import Mapping
from typing import Any

from concert_assets.catalog.operational import OUTCOMES
from concert_assets.reporting.page import show
from concert_assets.reporting.page.figures import Part, bar, flow, legend, stacked
from concert_assets.reporting.page.markup import Child, Html, el, identifier
from concert_assets.reporting.page.tables import Col, folded, note, part, section, table, tag
from concert_assets.reporting.rows import REFUSED

SET_ASIDE = OUTCOMES[1:]
MEANING = {
    "published": "in the warehouse",
    "rejected": "break a rule; kept with the reason",
    "duplicate": "same as a row that won",
    "superseded": "older than a newer version",
    "pending": "wait for a parent that has not come",
    "held": "in a delivery stopped by the audit",
}
STATES = {"held": "attention", "refused": "bad"}
LISTED = 200  # rows of a long table that the page shows; the JSON has all


def rows_section(report: Mapping[str, Any]) -> Html:
    """From delivered to published, in total and per table."""
    tables, totals = report["tables"], report["totals"]
    lead = "Every delivered row has exactly one outcome, counted as such, as the load ledger has it."
    if not tables:
        return section("rows", "Rows", lead, note("No row has come into the ledger yet."))
    return section("rows", "Rows", lead, _flow(totals), _balance(totals), _tables(tables, totals), _reasons(report))


def _flow(totals: Mapping[str, Any]) -> Html:
    delivered = totals["delivered"]
    parts = [
        Part(name, totals[name] / delivered if delivered else 0.0, show.count(totals[name]), name, MEANING[name])
        for name in OUTCOMES
    ]
    told = ", ".join(f"{show.count(totals[name])} {name}" for name in OUTCOMES)
    return flow(
        ("rows delivered", show.count(delivered)),
        parts,
        "Delivered rows by outcome",
        f"{show.count(delivered)} rows: {told}",
    )


def _balance(totals: Mapping[str, Any]) -> Html | None:
    missing = totals["unaccounted"]
    if missing == 0:
        return None
    what = "have no outcome" if missing > 0 else "have more than one outcome"
    return note(f"The counts do not add up: {show.plural(abs(missing), 'row')} {what}.", "bad")


def _tables(tables: Mapping[str, Any], totals: Mapping[str, Any]) -> Html:
    columns = [
        Col("Table"), Col("Delivered", "num"), Col("Accepted", "num minor"), Col("Staged", "num minor"),
        Col("Published", "num"), *(Col(show.words(name), "num") for name in SET_ASIDE), Col("Adds up", "num"),
    ]  # fmt: skip

    def cells(name: str, row: Mapping[str, Any]) -> list[Any]:
        counts = [_zero_quiet(row[outcome]) for outcome in SET_ASIDE]
        stages = [show.count(row[stage]) for stage in ("delivered", "accepted", "staged")]
        return [
            name,
            *stages,
            el("b", show.count(row["published"])),
            *counts,
            "yes" if row["is_balanced"] else tag("no", "bad"),
        ]

    largest = max((_aside(row) for row in tables.values()), default=0)
    aside = [
        [
            name,
            _aside_bar(row, largest),
            show.count(_aside(row)),
            show.share(_aside(row) / row["delivered"] if row["delivered"] else None, 2),
        ]
        for name, row in tables.items()
    ]
    return el(
        "div",
        table(
            "Rows of the live deliveries by table and stage",
            columns,
            [cells(name, row) for name, row in tables.items()],
            cells("All", totals),
        ),
        el("p", "Delivered = published + rejected + duplicate + superseded + pending + held.", class_="hint"),
        part(
            "Set aside, by table",
            legend(*((name, show.words(name)) for name in SET_ASIDE)),
            table(
                "Rows not published, by table",
                [Col("Table"), Col("Rows set aside", "fig wide"), Col("Rows", "num"), Col("Of delivered", "num minor")],
                aside,
            ),
        )
        if largest
        else None,
        class_="stack",
    )


def _reasons(report: Mapping[str, Any]) -> Html | None:
    rows = [row for row in report["outcomes"] if row.get("outcome") != "published" and row.get("count")]
    if not rows:
        return None
    rows.sort(key=lambda row: -row["count"])
    most = rows[0]["count"]
    body = [
        [
            _reason(row),
            bar(row["count"] / most, f"{show.plural(row['count'], 'row')} {row['outcome']}", row["outcome"]),
            show.count(row["count"]),
        ]
        for row in rows[:LISTED]
    ]  # fmt: skip
    columns = [Col("Rule"), Col("", "fig wide"), Col("Rows", "num")]
    shown, rest = 12, len(body) - 12
    more = (
        folded(
            f"{show.plural(rest, 'more reason')}", table("Rows not published, by further rules", columns, body[shown:])
        )
        if rest > 0
        else None
    )
    return part("Why rows were set aside", table("Rows not published, by rule", columns, body[:shown]), more)


def _reason(row: Mapping[str, Any]) -> Html:
    where = el("small", f"{row.get('table_name')}, {row['outcome']}")
    return el("span", identifier(str(row.get("rule") or show.MISSING)), where, class_="name")


def deliveries_section(report: Mapping[str, Any]) -> Html:
    """The deliveries of the log with their state and, where one is held, why."""
    deliveries = report["deliveries"]
    lead = "The delivery log decides what the warehouse holds. A held delivery changes nothing until it is released."
    if not deliveries:
        return section("deliveries", "Deliveries", lead, note("The ledger holds no delivery."))
    columns = [
        Col("Delivery"), Col("State"), Col("Delivered", "minor"), Col("Objects", "num minor"), Col("Size", "num minor"),
        Col("Rows", "num"), Col("Published", "num"), Col("Held", "num"),
    ]  # fmt: skip
    body = [
        [
            item["delivery"], _state(str(item["state"])),
            show.moment(item["delivered_at"]), show.count(item["objects"]), show.size(item["size_bytes"]),
            show.count(item["rows_in"]), show.count(item["rows_published"]), _zero_quiet(item["rows_held"]),
        ]
        for item in deliveries[-LISTED:]
    ]  # fmt: skip
    held = [note(_why_held(item), "attention") for item in deliveries if item["state"] == "held"]
    refused = [note(_why_refused(row), "bad") for row in report["ledger"] if row.get("state") == REFUSED][-LISTED:]
    return section(
        "deliveries",
        "Deliveries",
        lead,
        *held,
        *refused,
        table("Deliveries in log order", columns, body),
        _objects(report["ledger"]),
    )


def _state(state: str) -> Child:
    """The state, marked only where it wants a look."""
    return tag(state, STATES[state]) if state in STATES else state


def _why_held(item: Mapping[str, Any]) -> Html:
    why = "; ".join(map(str, item["notes"])) or "the audit stated no reason"
    name = str(item["delivery"])
    ways = el(
        "span",
        "Release it with ",
        el("code", f"concert-assets release {name}"),
        " or withdraw it with ",
        el("code", f"concert-assets retract {name}"),
        ".",
    )
    return el("span", el("b", name), f" is held: {why}. ", ways)


def _why_refused(row: Mapping[str, Any]) -> Html:
    return el(
        "span", el("b", str(row.get("object_key"))), f" could not be read: {row.get('note') or 'no reason noted'}."
    )


def _objects(ledger: list[dict[str, Any]]) -> Html:
    columns = [
        Col("Object"), Col("Table"), Col("State"), Col("Rows", "num"), Col("Published", "num"),
        *(Col(show.words(name), "num") for name in SET_ASIDE), Col("Size", "num"), Col("SHA-256"), Col("Note"),
    ]  # fmt: skip
    body = [
        [
            row.get("object_key"), row.get("table_name"), row.get("state"), show.count(row.get("rows_in")),
            show.count(row.get("rows_published")), *(_zero_quiet(row.get(f"rows_{name}")) for name in SET_ASIDE),
            show.size(row.get("size_bytes")), el("code", str(row.get("sha256") or show.MISSING)[:12]),
            str(row.get("note") or ""),
        ]
        for row in ledger[-LISTED:]
    ]  # fmt: skip
    cut = f", the newest {LISTED} of {len(ledger)}" if len(ledger) > LISTED else ""
    return folded(f"The load ledger, per object and table{cut}", table("Load ledger", columns, body))


def _aside(row: Mapping[str, Any]) -> int:
    return sum(row[name] for name in SET_ASIDE)


def _aside_bar(row: Mapping[str, Any], largest: int) -> Html:
    told = ", ".join(f"{show.count(row[name])} {name}" for name in SET_ASIDE if row[name]) or "none"
    return stacked([(name, row[name] / largest) for name in SET_ASIDE if row[name]], told)


def _zero_quiet(value: Any) -> Html:
    return el("span", show.count(value), class_="zero" if not value else None)
