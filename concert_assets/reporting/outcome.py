"""How the run went: steps, the verdict in one line, and where, why and what next for a run that did not end well."""

from datetime import UTC, datetime
from typing import Any

from concert_assets.reporting.facts import CheckFacts, RunFacts, StepFacts
from concert_assets.reporting.plain import instant, plain, shortened

Report = dict[str, Any]
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)
ENDED_BADLY = ("failure", "killed", "canceled")


def duration(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from start to end, to the millisecond, or None while one of them is unknown."""
    return None if start is None or end is None else round((end - start).total_seconds(), 3)


def last_sign(run: RunFacts) -> datetime | None:
    """The end of the run, or the last instant at which it is known to have been alive."""
    instants = [moment for step in run.steps for moment in (step.started_at, step.ended_at) if moment]
    return run.ended_at or max((*instants, *([run.started_at] if run.started_at else [])), default=None)


def steps_report(run: RunFacts) -> list[Report]:
    """Every step in the order in which it started, then the planned ones that never did."""
    started = sorted(run.steps, key=lambda step: (step.started_at or _NEVER, step.key))
    known = {step.key for step in run.steps}
    never = [StepFacts(key, "skipped") for key in run.planned_steps if key not in known]
    return [_step(step, _status(step, run)) for step in started] + [_step(step, "not_started") for step in never]


def skipped_report(run: RunFacts) -> list[Report]:
    """The parts that did not apply, with the reason that their step stated."""
    reasons = ((step, step.metadata.get("skipped_reason")) for step in run.steps)
    return [
        {"step": step.key, "assets": list(step.assets), "reason": str(reason)} for step, reason in reasons if reason
    ]


def failure_report(run: RunFacts) -> Report | None:
    """Where and why the run ended badly and what to do next; None for a run that did not."""
    if run.status not in ENDED_BADLY:
        return None
    step = _culprit(run)
    blocking = [] if run.status != "failure" else [check for check in run.checks if _blocks(check)]
    finished = [item for item in run.steps if item.status == "success" and item.ended_at]
    last = max(finished, key=lambda item: (item.ended_at, item.started_at), default=None)
    return {
        "kind": run.status,
        "step": step.key if step else None,
        "assets": list(step.assets) if step else [],
        "error": shortened((step.error if step else None) or run.error),
        "last_finished_step": last.key if last else None,
        "last_sign_of_life": plain(last_sign(run)),
        "failed_checks": [{"asset": check.asset, "name": check.name} for check in blocking],
        "next": _advice(run, blocking),
    }


def verdict(run: RunFacts, failure: Report | None, rows: Report) -> Report:
    """The verdict: a level ("good", "attention", "bad" or "running") and one sentence."""
    if failure is not None:
        verb = {"failure": "failed", "killed": "was killed", "canceled": "was canceled"}[run.status]
        return {"level": "bad", "text": f"The run {verb} {_where(failure)}."}
    if run.status == "running":
        return {"level": "running", "text": "The run is going on; this report shows what it has done so far."}
    totals, tables = rows["totals"], rows["tables"]
    if not tables:
        return {"level": "good", "text": "The run succeeded; no delivery is in the ledger."}
    if not totals["is_balanced"]:
        text = f"The run succeeded, but {abs(totals['unaccounted']):,} rows have no outcome of their own."
        return {"level": "bad", "text": text}
    held = [item for item in rows["deliveries"] if item["state"] == "held"]
    if held:
        names = ", ".join(str(item["delivery"]) for item in held)
        noun, verb = ("delivery", "is") if len(held) == 1 else ("deliveries", "are")
        return {"level": "attention", "text": f"The run succeeded; {len(held)} {noun} {verb} held: {names}."}
    return {
        "level": "good",
        "text": f"{totals['published']:,} of {totals['delivered']:,} delivered rows are published.",
    }


def run_report(run: RunFacts) -> Report:
    """The run itself; without an end its duration counts to the last sign of life."""
    return {
        "id": run.run_id,
        "job": run.job_name,
        "status": run.status,
        "start": plain(run.started_at),
        "end": plain(run.ended_at),
        "duration_seconds": duration(run.started_at, last_sign(run)),
        "deployment": run.deployment,
        "home": run.home,
    }


def check_report(check: CheckFacts) -> Report:
    """One asset check's result."""
    return {
        "asset": check.asset,
        "name": check.name,
        "is_passed": check.passed,
        "severity": check.severity.lower(),
        "description": check.description,
    }


def _step(step: StepFacts, status: str) -> Report:
    return {
        "key": step.key,
        "status": status,
        "start": instant(step.started_at) if step.started_at else None,
        "end": instant(step.ended_at) if step.ended_at else None,
        "duration_seconds": duration(step.started_at, step.ended_at),
        "assets": list(step.assets),
        "rows": step.rows,
        "skipped_reason": plain(step.metadata.get("skipped_reason")),
        "error": shortened(step.error),
    }


def _status(step: StepFacts, run: RunFacts) -> str:
    """A step still running in a run that is over was interrupted, whatever its last event said."""
    return "interrupted" if step.status == "running" and run.status != "running" else step.status


def _culprit(run: RunFacts) -> StepFacts | None:
    """The step that ended the run: the first to fail, or the last one caught in the middle."""
    failed = [step for step in run.steps if step.status == "failure"]
    caught = [step for step in run.steps if step.status == "running"]
    moment = last_sign(run)
    if failed:
        return min(failed, key=lambda step: step.ended_at or step.started_at or moment or _LONG_AGO)
    return max(caught, key=lambda step: step.started_at or _LONG_AGO) if caught else None


def _blocks(check: CheckFacts) -> bool:
    return not check.passed and check.severity.lower() == "error"


def _where(failure: Report) -> str:
    if failure["step"]:
        return f"{'at' if failure['kind'] == 'failure' else 'during'} step {failure['step']}"
    if failure["last_finished_step"]:
        return f"after step {failure['last_finished_step']}"
    return "before its first step" if failure["kind"] != "failure" else "outside any step"


def _advice(run: RunFacts, blocking: list[CheckFacts]) -> list[str]:
    """What to do next, in the order of doing it."""
    again = f"Run {run.job_name} again: it takes up from the delivery log, with nothing to clean up by hand."
    unchanged = "The published tables are as the last complete publish left them."
    if run.status != "failure":
        return [f"{unchanged} Nothing half-done is visible.", again]
    if blocking:
        return [
            f"{unchanged} {len(blocking)} blocking {'check' if len(blocking) == 1 else 'checks'} found rows that must "
            "not be published; the failing rules below show a sample.",
            "See which delivery is held and why with `concert-assets status`.",
            "Deliver a corrected version under the same name, or end the hold with `concert-assets release` or "
            "`concert-assets retract`.",
        ]
    return ["Read the error above and remove its cause.", again, "The whole log of the step is in the web interface."]
