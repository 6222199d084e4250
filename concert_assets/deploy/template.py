"""The CloudFormation template: put together from its parts, which lie beside this module, a topic a file."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

PARTS = (
    "buckets",
    "curation",
    "warehouse",
    "signing",
    "arrivals",
    "watching",
    "access",
    "serving",
    "governance",
    "schedule",
)
SECTIONS = ("Parameters", "Rules", "Conditions", "Resources", "Outputs")
SETTING = "Concert"  # outputs whose name begins so are settings
_FOLDER = Path(__file__).parent / "templates"
_DESCRIPTION = (
    "Concert data platform (concert_assets): buckets, roles, warehouse, signing key, arrivals and alarms. "
    "The Glue job is made by the platform itself, so that script and wheel are those of the code that runs."
)


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML with the short forms of CloudFormation's functions, which become the long ones."""


def _function(loader: _Loader, suffix: str, node: Any) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


def template() -> dict[str, Any]:
    """The whole template, functions in their long form. A name that two parts bear is an error of the package."""
    whole: dict[str, Any] = {"AWSTemplateFormatVersion": "2010-09-09", "Description": _DESCRIPTION}
    for part in PARTS:
        with (_FOLDER / f"{part}.yaml").open("rb") as stream:
            content = yaml.load(stream, Loader=_Loader)  # noqa: S506 - a subclass of SafeLoader
        for section, items in content.items():
            target = whole.setdefault(section, {})
            twice = target.keys() & items.keys()
            if twice:
                raise ValueError(f"{part}.yaml: {section} {', '.join(sorted(twice))} stands in another part too")
            target.update(items)
    return {name: whole[name] for name in ("AWSTemplateFormatVersion", "Description", *SECTIONS)}


def as_text(whole: Mapping[str, Any], indent: int | None = None) -> str:
    """The template as CloudFormation takes it: JSON, for it knows no anchors of YAML, by which parts are kept short."""
    return json.dumps(whole, indent=indent, separators=(",", ":") if indent is None else None)


def settings_names(whole: Mapping[str, Any]) -> list[str]:
    """The settings that a stack of the template may yield, each by its name in the environment."""
    return list(settings_of(dict.fromkeys(whole["Outputs"], "")))


def settings_of(outputs: Mapping[str, str]) -> dict[str, str]:
    """The settings of the platform that the outputs of a stack hold, by their name in the environment.

    ``ConcertRawBucket`` is ``CONCERT_RAW_BUCKET``; outputs of other names are no settings.
    """
    return {
        re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper(): value
        for name, value in outputs.items()
        if name.startswith(SETTING)
    }
