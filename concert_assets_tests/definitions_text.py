"""The graph as text that a reviewer reads: assets by step, their deps and checks, jobs, schedules and sensors.

``python -m concert_assets_tests.definitions_text`` writes it to the snapshot that ``test_definitions`` compares with.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg

HOUR = timedelta(hours=1)
SNAPSHOT = Path(__file__).parent / "snapshots" / "definitions.txt"


def listed(words: Any) -> str:
    """Names in order, or a dash."""
    return ", ".join(sorted(words)) or "-"


def shortened(keys: set[str], every: set[str]) -> str:
    """Keys in order, where all of a stage are among them as ``stage/*``."""
    words = set(keys)
    for stage in {key.partition("/")[0] for key in keys}:
        whole = {key for key in every if key.startswith(f"{stage}/")}
        if whole <= keys:
            words = words - whole | {f"{stage}/*"}
    return listed(words)


def _assets(definitions: dg.Definitions, every: set[str]) -> Iterator[str]:
    for asset in definitions.assets or ():
        assert isinstance(asset, dg.AssetsDefinition)
        yield f"step {asset.node_def.name}" + ("" if asset.can_subset else ", whole or not at all")
        for spec in sorted(asset.specs, key=lambda item: item.key):
            owners, kinds = listed(spec.owners), listed(spec.kinds)
            yield f"  {spec.key.to_user_string()} · group {spec.group_name} · {owners} · {kinds}"
            yield f"    from {shortened({dep.asset_key.to_user_string() for dep in spec.deps}, every)}"
            if spec.automation_condition is not None:
                yield f"    {spec.automation_condition.get_label()}"
            if spec.freshness_policy is not None:
                policy: Any = spec.freshness_policy
                warn, fail = policy.warn_window.to_timedelta(), policy.fail_window.to_timedelta()
                yield f"    not fresh after {warn / HOUR:.0f} hours, stale after {fail / HOUR:.0f}"
            checks = [check for check in asset.check_specs if check.asset_key == spec.key]
            if checks:
                for blocking, word in ((True, "blocking"), (False, "warning")):
                    names = [check.name for check in checks if check.blocking is blocking]
                    if names:
                        yield f"    {word} checks {listed(names)}"


def definitions_text(definitions: dg.Definitions) -> str:
    """All definitions, a line a fact."""
    every = {key.to_user_string() for key in definitions.resolve_all_asset_keys()}
    lines = list(_assets(definitions, every))
    resolved = definitions.get_repository_def()
    for job in definitions.jobs or ():
        found = {key.to_user_string() for key in resolved.get_job(job.name).asset_layer.executable_asset_keys}
        lines.append(f"job {job.name} · {'every asset' if found == every else shortened(found, every)}")
    for schedule in definitions.schedules or ():
        assert isinstance(schedule, dg.ScheduleDefinition)
        when = f"{schedule.cron_schedule} {schedule.execution_timezone}"
        lines.append(f"schedule {schedule.name} · {when} · {schedule.job_name} · {schedule.default_status.value}")
    for sensor in definitions.sensors or ():
        lines.append(f"sensor {sensor.name} · {type(sensor).__name__} · {sensor.default_status.value}")
    lines.append(f"resources {listed(definitions.resources or ())}")
    lines.append(f"executor {getattr(definitions.executor, 'name', '-')}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from concert_assets.definitions import defs

    SNAPSHOT.parent.mkdir(exist_ok=True)
    SNAPSHOT.write_text(definitions_text(defs), encoding="utf-8")
