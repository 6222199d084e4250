"""What is wrong with a template or with values for its parameters, told before AWS is asked."""

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from concert_assets.deploy.template import as_text

MOST_BYTES = 51_200  # of a template that is sent as it is; CloudFormation's quota
_PSEUDO = re.compile(r"AWS::(AccountId|NoValue|NotificationARNs|Partition|Region|StackId|StackName|URLSuffix)")
_IN_TEXT = re.compile(r"\$\{([A-Za-z0-9:]+)(\.[A-Za-z0-9.]+)?\}")


def problems(template: Mapping[str, Any]) -> list[str]:
    """What CloudFormation would refuse in the template's own structure; empty where there is nothing.

    Names that lead nowhere, and size. What properties a resource has is for cfn-lint and CloudFormation to judge.
    """
    found = []
    size = len(as_text(template).encode())
    if size > MOST_BYTES:
        found.append(f"the template has {size:,} bytes, CloudFormation takes {MOST_BYTES:,}")
    resources, parameters, conditions = (set(template[name]) for name in ("Resources", "Parameters", "Conditions"))
    for place, kind, name in _names({section: template[section] for section in ("Conditions", "Resources", "Outputs")}):
        known = {"resource": resources, "condition": conditions, "name": resources | parameters}[kind]
        if name not in known and not (kind == "name" and _PSEUDO.fullmatch(name)):
            found.append(f"{place}: there is no {kind} {name}")
    return found


def lint(template: Mapping[str, Any], region: str) -> list[str] | None:
    """What cfn-lint finds wrong in the template for a region; None where cfn-lint is not installed."""
    if find_spec("cfnlint") is None:
        return None
    import cfnlint  # type: ignore[import-untyped]

    matches = cfnlint.lint(as_text(template, indent=1), config=cfnlint.ManualArgs(regions=[region]))
    return [f"{match.rule.id}: {match.message} ({'/'.join(map(str, match.path or ()))})" for match in matches]


def wrong_values(template: Mapping[str, Any], given: Mapping[str, str]) -> list[str]:
    """What is wrong with values for parameters, each by its name, what came and what is allowed."""
    found = []
    for name, value in given.items():
        declared = template["Parameters"].get(name)
        if declared is None:
            found.append(f"{name} is no parameter; there are {', '.join(template['Parameters'])}")
        elif not _fits(declared, value):
            found.append(f"{name} is {value!r}; expected {_expected(declared)}")
    return found


def _fits(declared: Mapping[str, Any], value: str) -> bool:
    if declared["Type"] == "Number":
        if not re.fullmatch(r"[0-9]{1,9}([.][0-9]{1,6})?", value):
            return False
        low, high = declared.get("MinValue", 0), declared.get("MaxValue", float("inf"))
        allowed = declared.get("AllowedValues")
        return float(value) in map(float, allowed) if allowed else low <= float(value) <= high
    if "AllowedValues" in declared:
        return value in declared["AllowedValues"]
    return re.search(declared.get("AllowedPattern", ""), value) is not None


def _expected(declared: Mapping[str, Any]) -> str:
    if "AllowedValues" in declared:
        return f"one of {', '.join(map(str, declared['AllowedValues']))}"
    if declared["Type"] == "Number":
        high = declared.get("MaxValue")
        return f"a number from {declared.get('MinValue', 0)}" + (f" to {high}" if high is not None else "")
    return f"{declared['Description']} ({declared.get('AllowedPattern', 'any text')})"


def _names(node: Any, place: str = "") -> Iterator[tuple[str, str, str]]:
    """Place, kind and text of every name that a part of the template refers to."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from _names(item, f"{place}/{number}")
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        here = f"{place}/{key}" if place else key
        if key == "Ref":
            yield place, "name", value
        elif key == "Fn::GetAtt":
            yield place, "resource", value[0]
        elif key == "DependsOn":
            yield from ((place, "resource", name) for name in ([value] if isinstance(value, str) else value))
        elif key == "Condition" and isinstance(value, str):
            yield place, "condition", value
        elif key == "Fn::If":
            yield place, "condition", value[0]
            yield from _names(value[1:], here)
        elif key == "Fn::Sub":
            text, own = (value, {}) if isinstance(value, str) else value
            for name, attribute in _IN_TEXT.findall(text):
                if name not in own:
                    yield place, "resource" if attribute else "name", name
            yield from _names(own, here)
        else:
            yield from _names(value, here)
