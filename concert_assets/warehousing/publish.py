"""Judging the candidate and publishing it: one transaction, which looks at what it publishes after it has the lock."""

from dataclasses import dataclass
from datetime import UTC, datetime

from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.identity import IDENTITY_MAP
from concert_assets.catalog.operational import CANDIDATE, LOAD_LEDGER, PUBLICATIONS, ROW_OUTCOMES
from concert_assets.resources.redshift.protocol import Session
from concert_assets.warehousing.audit import Verdict, audit, record
from concert_assets.warehousing.names import SCHEMA, candidate, create_table
from concert_assets.warehousing.resolve import resolve
from concert_assets.warehousing.staging import staged_position

PUBLISHED = (*(table.name for table in TABLES), LOAD_LEDGER.name, ROW_OUTCOMES.name, IDENTITY_MAP.name)


class NotPublishable(Exception):
    """The audit did not pass the candidate."""

    def __init__(self, message: str, verdict: Verdict) -> None:
        """``verdict`` says which rules are broken and which deliveries are at fault."""
        super().__init__(message)
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class Publication:
    """What the published tables reflect. ``is_new`` tells whether this call put them there."""

    number: int
    position: int
    fingerprint: str
    is_new: bool


class NothingStaged(Exception):
    """Resolve was asked for before anything was staged."""


def _staged(session: Session) -> tuple[int, str]:
    staged = staged_position(session)
    if staged is None:
        raise NothingStaged("nothing is staged yet; materialize staging first")
    return staged


def judge(session: Session, run_id: str) -> Verdict:
    """Resolve what is staged, audit it, and keep verdict and results; nothing published changes."""
    with session.transaction():
        return _judged(session, run_id, *_staged(session))


def _judged(session: Session, run_id: str, position: int, fingerprint: str) -> Verdict:
    verdict = audit(session, resolve(session))
    record(session, verdict, run_id, position)
    session.execute(f"drop table if exists {CANDIDATE.qualified}")
    session.execute(create_table(CANDIDATE.qualified, {c.name: c.type for c in CANDIDATE.columns}))
    session.insert_rows(
        CANDIDATE.qualified, CANDIDATE.column_names, [(position, fingerprint, verdict.is_passed, run_id)]
    )
    return verdict


def publication(session: Session) -> Publication | None:
    """The last publication, or None where nothing was published yet."""
    if not session.table_exists(PUBLICATIONS.qualified):
        return None
    rows = session.query(
        f"select number, position, fingerprint from {PUBLICATIONS.qualified} order by number desc limit 1"
    )
    return Publication(rows[0][0], rows[0][1], rows[0][2], is_new=False) if rows else None


def publish(session: Session, run_id: str) -> Publication:
    """Put the candidate in place of the published tables, all of them and the ledger at once.

    What is staged may have moved since the audit, through another run; then it is judged again first. A state that is
    published already, or one older than the published one, is left as it is. Raises NotPublishable where the audit
    did not pass the candidate, and keeps its verdict.
    """
    # All is read within the transaction, which other writers wait for: a candidate that was looked at before could be
    # replaced by one that the audit refused.
    with session.transaction():
        position, fingerprint = _staged(session)
        last = publication(session)
        if last is not None and (last.fingerprint == fingerprint or last.position > position):
            return last
        is_judged = _candidate_row(session) == (position, fingerprint, True)
        verdict = None if is_judged else _judged(session, run_id, position, fingerprint)
        number = (last.number if last else 0) + 1
        if verdict is None or verdict.is_passed:
            _replace(session, (number, position, fingerprint, run_id))
    if verdict is not None and not verdict.is_passed:
        broken = ", ".join(f"{r.table}.{r.rule}" for r in verdict.blocking)
        raise NotPublishable(f"the audit does not pass the state of log position {position}: {broken}", verdict)
    session.publication_made()
    return Publication(number, position, fingerprint, is_new=True)


def _replace(session: Session, made: tuple[int, int, str, str]) -> None:
    session.execute(create_table(PUBLICATIONS.qualified, {c.name: c.type for c in PUBLICATIONS.columns}))
    for name in PUBLISHED:
        session.replace_table(f"{SCHEMA}.{name}", candidate(name))
    session.execute(f"drop table if exists {CANDIDATE.qualified}")
    session.insert_rows(
        PUBLICATIONS.qualified, PUBLICATIONS.column_names, [(*made, datetime.now(UTC).replace(tzinfo=None))]
    )


def _candidate_row(session: Session) -> tuple[object, ...] | None:
    if not session.table_exists(CANDIDATE.qualified):
        return None
    rows = session.query(f"select position, fingerprint, is_passed from {CANDIDATE.qualified}")
    return rows[0] if rows else None
