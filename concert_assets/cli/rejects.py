"""The subcommand ``rejects``: which rows are not published and why, for people, for programs, and as files to mend."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from concert_assets import deployment as deployments
from concert_assets.cli.errors import WrongOption
from concert_assets.cli.mending import export
from concert_assets.cli.outcomes import Outcome, gather
from concert_assets.cli.runs import shown
from concert_assets.deployment import Deployment

_WIDEST = 40


def rejects(deployment: Deployment, options: Any) -> int:
    """Tell which rows are not published and why, or write them into files that can be mended and delivered."""
    if options.limit < 0:
        raise WrongOption(f"--limit: {options.limit} is not allowed; it must be 0 or more")
    deployments.check_home(deployment)
    found = gather(deployment, options)
    outcomes = found.outcomes
    if options.export is not None:
        return export(deployment, outcomes, Path(options.export))
    listed = outcomes[: options.limit]
    counts = Counter((item.table, item.rule, item.column) for item in outcomes)
    by_rule = [
        {"table": table, "rule": rule, "column": column, "rows": rows}
        for (table, rule, column), rows in sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0]))
    ]
    if options.json:
        told = {
            "home": shown(deployment.home),
            "is_published": found.is_published,
            "outcome": options.outcome,
            "rows_found": len(outcomes),
            "rows_mended": sum(item.is_mended for item in outcomes),
            "by_rule": by_rule,
            "rows": [item.told() for item in listed],
            "refused_objects": found.refused,
        }
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return 0
    if not found.is_published:
        print("as the last run judged them; it has not published")
    _print_counts(options.outcome, outcomes, by_rule)
    _print_rows(listed, len(outcomes))
    for item in found.refused:
        print(f"refused as a whole: {item['key']} of {item['delivery']}: {item['reason']}")
    return 0


def _print_counts(outcome: str, outcomes: Sequence[Outcome], by_rule: Sequence[Mapping[str, Any]]) -> None:
    mended = sum(item.is_mended for item in outcomes)
    since = f", {mended:,} of them published since through a later delivery" if mended else ""
    print(f"{len(outcomes):,} {outcome} rows{since}")
    if not by_rule:
        return
    print(f"\n{'table':<14}{'rule':<32}{'column':<20}{'rows':>10}")
    for line in by_rule:
        print(f"{line['table']:<14}{line['rule']:<32}{line['column']:<20}{line['rows']:>10,}")


def _print_rows(listed: Sequence[Outcome], found: int) -> None:
    if listed:
        print(f"\n{'table':<14}{'delivery':<28}{'row':>9}  {'rule':<28}value")
    for item in listed:
        print(f"{item.table:<14}{_cut(item.delivery, 26):<28}{item.row:>9,}  {item.rule:<28}{_value(item)}")
        print(f"    {_plain(item.reason)}{'; mended since' if item.is_mended else ''}")
    if len(listed) < found:
        print(f"\n{found - len(listed):,} more; --limit lists more of them, --export writes all into files")


def _value(item: Outcome) -> str:
    if not item.column:
        return ""
    return f"{item.column} = {'(none)' if item.value is None else _cut(item.value, _WIDEST)}"


def _cut(text: str, width: int) -> str:
    plain = _plain(text)
    return plain if len(plain) <= width else plain[: width - 1] + "…"


def _plain(text: str) -> str:
    """The text on one line; what a terminal would obey instead of showing is written as an escape."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
