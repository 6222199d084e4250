"""Tables, notes and folded parts, as every section of the page uses them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from concert_assets.reporting.page.markup import Child, Html, el


@dataclass(frozen=True, slots=True)
class Col:
    """A column: its heading and a kind that sets how its cells stand.

    Kinds: "" text, "num" figures to the right, "fig" a figure that takes the room left, and "minor" beside any of them
    for a column that narrow screens leave out because another part of the row or page says the same.
    """

    heading: Child
    kind: str = ""


def table(caption: str, columns: Sequence[Col], rows: Iterable[Sequence[Child]], foot: Sequence[Child] = ()) -> Html:
    """A table that scrolls sideways by itself where the screen is too narrow; the first cell heads its row."""

    def line(cells: Sequence[Child]) -> Html:
        return el(
            "tr",
            *(
                el("th" if place == 0 else "td", cell, class_=column.kind or None, scope="row" if place == 0 else None)
                for place, (column, cell) in enumerate(zip(columns, cells, strict=True))
            ),
        )

    head = el(
        "thead", el("tr", *(el("th", column.heading, class_=column.kind or None, scope="col") for column in columns))
    )
    parts = [el("caption", caption), head, el("tbody", *(line(cells) for cells in rows))]
    if foot:
        parts.append(el("tfoot", line(foot)))
    return el("div", el("table", *parts), class_="scroll", tabindex=0, role="region", aria_label=caption)


def section(anchor: str, heading: str, lead: Child, *content: Child) -> Html:
    """A section: its heading and what it is about on the left, its content on the right."""
    return el(
        "section", el("header", el("h2", heading), el("p", lead)), el("div", *content, class_="content"), id=anchor
    )


def part(heading: str, *content: Child) -> Html:
    """A part of a section under its own heading."""
    return el("div", el("h3", heading), *content, class_="part")


def folded(summary: Child, *content: Child, is_open: bool = False) -> Html:
    """Content behind its summary."""
    return el("details", el("summary", summary), *content, open=is_open)


def note(content: Child, kind: str = "") -> Html:
    """A paragraph set apart: why something is not shown, or what to keep in mind."""
    return el("p", content, class_=f"note {kind}".strip())


def tag(label: str, kind: str) -> Html:
    """A short status in words, with the colour of its kind."""
    return el("span", label, class_=f"tag {kind}")
