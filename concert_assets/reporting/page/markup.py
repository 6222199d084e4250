"""Elements of HTML and SVG as functions; every text that is not markup already is escaped on the way in."""

import re
from html import escape

VOID = ("br", "meta", "wbr")
# What XML 1.0 cannot hold, even escaped: such a character in a name would make the page's SVG unreadable.
_UNHOLDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


_BREAKS = re.compile(r"([_/.]+)")


class Html(str):
    """Markup that has been made by ``el``; any other text is data."""

    __slots__ = ()


Child = str | int | None


def text(value: str) -> Html:
    """The value as markup that shows it: escaped, with unholdable characters replaced."""
    return Html(escape(_UNHOLDABLE.sub("\ufffd", value)))


def el(name: str, /, *children: Child, **attributes: str | int | float | bool | None) -> Html:
    """The element with its children. Attribute names: a trailing underscore is dropped, others become hyphens.

    An attribute that is None or False is left out, one that is True is given without a value's meaning.
    """
    rendered = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None and value is not False
    )
    if name in VOID:
        return Html(f"<{name}{rendered}>")
    return Html(f"<{name}{rendered}>{join(*children)}</{name}>")


def join(*children: Child) -> Html:
    """The children one after the other; None stands for nothing."""
    return Html(
        "".join(child if isinstance(child, Html) else text(str(child)) for child in children if child is not None)
    )


def identifier(name: str) -> Html:
    """The name of a column, rule or step; it may break after its underscores, slashes and dots and nowhere else."""
    return join(
        *(piece if place % 2 == 0 else join(piece, el("wbr")) for place, piece in enumerate(_BREAKS.split(name)))
    )


def _attribute(name: str, value: str | int | float | bool) -> str:
    shown = "" if value is True else f"{value:.6g}" if isinstance(value, float) else str(value)
    return f' {name.rstrip("_").replace("_", "-")}="{text(shown)}"'
