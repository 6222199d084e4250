"""The audit: what came and what is about to be published, held against every rule of the catalog.

Two scopes. ``delivered`` counts the rows that came and broke a rule; they were refused, so it warns. ``candidate``
looks at what would be published; there an error blocks, and the delivery that brought the failure is held.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.identity import MERGED
from concert_assets.catalog.operational import QUALITY_RESULTS
from concert_assets.resources.redshift.protocol import Session
from concert_assets.warehousing.audit_deliveries import (
    conservation,
    objects_readable,
    oversold,
    published_rows_kept,
    refused_share,
    row_count,
)
from concert_assets.warehousing.audit_identities import aliases_in_effect, merges_lead_to_published
from concert_assets.warehousing.audit_rules import Result, about_to_be_published, delivered, overall
from concert_assets.warehousing.identity.merging import IdleAlias
from concert_assets.warehousing.names import create_table


@dataclass(frozen=True, slots=True)
class Verdict:
    """All results, whether the candidate may be published, and the deliveries to hold with the reason."""

    results: tuple[Result, ...]
    holds: dict[int, str]

    @property
    def is_passed(self) -> bool:
        """Whether no rule of error severity is broken."""
        return not self.blocking

    @property
    def blocking(self) -> tuple[Result, ...]:
        """The broken rules of error severity."""
        return tuple(r for r in self.results if r.severity == "error" and not r.is_passed)


def audit(session: Session, idle: Sequence[IdleAlias]) -> Verdict:
    """Hold the candidate that resolve has just made, and the aliases that it found no use for, against the rules."""
    results: list[Result] = []
    for table in TABLES:
        results.append(row_count(session, table))
        results += delivered(session, table)
        results += about_to_be_published(session, table)
        results.append(conservation(session, table))
        results.append(refused_share(session, table))
        results.append(objects_readable(session, table))
        results.append(published_rows_kept(session, table))
        if table.name in MERGED:
            results.append(merges_lead_to_published(session, table))
    results.append(aliases_in_effect(session, idle))
    results.append(oversold(session))
    results.append(overall(results))
    holds: dict[int, str] = {}
    for position, result in enumerate(results):
        if result.severity == "warning" or result.is_passed:
            continue
        for sequence in result.culprits:
            holds.setdefault(sequence, f"{result.table}: {result.description}; found {result.failing_rows:,} failing")
        if result.is_accepted:
            results[position] = replace(result, severity="warning")  # it stays in sight and does not block
    return Verdict(tuple(results), holds)


def record(session: Session, verdict: Verdict, run_id: str, position: int) -> None:
    """Add the results to ``quality_results``, whose history is kept; those of the same run are replaced."""
    session.execute(create_table(QUALITY_RESULTS.qualified, {c.name: c.type for c in QUALITY_RESULTS.columns}))
    session.execute(f"delete from {QUALITY_RESULTS.qualified} where run_id = :run_id", {"run_id": run_id})
    now = datetime.now(UTC).replace(tzinfo=None)
    session.insert_rows(
        QUALITY_RESULTS.qualified,
        QUALITY_RESULTS.column_names,
        [
            (
                run_id,
                r.table,
                r.rule,
                r.category,
                r.scope,
                r.severity,
                r.failing_rows,
                r.total_rows,
                r.is_passed,
                r.score,
                json.dumps([text[:700] for text in r.sample], ensure_ascii=False),
                r.description,
                position,
                now,
            )
            for r in verdict.results
        ],
    )
