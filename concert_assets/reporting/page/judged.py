"""How a model was judged: by horizon and segment, in backtests, and why it is in use or the last one is not."""

from collections.abc import Mapping, Sequence
from typing import Any

from concert_assets.reporting.page import show
from concert_assets.reporting.page.markup import Html, el
from concert_assets.reporting.page.tables import Col, folded, table

Row = Mapping[str, Any]
_LEVELS = ("50", "90")


def judged(model: Row) -> list[Html]:
    """The parts that the model's entry holds."""
    parts = [
        _decision(model["promotion"], model["last_decision"], model["version"]),
        _horizons(model["horizons"]),
        _folded(model["segments"], model["backtest"]),
    ]
    return [part for part in parts if part is not None]


def _decision(promotion: Row, last: Row, version: str | None) -> Html | None:
    told = []
    if promotion:
        told.append(f"In use, since it is {'; '.join(map(str, promotion.get('reasons') or ()))}.")
    if last and last.get("version") != version:
        reasons = "; ".join(map(str, last.get("reasons") or ()))
        tried = f"version {last['version']}" if last.get("version") else "what came last"
        told.append(f"It stays: {tried} was not promoted. {reasons}.")
    return el("p", " ".join(told), class_="hint") if told else None


def _horizons(horizons: Sequence[Row]) -> Html | None:
    if len(horizons) < 2:
        return None
    body = []
    for item in horizons:
        naive = [found.get("mae") for found in (item.get("baselines") or {}).values()]
        best = min((value for value in naive if value is not None), default=None)
        metrics, covered = item.get("metrics") or {}, item.get("coverage") or {}
        body.append(
            [
                str(item.get("horizon")), show.count(item.get("rows")), _figure(metrics.get("mae")), _figure(best),
                show.decimal(metrics.get("r2"), 3), *(show.share(covered.get(level)) for level in _LEVELS),
            ]
        )  # fmt: skip
    columns = [
        Col("Days before"), Col("Rows", "num minor"), Col("MAE", "num"), Col("MAE, best naive", "num"),
        Col("R²", "num"), Col("In 50 %", "num minor"), Col("In 90 %", "num minor"),
    ]  # fmt: skip
    return table("Errors on the test rows by days before the show", columns, body)


def _folded(segments: Sequence[Row], backtest: Sequence[Row]) -> Html | None:
    tables = []
    if segments:
        body = [
            [show.words(item.get("segment")), show.count(item.get("rows"))]
            + [show.share((item.get("coverage") or {}).get(level)) for level in _LEVELS]
            for item in segments
        ]
        columns = [Col("Segment"), Col("Rows", "num"), Col("In 50 %", "num"), Col("In 90 %", "num")]
        tables.append(table("Share of outcomes within the intervals by segment", columns, body))
    if backtest:
        body = [
            [
                show.day(item.get("origin")), show.count(item.get("rows")), _figure(item.get("mae")),
                _figure(item.get("best_baseline_mae")), show.decimal(item.get("r2"), 3),
            ]
            for item in backtest
        ]  # fmt: skip
        columns = [Col("Trained up to"), Col("Rows", "num"), Col("MAE", "num"), Col("MAE, best naive", "num")]
        tables.append(table("Backtest: judged on what followed", [*columns, Col("R²", "num")], body))
    return folded("Intervals by segment, and backtest", *tables) if tables else None


def _figure(value: Any) -> str:
    return show.decimal(value, 0 if isinstance(value, (int, float)) and abs(value) >= 100 else 2)
