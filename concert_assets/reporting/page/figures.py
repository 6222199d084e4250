"""Figures as inline SVG without text of their own, so that they stretch with the page; labels are HTML beside them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from concert_assets.reporting.page.markup import Child, Html, el, join

SIZE = 1000  # width and height of a stretched drawing, in its own units


@dataclass(frozen=True, slots=True)
class Tick:
    """A label on an axis; ``at`` is its place in 0-1 from the left or from the bottom."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Part:
    """A stream of a flow: its kind, its share of the source in 0-1, its value as shown, its label and its meaning."""

    kind: str
    portion: float
    value: str
    label: str
    meaning: str


def clamp(value: float) -> float:
    """The value held in 0-1."""
    return min(max(value, 0.0), 1.0)


def percent(value: float) -> str:
    """A place in 0-1 as SVG and CSS write it."""
    return f"{clamp(value) * 100:.2f}%"


def bar(value: float, title: str, kind: str = "data") -> Html:
    """A bar of that share of its cell's width; what is there but small keeps a visible sliver."""
    width = clamp(value)
    width = max(width, 0.006) if width > 0 else 0.0
    return _row_figure(
        "bar",
        title,
        el("rect", class_="track", width="100%", height="100%", rx=2),
        el("rect", class_=f"fill {kind}", width=percent(width), height="100%", rx=2),
    )


def stacked(parts: Sequence[tuple[str, float]], title: str) -> Html:
    """A bar of parts (kind, share of the cell's width) one after the other."""
    drawn, start = [], 0.0
    for kind, width in parts:
        drawn.append(el("rect", class_=f"fill {kind}", x=percent(start), width=percent(width), height="100%"))
        start += width
    return _row_figure("bar", title, el("rect", class_="track", width="100%", height="100%"), *drawn)


def span(start: float, width: float, title: str, kind: str) -> Html:
    """A bar from ``start`` over ``width``, both shares of the cell's width: a step on the run's time line."""
    return _row_figure(
        "span",
        title,
        el("line", class_="track", x1="0", x2="100%", y1="50%", y2="50%"),
        el(
            "rect",
            class_=f"fill {kind}",
            x=percent(min(start, 0.994)),
            width=percent(max(width, 0.006)),
            height="100%",
            rx=2,
        ),
    )


def interval(
    point: float,
    outer: tuple[float, float] | None,
    inner: tuple[float, float] | None,
    title: str,
    mark: float | None = None,
) -> Html:
    """A point with a wide and a narrow interval and, where given, a second mark; all places in 0-1."""
    drawn: list[Child] = [el("line", class_="track", x1="0", x2="100%", y1="50%", y2="50%")]
    for kind, ends in (("outer", outer), ("inner", inner)):
        if ends is not None:
            drawn.append(el("line", class_=kind, x1=percent(ends[0]), x2=percent(ends[1]), y1="50%", y2="50%"))
    if mark is not None:
        drawn.append(el("line", class_="mark", x1=percent(mark), x2=percent(mark), y1="15%", y2="85%"))
    return _row_figure("interval", title, *drawn, el("circle", class_="point", cx=percent(point), cy="50%", r=4.5))


def axis(ticks: Sequence[Tick]) -> Html:
    """Labels over a column of row figures."""
    return el("span", *(_label("tick", "left", tick) for tick in ticks), class_="axis", aria_hidden="true")


def line_chart(
    points: Sequence[tuple[float, float]],
    x_ticks: Sequence[Tick],
    y_ticks: Sequence[Tick],
    *,
    title: str,
    description: str,
    band: Sequence[tuple[float, float, float]] = (),
    is_filled: bool = False,
) -> Html:
    """A line over (x, y), with a band over (x, low, high) behind it; all in 0-1, y upwards."""
    drawn = [el("line", class_="grid", x1=0, x2=SIZE, y1=_down(tick.at), y2=_down(tick.at)) for tick in y_ticks]
    if band:
        there = [f"{_right(x)},{_down(high)}" for x, _, high in band]
        back = [f"{_right(x)},{_down(low)}" for x, low, _ in reversed(band)]
        drawn.append(el("polygon", class_="band", points=" ".join([*there, *back])))
    course = [f"{_right(x)},{_down(y)}" for x, y in points]
    if is_filled and points:
        foot = [f"{_right(points[-1][0])},{SIZE}", f"{_right(points[0][0])},{SIZE}"]
        drawn.append(el("polygon", class_="band", points=" ".join([*course, *foot])))
    drawn.append(el("polyline", class_="line", points=" ".join(course)))
    drawing = _drawing(title, description, f"0 0 {SIZE} {SIZE}", drawn)
    scale = [_label("y", "bottom", tick) for tick in y_ticks]
    return el(
        "div",
        el("div", drawing, *scale, class_="plot"),
        el("div", *(_label("tick", "left", tick) for tick in x_ticks), class_="axis", aria_hidden="true"),
        class_="chart",
    )


def flow(source: tuple[str, str], parts: Sequence[Part], title: str, description: str) -> Html:
    """Rows running from one source (label, value) into parts; the first part is the main stream.

    Ribbons are to scale, save that what is there but thin keeps a visible thread.
    """
    body, gap, slot = 36.0, 7.0, 9.0  # in units of the drawing; a slot leaves room for a label's line
    ribbons, labels, left, right = [], [], 0.0, 0.0
    for position, part in enumerate(parts):
        thick = body * clamp(part.portion)
        room = max(thick, slot)
        top = right + (room - thick) / 2
        if part.portion > 0:
            ribbons.append(_ribbon(part.kind, left, top, thick, max(thick, 0.7)))
        labels.append((right + room / 2, part))
        left += thick
        right += room + (gap if position == 0 else 0.0)
    total = max(right, body)
    drawing = _drawing(title, description, f"0 0 100 {total:.2f}", ribbons)
    middle = body / 2 / total
    ends = [
        el(
            "span",
            el("b", part.value),
            part.label,
            el("span", f", {part.meaning}", class_="means"),
            class_=f"end {part.kind}",
            style=f"top:{percent(at / total)}",
        )
        for at, part in labels
    ]
    start = el("span", el("b", source[1]), el("br"), source[0], class_="start", style=f"top:{percent(middle)}")
    return el(
        "div",
        el("div", start, class_="sources"),
        drawing,
        el("div", *ends, class_="ends"),
        class_="flow",
        style=f"height:{total * 3.1:.0f}px",
    )


def nice_scale(top: float, steps: int = 4) -> list[float]:
    """Round numbers from zero to at least ``top``, about that many steps apart."""
    if not top > 0 or not math.isfinite(top):
        return [0.0, 1.0]
    raw = top / steps
    base = 10.0 ** math.floor(math.log10(raw))
    step = next(base * factor for factor in (1, 2, 2.5, 5, 10) if base * factor >= raw * 0.999)
    return [step * number for number in range(math.ceil(top / step - 1e-9) + 1)]


def _ribbon(kind: str, left: float, right: float, thick_left: float, thick_right: float) -> Html:
    thick_left = max(thick_left, 0.25)
    path = (
        f"M0,{left:.2f} C50,{left:.2f} 50,{right:.2f} 100,{right:.2f} L100,{right + thick_right:.2f} "
        f"C50,{right + thick_right:.2f} 50,{left + thick_left:.2f} 0,{left + thick_left:.2f} Z"
    )
    return el("path", class_=f"fill {kind}", d=path)


def _drawing(title: str, description: str, view: str, drawn: Sequence[Child]) -> Html:
    return el(
        "svg",
        el("title", title),
        el("desc", description),
        *drawn,
        viewBox=view,
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{title}. {description}",
    )


def _row_figure(kind: str, title: str, *drawn: Child) -> Html:
    return el("svg", el("title", title), *drawn, class_=kind, role="img", aria_label=title)


def _label(kind: str, side: str, tick: Tick) -> Html:
    edge = " first" if tick.at <= 0.02 else " last" if tick.at >= 0.98 else ""
    return el("span", tick.label, class_=kind + edge, style=f"{side}:{percent(tick.at)}")


def _right(x: float) -> str:
    return f"{clamp(x) * SIZE:.1f}"


def _down(y: float) -> str:
    return f"{(1 - clamp(y)) * SIZE:.1f}"


def legend(*entries: tuple[str, str]) -> Html:
    """A legend of (kind, label)."""
    return el(
        "p", join(*(el("span", el("i", class_=f"key {kind}"), label) for kind, label in entries)), class_="legend"
    )
