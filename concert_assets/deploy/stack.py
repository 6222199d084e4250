"""A stack of CloudFormation: planned and changed by change sets, removed, and every wait with an end."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from concert_assets.deploy.failures import DeploymentFailed, one_line, told

TAG = "concert-assets"  # marks the stacks that are ours to change and to remove
_UNUSED = "REVIEW_IN_PROGRESS"  # a stack that has a change set and nothing else
_SPOILT = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
_WELL = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_MOST_REASONS = 3


@dataclass(frozen=True, slots=True)
class StackState:
    """A stack as CloudFormation tells of it; ``account`` is its number of twelve digits."""

    status: str
    account: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    tags: Mapping[str, str]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What would happen to one resource. ``is_replaced`` where it would be made anew and the old one removed."""

    action: str
    resource: str
    kind: str
    is_replaced: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A change set that can be executed; without changes there is none, and ``change_set`` is empty.

    ``is_first`` where not even the empty stack was there that somebody's change set for a new one leaves.
    """

    is_new: bool
    is_first: bool
    change_set: str = ""
    changes: tuple[Change, ...] = field(default=())


class Stack:
    """One stack by name. Every method raises DeploymentFailed, one line, where AWS refuses or the deadline passes."""

    def __init__(self, client: Any, name: str, deadline_seconds: float, poll_seconds: float = 5.0) -> None:
        """``client`` is boto3's of CloudFormation; the deadline, which all waits share, begins now."""
        self._client = client
        self.name = name
        self._deadline_seconds = deadline_seconds
        self._end = time.monotonic() + deadline_seconds
        self._poll_seconds = poll_seconds

    def state(self) -> StackState | None:
        """The stack as it is; None where there is none of that name."""
        with told():
            try:
                (found,) = self._client.describe_stacks(StackName=self.name)["Stacks"]
            except ClientError as error:
                if "does not exist" in error.response.get("Error", {}).get("Message", ""):
                    return None
                raise
        return StackState(
            found["StackStatus"],
            found["StackId"].split(":")[4],
            {item["ParameterKey"]: item.get("ParameterValue", "") for item in found.get("Parameters", ())},
            {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", ())},
            {item["Key"]: item["Value"] for item in found.get("Tags", ())},
            found.get("StackStatusReason", ""),
        )

    def is_new(self) -> bool:
        """Whether there is nothing of this name yet."""
        state = self.settled()
        return state is None or state.status == _UNUSED

    def settled(self) -> StackState | None:
        """The stack once nothing changes it any more."""
        while True:
            state = self.state()
            if state is None or not state.status.endswith("_IN_PROGRESS") or state.status == _UNUSED:
                return state
            self._wait(f"is still {state.status}")

    def plan(self, template: str, given: Mapping[str, str], declared: Mapping[str, Any]) -> Plan:
        """A change set for a template.

        ``declared`` are its parameters; one that is not given keeps the value that the stack has, or its default.
        """
        before = self.settled()
        is_new = before is None or before.status == _UNUSED
        kept = {} if before is None or is_new else self._ours(before).parameters
        if before is not None and before.status in _SPOILT:
            raise DeploymentFailed(
                f"stack {self.name} is {before.status} and cannot be changed ({self._reasons() or before.reason}); "
                f"remove it with: concert-assets destroy --stack {self.name}"
            )
        values = {name: str(one.get("Default", "")) for name, one in declared.items()}
        values |= {name: value for name, value in kept.items() if name in declared} | dict(given)
        with told():
            made: str = self._client.create_change_set(
                StackName=self.name,
                ChangeSetName=f"{TAG}-{time.time_ns()}",
                ChangeSetType="CREATE" if is_new else "UPDATE",
                TemplateBody=template,
                Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
                Capabilities=["CAPABILITY_IAM"],
                Tags=[{"Key": TAG, "Value": self.name}],
            )["Id"]
        return self._examined(made, is_new, before is None)

    def drop(self, plan: Plan) -> None:
        """Forget a change set, and the empty stack that CloudFormation makes for that of a new one."""
        if plan.change_set:
            with told():
                self._client.delete_change_set(ChangeSetName=plan.change_set, StackName=self.name)
        if plan.is_first:
            self._discard_unused()

    def carry_out(self, plan: Plan) -> StackState:
        """Execute a change set and wait for its end; what went wrong is told by the resources that failed first."""
        with told():
            self._client.execute_change_set(ChangeSetName=plan.change_set, StackName=self.name)
            place = {"ChangeSetName": plan.change_set, "StackName": self.name}
            # Until then the stack shows the state that it had before, which may be that of an earlier success.
            while self._client.describe_change_set(**place)["ExecutionStatus"] == "AVAILABLE":
                self._wait("has not begun to change")
        state = self.settled()
        if state is None:
            raise DeploymentFailed(f"stack {self.name} is gone; somebody removed it meanwhile")
        if state.status not in _WELL:
            raise DeploymentFailed(f"stack {self.name} ended as {state.status}: {self._reasons() or state.reason}")
        return state

    def resources(self) -> dict[str, tuple[str, str]]:
        """Type and physical name of what the stack has made, by logical name."""
        with told():
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=self.name)
            return {
                item["LogicalResourceId"]: (item["ResourceType"], item.get("PhysicalResourceId", ""))
                for page in pages
                for item in page["StackResourceSummaries"]
            }

    def remove(self) -> None:
        """Delete the stack and wait until it is gone."""
        before = self.settled()
        if before is None:
            return
        self._ours(before)
        with told():
            self._client.delete_stack(StackName=self.name)
        state = self.settled()
        if state is not None and state.status != "DELETE_COMPLETE":
            raise DeploymentFailed(f"stack {self.name} ended as {state.status}: {self._reasons() or state.reason}")

    def _ours(self, state: StackState) -> StackState:
        if TAG not in state.tags:
            raise DeploymentFailed(
                f"stack {self.name} in account {state.account} was not made by concert-assets: it lacks the tag {TAG}; "
                "name another with --stack"
            )
        return state

    def _examined(self, change_set: str, is_new: bool, is_first: bool) -> Plan:
        while True:
            with told():
                found = self._client.describe_change_set(ChangeSetName=change_set, StackName=self.name)
            if found["Status"] == "CREATE_COMPLETE":
                return Plan(is_new, is_first, change_set, tuple(self._changes(change_set, found)))
            if found["Status"] == "FAILED":
                reason = found.get("StatusReason", "")
                with told():
                    self._client.delete_change_set(ChangeSetName=change_set, StackName=self.name)
                if any(text in reason for text in _NO_CHANGES):
                    return Plan(is_new, is_first)
                if is_first:
                    self._discard_unused()
                raise DeploymentFailed(f"CloudFormation refuses the changes to stack {self.name}: {one_line(reason)}")
            self._wait(f"has a change set that is still {found['Status']}")

    def _changes(self, change_set: str, page: Mapping[str, Any]) -> Iterator[Change]:
        while True:
            for item in page.get("Changes", ()):
                one = item["ResourceChange"]
                yield Change(
                    one["Action"],
                    one["LogicalResourceId"],
                    one["ResourceType"],
                    one.get("Replacement") in ("True", "Conditional"),
                )
            if not page.get("NextToken"):
                return
            with told():
                page = self._client.describe_change_set(
                    ChangeSetName=change_set, StackName=self.name, NextToken=page["NextToken"]
                )

    def _discard_unused(self) -> None:
        state = self.state()
        if state is not None and state.status == _UNUSED:
            with told():
                self._client.delete_stack(StackName=self.name)
            self.settled()

    def _reasons(self) -> str:
        """What failed first since the stack was changed last, newest event first in CloudFormation's list."""
        failed: list[str] = []
        with told():
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=self.name):
                for event in page["StackEvents"]:
                    reason, status = event.get("ResourceStatusReason", ""), event["ResourceStatus"]
                    if event["ResourceType"] == "AWS::CloudFormation::Stack" and reason == "User Initiated":
                        return "; ".join(reversed(failed[-_MOST_REASONS:]))
                    if status.endswith("_FAILED") and "cancelled" not in reason:
                        failed.append(f"{event['LogicalResourceId']} ({event['ResourceType']}): {one_line(reason)}")
        return "; ".join(reversed(failed[-_MOST_REASONS:]))

    def _wait(self, what: str) -> None:
        if time.monotonic() >= self._end:
            raise DeploymentFailed(
                f"stack {self.name} {what} after {self._deadline_seconds:g} s (--deadline-seconds); CloudFormation "
                "goes on by itself, so run the command again to wait on"
            )
        time.sleep(self._poll_seconds)
