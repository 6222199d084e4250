"""What a report is made from: plain values that someone else reads from the event log, the warehouse and the models.

Nothing here computes. Mappings that stand for table rows use the column names of their table; instants are aware
datetimes (UTC); money is in USD; shares lie in 0-1 and scores in 0-100.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from concert_assets.reporting.mart_facts import MartFigures

RunStatus = Literal["success", "failure", "killed", "canceled", "running"]
StepStatus = Literal["success", "failure", "skipped", "running"]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step as the event log has it; a step that was running when its run was killed has no ``ended_at``.

    ``rows`` is the sum of the row counts that the step's materializations reported. ``metadata`` may hold
    ``skipped_reason``: the step ended well with zero rows because its part does not apply, and this says why.
    """

    key: str
    status: StepStatus
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str | None = None
    assets: tuple[str, ...] = ()
    rows: int | None = None
    metadata: Row = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """One asset check's result; ``severity`` is "error" or "warning" in any case of letters."""

    asset: str
    name: str
    passed: bool
    severity: str = "error"
    description: str | None = None
    metadata: Row = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run. ``planned_steps`` are the keys in the order of the plan; those without a StepFacts were never started.

    ``error`` is what went wrong outside any step, where something did. ``ended_at`` is None for a run that is going on
    or was killed.
    """

    run_id: str
    job_name: str
    status: RunStatus
    started_at: datetime | None
    ended_at: datetime | None = None
    deployment: str = "embedded"
    home: str = ""
    settings: Row = field(default_factory=dict)
    steps: tuple[StepFacts, ...] = ()
    checks: tuple[CheckFacts, ...] = ()
    planned_steps: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What the warehouse says of the rows; every part may be empty, as it is when a run dies before it.

    - ``ledger``: rows of ``load_ledger``, one per object, table and delivery.
    - ``quality``: this run's rows of ``quality_results``; a sample may be a list or JSON text of one.
    - ``outcomes``: dicts of table_name, outcome, rule, count: rows of ``row_outcomes`` counted.
    - ``table_counts``: "schema.table" → rows.
    - ``accepted``: table name → rows that curation accepted, from the manifests of the live deliveries.
    """

    ledger: Sequence[Row] = ()
    quality: Sequence[Row] = ()
    outcomes: Sequence[Row] = ()
    table_counts: Mapping[str, int] = field(default_factory=dict)
    accepted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model: its card as ``learning`` writes it (``TrainedModel.card``), or why there is none."""

    name: str
    version: str | None = None
    card: Row | None = None
    skipped_reason: str | None = None


@dataclass(frozen=True, slots=True)
class DaySales:
    """Sales of one day: orders, tickets, and revenue in USD."""

    day: date
    tickets: int
    revenue_usd: float
    orders: int | None = None


@dataclass(frozen=True, slots=True)
class TopVenue:
    """One venue of the head of ``mart/venue_popularity``, in the order to be shown."""

    name: str
    place: str = ""
    venue_type: str = ""
    capacity: int | None = None
    concerts: int | None = None
    tickets: int | None = None
    sell_through_share: float | None = None
    revenue_usd: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class TopArtist:
    """One artist of the head of ``mart/artist_performance``, in the order to be shown."""

    name: str
    genre: str = ""
    concerts: int | None = None
    tickets: int | None = None
    sell_through_share: float | None = None
    revenue_usd: float | None = None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Share of tickets bought at least ``days_before`` days before the show."""

    days_before: int
    cumulative_share: float


@dataclass(frozen=True, slots=True)
class FigureFacts:
    """What the page's figures on concerts and sales are drawn from; all parts are optional.

    ``skipped`` says why a part is empty: keys "daily_sales", "top_venues", "top_artists", "purchase_curve".
    """

    daily_sales: Sequence[DaySales] = ()
    top_venues: Sequence[TopVenue] = ()
    top_artists: Sequence[TopArtist] = ()
    purchase_curve: Sequence[CurvePoint] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    marts: MartFigures = field(default_factory=MartFigures)
