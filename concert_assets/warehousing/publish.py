"""Judging the candidate and publishing it: one transaction, kept apart from others by comparing log positions."""

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
    """The audit did not pass the candidate, or another publication came first; then there is no verdict."""

    def __init__(self, message: str, verdict: Verdict | None = None) -> None:
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
        position, fingerprint = _staged(session)
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
    did not pass the candidate.
    """
    position, fingerprint = _staged(session)
    last = publication(session)
    if last is not None and (last.fingerprint == fingerprint or last.position > position):
        return last
    if _candidate_row(session) != (position, fingerprint, True):
        verdict = judge(session, run_id)
        if not verdict.is_passed:
            broken = ", ".join(f"{r.table}.{r.rule}" for r in verdict.blocking)
            raise NotPublishable(f"the audit does not pass the state of log position {position}: {broken}", verdict)
    number = (last.number if last else 0) + 1
    with session.transaction():
        session.execute(create_table(PUBLICATIONS.qualified, {c.name: c.type for c in PUBLICATIONS.columns}))
        # The compare-and-swap: of two publications that saw the same predecessor, the second fails here.
        ((newest,),) = session.query(f"select coalesce(max(number), 0) from {PUBLICATIONS.qualified}")
        if newest != number - 1:
            raise NotPublishable(f"publication {newest} was made meanwhile; run again")
        for name in PUBLISHED:
            session.replace_table(f"{SCHEMA}.{name}", candidate(name))
        session.execute(f"drop table if exists {CANDIDATE.qualified}")
        now = datetime.now(UTC).replace(tzinfo=None)
        session.insert_rows(
            PUBLICATIONS.qualified, PUBLICATIONS.column_names, [(number, position, fingerprint, run_id, now)]
        )
    session.publication_made()
    return Publication(number, position, fingerprint, is_new=True)


def _candidate_row(session: Session) -> tuple[object, ...] | None:
    if not session.table_exists(CANDIDATE.qualified):
        return None
    rows = session.query(f"select position, fingerprint, is_passed from {CANDIDATE.qualified}")
    return rows[0] if rows else None
