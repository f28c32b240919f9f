"""Charts as SVG, drawn here: the drawing stretches with the page, and all that is read stands beside it as text.

Shades come as classes of the style sheet, and every chart has its figures as a table below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from preserve.cli.page.elements import Child, element

PLOT_WIDTH, PLOT_HEIGHT = 1000, 200
"""Units of a drawing; the page gives them their size."""
_ROUND = 2


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar: how much, in which shade, and what that is called."""

    amount: int
    shade: str
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of several parts; `notes` are lines below its name, `right` stands at its end."""

    name: str
    parts: Sequence[Part]
    notes: Sequence[Child] = ()
    right: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a value, 0 to 1, for each place along the axis; None: nothing is known there."""

    name: str
    shade: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Dot:
    """A point between 0 and 1 on both axes, filled or hollow."""

    across: float
    up: float
    shade: str
    title: str


def bars(rows: Iterable[Bar]) -> Element:
    """Bars below one another, each as wide as the page, its parts by their shares."""
    return element("ul", (_bar_row(row) for row in rows), class_="bars")


def _bar_row(row: Bar) -> Element:
    name = element("div", element("strong", row.name), (element("span", note) for note in row.notes), class_="name")
    said = ", ".join(f"{part.label} {part.amount:,}" for part in row.parts if part.amount)
    drawn = element("div", stacked(row.parts, f"{row.name}: {said}"), class_="drawn")
    return element("li", name, drawn, element("div", row.right, class_="right"))


def stacked(parts: Sequence[Part], label: str) -> Element:
    """One bar."""
    whole = sum(part.amount for part in parts)
    drawn: list[Element] = [element("rect", width=PLOT_WIDTH, height=20, class_="empty")]
    at = 0.0
    for part in parts:
        if part.amount:
            width = PLOT_WIDTH * part.amount / whole
            title = element("title", f"{part.label}: {part.amount:,}")
            drawn.append(
                element("rect", title, x=_number(at), width=_number(max(width, 3)), height=20, class_=part.shade)
            )
            at += width
    return _drawing(drawn, label, 20, "bar")


def legend(parts: Iterable[tuple[str, str]]) -> Element:
    """What the shades mean."""
    return element(
        "ul",
        (
            element(
                "li",
                element("svg", element("rect", width=12, height=12, class_=shade), class_="key", aria_hidden="true"),
                label,
            )
            for shade, label in parts
        ),
        class_="legend",
    )


def lines(drawn: Sequence[Line], label: str) -> Element:
    """Lines over time, from 0 below to 1 above."""
    return _drawing([*_grid(), *(mark for line in drawn for mark in _line(line))], label, PLOT_HEIGHT, "plot")


def _line(line: Line) -> Iterable[Element]:
    places = [
        (_across(number, len(line.values)), _up(value)) for number, value in enumerate(line.values) if value is not None
    ]
    if len(places) == 1:  # one day alone is a level, not a dot that nobody sees
        places = [(0.0, places[0][1]), (float(PLOT_WIDTH), places[0][1])]
    if places:
        points = " ".join(f"{_number(x)},{_number(y)}" for x, y in places)
        yield element("polyline", element("title", line.name), points=points, class_=f"line {line.shade}")


def columns(values: Sequence[Sequence[Part]], label: str) -> Element:
    """Columns over time, as high as their sums."""
    highest = max((sum(part.amount for part in each) for each in values), default=0)
    drawn: list[Element] = [*_grid()]
    step = PLOT_WIDTH / max(len(values), 1)
    width = min(step * 0.7, 60)
    for number, parts in enumerate(values):
        below = float(PLOT_HEIGHT)
        for part in parts:
            if part.amount:
                height = max(PLOT_HEIGHT * part.amount / highest, 3)
                below -= height
                drawn.append(
                    element(
                        "rect",
                        element("title", f"{part.label}: {part.amount:,}"),
                        x=_number(step * number + (step - width) / 2),
                        y=_number(below),
                        width=_number(width),
                        height=_number(height),
                        class_=part.shade,
                    )
                )
    return _drawing(drawn, label, PLOT_HEIGHT, "plot")


def dots(drawn: Iterable[Dot], limit: float | None, label: str) -> Element:
    """Points, and a line that they should stay below."""
    marks: list[Element] = [*_grid()]
    if limit is not None:
        height = _number(_up(limit))
        marks.append(element("line", x1=0, x2=PLOT_WIDTH, y1=height, y2=height, class_="limit"))
    for dot in drawn:
        # A line without length has a round end that no stretching makes an ellipse.
        x, y = _number(10 + dot.across * (PLOT_WIDTH - 20)), _number(_up(dot.up))
        title = element("title", dot.title)
        marks.append(element("path", title, d=f"M{x} {y}h0", class_=f"dot {dot.shade}"))
    return _drawing(marks, label, PLOT_HEIGHT, "plot")


def framed(plot: Element, heights: Sequence[str], places: Sequence[str]) -> Element:
    """A drawing with what its axes say: `heights` from above to below, `places` from left to right."""
    return element(
        "div",
        element("div", (element("span", each) for each in heights), class_="heights", aria_hidden="true"),
        plot,
        element("div", (element("span", each) for each in places), class_="places", aria_hidden="true"),
        class_="framed",
    )


def _grid() -> Iterable[Element]:
    for share in (0.0, 0.5, 1.0):
        height = _number(_up(share))
        yield element("line", x1=0, x2=PLOT_WIDTH, y1=height, y2=height, class_="grid")


def _drawing(marks: Iterable[Element], label: str, height: int, kind: str) -> Element:
    return element(
        "svg",
        marks,
        viewBox=f"0 0 {PLOT_WIDTH} {height}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        class_=kind,
    )


def _across(number: int, count: int) -> float:
    return PLOT_WIDTH * number / max(count - 1, 1)


def _up(value: float) -> float:
    """Where a value is drawn; the ends are a little inside, so that a line along them is whole."""
    return 4 + (PLOT_HEIGHT - 8) * (1 - min(max(value, 0.0), 1.0))


def _number(value: float) -> str:
    return f"{value:.{_ROUND}f}".rstrip("0").rstrip(".")
