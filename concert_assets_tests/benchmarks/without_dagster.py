"""The work of ``concert-assets demo`` by the same functions in one plain process: no Dagster, no resources, no locks.

Run as ``python -m concert_assets_tests.benchmarks.without_dagster HOME ARTISTS VENUES CONCERTS SALES``. It imports
neither ``concert_assets.defs`` nor an implementation in ``concert_assets.resources`` (the protocols that pure rooms name
are there), curates in this process and not in a second one, and neither syncs nor locks a file.
"""

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from concert_assets.catalog.analytics import MARTS, PREDICTIONS, TICKET_SALES_FORECAST, VENUE_RANKING
from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.operational import LOAD_LEDGER, QUALITY_RESULTS, ROW_OUTCOMES
from concert_assets.deliveries.log import DeliveredObject, Entry, object_id
from concert_assets.glue_jobs.curation import curate_delivery
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.learning.persistence import dump, load
from concert_assets.learning.sales import forecast_ticket_sales, train_ticket_sales
from concert_assets.learning.settings import NotTrainable, TrainingSettings
from concert_assets.learning.venues import rank_venues, train_venue_popularity
from concert_assets.reporting.build import build_model_report, build_pipeline_report, render_html
from concert_assets.reporting.facts import (
    CurvePoint,
    DaySales,
    FigureFacts,
    LedgerFacts,
    ModelFacts,
    RunFacts,
    TopArtist,
    TopVenue,
)
from concert_assets.simulation.settings import SimulationSettings
from concert_assets.simulation.world import simulate
from concert_assets.sql.files import read_sql
from concert_assets.warehousing.names import STAGED_COUNTS, create_table
from concert_assets.warehousing.publish import judge, publish
from concert_assets.warehousing.staging import curated_state, stage
from concert_assets_tests.benchmarks.folder import PlainFolder, PlainSession

RUN = "plain"
KEY = b"0" * 32
MODELS: dict[str, tuple[Any, Any, Any]] = {
    "venue_popularity": (train_venue_popularity, rank_venues, VENUE_RANKING),
    "ticket_sales": (train_ticket_sales, forecast_ticket_sales, TICKET_SALES_FORECAST),
}


def run(home: Path, settings: SimulationSettings) -> None:
    """Everything, from an empty folder to the reports."""
    started = datetime.now(UTC)
    folder = PlainFolder(home)
    generated = simulate(settings, PlainFolder(home, "raw/"), PlainFolder(home, "truth/"))
    objects = tuple(
        DeliveredObject(
            object_id("simulation", item.key, item.sha256),
            item.key,
            item.table,
            item.format,
            item.size_bytes,
            item.sha256,
        )
        for item in generated.objects
    )
    entry = Entry(1, "delivery", "simulation", started.isoformat(timespec="seconds"), objects, source="simulation")
    manifest = curate_delivery(DuckDBEngine(), folder, "raw", "curated", entry.content_id, "1", objects)  # type: ignore[arg-type]
    session = PlainSession(home / "warehouse.duckdb")
    stage(session, curated_state([entry], lambda _: manifest, "1"), lambda key: folder.uri("curated", key))
    judge(session, RUN)
    publish(session, RUN)
    ((as_of,),) = session.query(read_sql("feature/as_of"))
    for table in MARTS:
        session.execute(f"create table {table.qualified} as {read_sql(f'mart/{table.name}')}", {"as_of": as_of})
    models = [train_and_predict(session, folder, name) for name in MODELS]
    write_reports(session, home, started, models)


def train_and_predict(session: PlainSession, folder: PlainFolder, name: str) -> ModelFacts:
    """Train, store, load again, predict, and tell of the model."""
    train, predict, table = MODELS[name]
    ((as_of,),) = session.query(read_sql("feature/as_of"))
    model = train(session.query_frame(read_sql(f"feature/{name}"), {"as_of": as_of}), as_of, TrainingSettings())
    session.execute(create_table(table.qualified, {column.name: column.type for column in table.columns}))
    if isinstance(model, NotTrainable):
        return ModelFacts(name, skipped_reason=model.reason)
    data, manifest = dump(model, KEY)
    folder.create("models", f"{name}/model.skops", data)
    folder.create("models", f"{name}/manifest.json", json.dumps(manifest).encode())
    rows = session.query_frame(read_sql(f"feature/{name}"), {"as_of": as_of})
    predicted = predict(load(data, manifest, KEY), rows, as_of)
    found = list(predicted[list(table.column_names)].itertuples(index=False, name=None))
    session.insert_rows(table.qualified, table.column_names, found)
    return ModelFacts(name, model.version, model.card)


def write_reports(session: PlainSession, home: Path, started: datetime, models: list[ModelFacts]) -> None:
    """Both reports and the page."""
    now = datetime.now(UTC)
    counted = (*TABLES, LOAD_LEDGER, ROW_OUTCOMES, *MARTS, *PREDICTIONS)
    ledger = LedgerFacts(
        ledger=session.dicts(f"select * from {LOAD_LEDGER.qualified} order by sequence, object_key, table_name"),
        quality=session.dicts(f"select * from {QUALITY_RESULTS.qualified} order by table_name, scope, rule"),
        outcomes=session.dicts(
            "select table_name, outcome, rule, cast(count(*) as bigint) as count "
            f"from {ROW_OUTCOMES.qualified} group by table_name, outcome, rule"
        ),
        table_counts={t.qualified: session.query(f"select count(*) from {t.qualified}")[0][0] for t in counted},
        accepted=dict(
            session.query(f"select table_name, sum(rows_in - rows_rejected) from {STAGED_COUNTS} group by table_name")
        ),
    )
    facts = RunFacts(RUN, "without_dagster", "success", started, now, home=str(home))
    pipeline = build_pipeline_report(facts, ledger, generated_at=now)
    rankings = session.dicts(f"select * from {VENUE_RANKING.qualified} order by rank limit 10")
    forecasts = session.dicts(f"select * from {TICKET_SALES_FORECAST.qualified} order by horizon_days limit 10")
    trained = build_model_report(models, rankings, forecasts, generated_at=now, run_id=RUN)
    (home / "pipeline_report.json").write_text(json.dumps(pipeline, ensure_ascii=False, indent=2), encoding="utf-8")
    (home / "model_training_report.json").write_text(
        json.dumps(trained, ensure_ascii=False, indent=2), encoding="utf-8"
    )
    (home / "report.html").write_text(render_html(pipeline, trained, figures(session)), encoding="utf-8")


def figures(session: PlainSession) -> FigureFacts:
    """What the page's figures are drawn from."""
    days = session.query(
        "select sale_date, tickets, cast(gross_revenue_usd as double precision), orders "
        "from concert_dw.daily_sales_summary order by sale_date"
    )
    venues = session.query(
        "select name, coalesce(city, ''), coalesce(venue_type, ''), capacity, concerts_completed, tickets_sold, "
        "sell_through_share, cast(revenue_usd as double precision), popularity_score from concert_dw.venue_popularity "
        "order by popularity_score desc nulls last limit 10"
    )
    artists = session.query(
        "select name, coalesce(primary_genre, ''), concerts_completed, tickets_sold, sell_through_share, "
        "cast(revenue_usd as double precision) from concert_dw.artist_performance "
        "order by revenue_usd desc nulls last limit 10"
    )
    curve = session.query(
        "select datediff(day, cast(s.purchase_timestamp as date), cast(c.event_date as date)) as day, sum(s.quantity) "
        "from concert_dw.ticket_sales as s inner join concert_dw.concerts as c on c.concert_id = s.concert_id "
        "where c.status = 'completed' group by day order by day desc"
    )
    total, bought, points = sum(tickets for _, tickets in curve), 0, []
    for day, tickets in curve:
        bought += tickets
        points.append(CurvePoint(int(day), float(bought) / float(total)))
    return FigureFacts(
        [DaySales(day, int(tickets), float(usd), int(orders)) for day, tickets, usd, orders in days],
        [TopVenue(*row) for row in venues],
        [TopArtist(*row) for row in artists],
        points[::-1],
    )


if __name__ == "__main__":
    artists, venues, concerts, sales = (int(text) for text in sys.argv[2:6])
    run(Path(sys.argv[1]), SimulationSettings(artists, venues, concerts, sales, as_of=date(2026, 1, 1)))
    strayed = [
        name for name in sys.modules if name.split(".")[0] == "dagster" or name.startswith("concert_assets.defs")
    ]
    sys.exit(f"the baseline imported {', '.join(sorted(strayed)[:3])}" if strayed else 0)
