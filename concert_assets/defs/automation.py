"""Automation: what lies downstream of the published tables follows their content, not the runs that looked at them."""

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

_DATA_VERSION = "dagster/data_version"
_INPUT_VERSION = "dagster/input_data_version/"


class InputsChanged(dg.AutomationCondition[dg.AssetKey]):
    """True while an asset is not made from its inputs as they are now, told by their data versions.

    Dagster's own ``data_version_changed`` looks at what happened since the last tick. It asks for an asset again that
    the same run has just made, and forgets a change where asset and input were made in the same tick, whichever came
    first. This looks at the state alone: the versions noted when the asset was made against the newest ones.
    """

    @property
    def description(self) -> str:
        """What people read in the evaluation."""
        return "An input has another data version than when this was made"

    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:  # type: ignore[type-arg]
        """The asset, where that is so; it is also where it was never made and an input was."""
        parents = context.asset_graph.get(context.key).parent_keys
        tags = _tags(context.asset_graph_view.instance, [context.key, *parents])
        made = tags.pop(context.key, {})
        is_changed = any(
            made.get(_INPUT_VERSION + key.to_user_string()) != found.get(_DATA_VERSION) for key, found in tags.items()
        )
        subset = context.candidate_subset if is_changed else context.get_empty_subset()
        return dg.AutomationResult(context, subset)


def _tags(instance: dg.DagsterInstance, keys: list[dg.AssetKey]) -> dict[dg.AssetKey, Mapping[str, Any]]:
    """The tags of the last materialization of each of these assets that was made."""
    tags = {}
    for record in instance.get_asset_records(keys):
        last = record.asset_entry.last_materialization
        if last is not None and last.asset_materialization is not None:
            tags[record.asset_entry.asset_key] = last.asset_materialization.tags or {}
    return tags


_Condition = dg.AutomationCondition

# What failed is tried again when an input was made anew, not at every tick.
_may_succeed = (
    ~_Condition.execution_failed() | _Condition.any_deps_updated().since(_Condition.newly_requested())
).with_label("not failed since its inputs were made")

WITH_ITS_INPUTS = (
    (InputsChanged() | _Condition.any_deps_match(_Condition.will_be_requested()))
    & ~_Condition.in_progress()
    & _may_succeed
    & _Condition.all_deps_blocking_checks_passed()
).with_label("made anew when its inputs have changed")

with warnings.catch_warnings():
    # Dagster calls the evaluation of one's own conditions beta; its version is pinned.
    warnings.simplefilter("ignore", dg.BetaWarning)
    tables_changed = dg.AutomationConditionSensorDefinition(
        name="tables_changed",
        target=dg.AssetSelection.groups("mart", "prediction", "report"),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=10,
        use_user_code_server=True,
        description="Make marts, predictions and reports anew when the content of a published table has changed.",
    )
