"""From a candidate to a verdict: leak check, reference for drift, comparison with the champion, storage, promotion."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from concert_assets.defs.model_objects import (
    InUse,
    LastDecision,
    check_promoted,
    in_use,
    judged_rows,
    last_decision,
    learned_position,
    load_version,
    note_decision,
    promote,
    retire,
    store_version,
)
from concert_assets.deliveries.log import DeliveryLog, settle
from concert_assets.resources.kms.local import Signing
from concert_assets.resources.s3.resource import S3

if TYPE_CHECKING:
    import pandas as pd

    from concert_assets.learning.leaks import Shift
    from concert_assets.learning.model import Candidate
    from concert_assets.learning.promotion import Champion
    from concert_assets.learning.settings import NotTrainable, TrainingSettings


def request_of(name: str, rows: "pd.DataFrame", as_of: date, settings: "TrainingSettings") -> str:
    """What stands for all that a training depends on: rows in whatever order, day, settings, code and libraries."""
    import pandas as pd

    from concert_assets.learning.model import model_version

    hashes = pd.util.hash_pandas_object(rows.reindex(columns=sorted(rows.columns)), index=False)
    total = int(hashes.to_numpy().sum(dtype="uint64"))  # a sum, since the engine does not keep the order of rows
    identity = {"rows": len(rows), "sum": f"{total:x}", "as_of": as_of.isoformat(), "settings": settings.to_dict()}
    return model_version(name, identity)


def known_decision(s3: S3, signing: Signing, name: str, request: str) -> LastDecision | None:
    """The last decision, where it was about the same request and the version it is about is there as it was stored."""
    from concert_assets.learning.persistence import ModelRefused

    last = last_decision(s3, name)
    if last is None or last.request != request:
        return None
    used = in_use(s3, name)
    if used is not None and used.is_damaged:
        return None
    if last.is_promoted and (used is None or used.version != last.version):
        return None
    try:
        for version in {last.version, used.version if used else ""} - {""}:
            load_version(s3, signing, name, version)
            judged_rows(s3, name, version)
    except ModelRefused:
        return None
    return last


def judge(
    s3: S3,
    signing: Signing,
    candidate: "Candidate",
    rows: "pd.DataFrame",
    *,
    as_of: date,
    reach: date,
    shift: "Shift | None",
    position: int,
    request: str,
) -> LastDecision:
    """Check a candidate for leaks, compare it with the champion, store it, and put it in use where it earned that."""
    from concert_assets.learning.known import drift_reference, leaks_of
    from concert_assets.learning.promotion import decide

    model, name = candidate.model, candidate.model.name
    leaks = leaks_of(model, rows, as_of, shift)
    used = in_use(s3, name)
    champion = _champion(s3, signing, used, rows, candidate.judged, model.version)
    decision = decide(candidate.judged, as_of=as_of, reach=reach, leaks=leaks.reasons, champion=champion)
    card = model.card | {
        "leaks": leaks.to_dict(),
        "promotion": decision.to_dict(),
        "reference_bins": drift_reference(model, rows, as_of),
    }
    model = replace(model, card=card)
    store_version(s3, signing, replace(candidate, model=model), position)
    if decision.is_promoted:
        promote(s3, model, used)
    elif not decision.is_champion_kept:
        retire(s3, name, as_of.isoformat(), f"version {model.version} was not promoted: {decision.reasons[0]}", used)
    last = LastDecision(
        name, request, model.version, as_of.isoformat(), decision.is_promoted, list(decision.reasons), position,
        _now(), leaks.to_dict(), decision.figures,
    )  # fmt: skip
    note_decision(s3, last)
    return last


def note_untrainable(
    s3: S3, outcome: "NotTrainable", *, as_of: date | None, position: int, request: str
) -> LastDecision:
    """Keep why nothing could be trained; a champion of data that are published stays in use."""
    from concert_assets.learning.promotion import is_beyond

    name, day = outcome.model, as_of.isoformat() if as_of else ""
    used = in_use(s3, name)
    is_fit = (
        used is not None
        and used.version != ""
        and as_of is not None
        and not is_beyond(date.fromisoformat(used.as_of), as_of)
        and not _withdrawn(s3, name, used.version)
    )
    is_damaged = used is not None and used.is_damaged  # it cannot be told what there is to retire
    if not (is_fit or is_damaged):
        retire(s3, name, day, outcome.reason, used)
    last = LastDecision(name, request, "", day, False, [outcome.reason], position, _now())
    note_decision(s3, last)
    return last


def _champion(
    s3: S3, signing: Signing, used: InUse | None, rows: "pd.DataFrame", judged: "pd.DataFrame", challenger: str
) -> "Champion | None":
    """What is in use beside the challenger, with its predictions of the judged rows, or why it has none."""
    from concert_assets.learning.known import predicted
    from concert_assets.learning.persistence import ModelOutdated, ModelRefused
    from concert_assets.learning.promotion import Champion

    if used is not None and used.is_damaged:
        return Champion("the one in use", date.min, date.min, obstacle=used.skipped_reason, is_damaged=True)
    # The same version again, after a process died between pointer and decision or with more concerts to forecast, is
    # no rival of itself: it is judged as it was the first time.
    if used is None or used.version in ("", challenger):
        return None
    champion = Champion(used.version, date.min, date.min)
    try:
        model = load_version(s3, signing, used.name, used.version)
        check_promoted(model)
        # What the signed card says: the pointer's copy is not signed.
        champion = replace(
            champion,
            as_of=date.fromisoformat(model.card["as_of"]),
            trained_until=date.fromisoformat(model.card["samples"]["train"]["last_target_day"]),
            unfit=_withdrawn(s3, used.name, used.version),
        )
        return replace(champion, predicted=predicted(model, rows, judged))
    except ModelOutdated as error:
        return replace(champion, obstacle=str(error))
    except ModelRefused as error:
        return replace(champion, obstacle=str(error), is_damaged=True)
    except (KeyError, ValueError) as error:
        return replace(champion, obstacle=f"it needs other features: {error}")


def _withdrawn(s3: S3, name: str, version: str) -> str:
    """Of what a version learned from, the deliveries that were retracted or are held since; empty where there is none.

    A delivery that a newer one replaced was not wrong for that. The position is that of the version's manifest, which
    is signed with the model; where it cannot be read the version is refused elsewhere.
    """
    position = learned_position(s3, name, version)
    entries = DeliveryLog(s3.store, s3.raw_bucket).entries()
    then = {item.sequence for item in settle(e for e in entries if e.sequence <= position) if item.state == "live"}
    gone = [item.name for item in settle(entries) if item.sequence in then and item.state in ("retracted", "held")]
    return f"it learned from {', '.join(sorted(gone))}, retracted or held since" if gone else ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
