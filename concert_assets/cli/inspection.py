"""The subcommands that look without changing anything: ``validate`` and ``status``."""

import json
import os
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any

from concert_assets import deployment as deployments
from concert_assets.cli.runs import delivery_log, inbox, shown
from concert_assets.deliveries.log import position_of
from concert_assets.deployment import Deployment

_NEEDED = ("dagster", "dagster-aws", "dagster-webserver", "duckdb", "pandas", "pyarrow", "scikit-learn", "sqlglot")


def validate(deployment: Deployment, options: Any) -> int:
    """Check everything that a run depends on; 1 where something is wrong, with the reason."""
    checks: list[tuple[str, Callable[[Deployment], str]]] = [
        ("set-up", _check_packages),
        ("settings", _check_settings),
        ("definitions", _check_definitions),
        ("home", _check_home),
        ("delivery log", _check_log),
        ("warehouse", _check_warehouse),
    ]
    failed = 0
    for name, check in checks:
        try:
            mark, text = "ok", check(deployment)
        except Exception as error:  # whatever is wrong is what was asked for
            mark, text = "FAILED", " ".join(str(error).split()) or type(error).__name__
            failed += 1
        print(f"{mark:<7}{name:<14}{text}")
    return 1 if failed else 0


def _check_packages(_: Deployment) -> str:
    versions = {name: metadata.version(name) for name in _NEEDED}
    return f"Python {sys.version.split()[0]}, dagster {versions['dagster']}, duckdb {versions['duckdb']}"


def _check_settings(deployment: Deployment) -> str:
    buckets = f"{deployment.raw_bucket}, {deployment.processed_bucket}"
    return f"{deployment.name}; buckets {buckets}; memory limit {deployment.memory_limit}"


def _check_definitions(deployment: Deployment) -> str:
    import dagster as dg

    from concert_assets.definitions import build_definitions

    definitions = build_definitions(deployment)
    dg.Definitions.validate_loadable(definitions)
    graph = definitions.resolve_asset_graph()
    return f"{len(graph.get_all_asset_keys())} assets, {len(list(definitions.jobs or ()))} jobs"


def _check_home(deployment: Deployment) -> str:
    deployments.check_home(deployment)
    home = deployment.home
    if not home.exists():
        return f"{shown(home)} is not there yet; demo or ingest makes it"
    if not os.access(home, os.W_OK | os.X_OK):
        raise PermissionError(f"{shown(home)} cannot be written to")
    return f"{shown(home)}, format {deployments.HOME_FORMAT}"


def _check_log(deployment: Deployment) -> str:
    log = delivery_log(deployment)
    deliveries = log.deliveries()
    missing = [
        item.key
        for delivery in deliveries
        if delivery.state in ("live", "held")
        for item in delivery.entry.objects
        if (info := log.store.head(log.bucket, item.key)) is None or info.size_bytes != item.size_bytes
    ]
    held = [item for item in deliveries if item.state == "held"]
    if missing:
        # What was curated stays published; only curating it anew needs the raw object.
        return f"{len(deliveries)} deliveries; {len(missing)} raw objects are gone or changed, such as {missing[0]}"
    return f"{len(deliveries)} deliveries, {len(held)} held"


def _check_warehouse(deployment: Deployment) -> str:
    from concert_assets.definitions import build_resources
    from concert_assets.warehousing.publish import publication

    redshift = build_resources(deployment)["redshift"]
    if not redshift.is_begun():
        return "nothing is published yet"
    with redshift.session() as session:
        last = publication(session)
    if last is None:
        return "nothing is published yet"
    entries = delivery_log(deployment).entries()
    position = position_of(entries)
    behind = f", {position - last.position} log entries behind" if position > last.position else ""
    return f"publication {last.number} at log position {last.position}{behind}"


def status(deployment: Deployment, options: Any) -> int:
    """Tell what is loaded, the last run and the quality score."""
    deployments.check_home(deployment)
    told = _gather(deployment)
    if options.json:
        print(json.dumps(told, ensure_ascii=False, indent=2, default=str))
        return 0
    print(f"home {told['home']} · {told['deployment']}")
    waiting = told["inbox"]
    if waiting["ready"] or waiting["settling"]:
        print(f"inbox: {waiting['ready']:,} objects to be taken in, {waiting['settling']:,} still changing")
    if not told["deliveries"]:
        print("nothing is delivered yet; run demo or ingest")
        return 0
    print("\ndelivery                          number  state      rows in  published  refused  pending     held")
    for item in told["deliveries"]:
        print(
            f"{item['name'][:32]:<34}{item['number']:>6}  {item['state']:<9}{item['rows_in']:>9,}"
            f"{item['published']:>11,}{item['rejected']:>9,}{item['pending']:>9,}{item['held']:>9,}"
        )
        if item["reason"]:
            print(f"    {item['reason']}")
            print(f"    concert-assets release {item['number']} lets it pass, retract {item['number']} drops it")
    print("\ntable                                        rows")
    for name, rows in told["tables"].items():
        print(f"{name:<36}{rows:>13,}")
    if told["quality_score"] is not None:
        print(f"\nquality score {told['quality_score']:.1f} of 100")
    last = told["last_run"]
    if last:
        print(f"last run {last['id'][:8]} · {last['job']} · {last['status']} · {last['start'] or ''}")
    return 0


def _gather(deployment: Deployment) -> dict[str, Any]:
    from concert_assets.catalog.operational import LOAD_LEDGER
    from concert_assets.definitions import build_resources
    from concert_assets.defs.warehouse_facts import quality_rows, table_counts
    from concert_assets.warehousing.audit_rules import ALL_TABLES, FAULTLESS

    outcomes = ("rows_in", "published", "rejected", "duplicate", "superseded", "pending", "held")
    counts: dict[int, tuple[int, ...]] = {}
    tables: dict[str, int] = {}
    score = None
    redshift = build_resources(deployment)["redshift"]
    if redshift.is_begun():
        with redshift.session() as session:
            if session.table_exists(LOAD_LEDGER.qualified):
                sums = ", ".join(
                    f"sum({name})" for name in ("rows_in", *(f"rows_{outcome}" for outcome in outcomes[1:]))
                )
                for sequence, *values in session.query(
                    f"select sequence, {sums} from {LOAD_LEDGER.qualified} group by sequence"
                ):
                    counts[int(sequence)] = tuple(int(value or 0) for value in values)
            tables = table_counts(session)
            score = next(
                (
                    row["score"]
                    for row in quality_rows(session)
                    if (row["table_name"], row["rule"]) == (ALL_TABLES, FAULTLESS)
                ),
                None,
            )
    arrivals = inbox(deployment).arrivals()
    return {
        "home": shown(deployment.home),
        "deployment": deployment.name,
        "inbox": {"ready": arrivals.objects, "settling": len(arrivals.settling)},
        "deliveries": [
            {
                "name": item.name,
                "number": item.sequence,
                "state": item.state,
                "reason": item.reason,
                "objects": len(item.entry.objects),
                "delivered_at": item.entry.recorded_at,
                **dict(zip(outcomes, counts.get(item.sequence, (0,) * len(outcomes)), strict=True)),
            }
            for item in delivery_log(deployment).deliveries()
        ],
        "tables": tables,
        "quality_score": score,
        "last_run": _last_run(deployment),
    }


def _last_run(deployment: Deployment) -> dict[str, Any] | None:
    if not (deployment.home / "format.json").exists():
        return None
    from datetime import UTC, datetime

    import dagster as dg

    with dg.DagsterInstance.from_config(str(deployment.dagster_home)) as instance:
        records = instance.get_run_records(limit=1)
    if not records:
        return None
    run, start = records[0].dagster_run, records[0].start_time
    return {
        "id": run.run_id,
        "job": run.job_name,
        "status": run.status.value.lower(),
        "start": datetime.fromtimestamp(start, UTC).isoformat(timespec="seconds") if start else None,
    }
