"""Draw curves on logarithmic axes, as SVG: a picture that needs neither a library nor a script to be seen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 40, 60, 50
COLOURS = ("#0b6e4f", "#c0392b", "#7f8c8d", "#2c5f9e")
GREY = "#8888"


@dataclass
class Curve:
    """Values by size, under a name."""

    name: str
    points: dict[int, float] = field(default_factory=dict)

    @property
    def exponent(self) -> float:
        """The b of the power a · size ^ b that fits the values best, by least squares of their logarithms."""
        points = [(math.log(size), math.log(value)) for size, value in self.points.items()]
        x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
        return float(sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points))


def chart(title: str, x_unit: str, y_unit: str, curves: Sequence[Curve]) -> str:
    """Return a picture of the curves."""
    sizes = sorted({size for curve in curves for size in curve.points})
    values = [value for curve in curves for value in curve.points.values()]
    x = _Axis(sizes[0], sizes[-1], LEFT, WIDTH - RIGHT)
    y = _Axis(10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values))), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f"<title>{escape(title)}</title>",
        "<style>text { font-size: 12px }</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-weight="bold">{escape(title)}, {escape(y_unit)}</text>',
        *_grid(x, y, sizes, x_unit),
    ]
    for colour, curve in zip(COLOURS, curves, strict=False):
        parts += _line(x, y, colour, curve)
    place = float(LEFT)
    for colour, curve in zip(COLOURS, curves, strict=False):
        parts.append(f'<text x="{place}" y="42" fill="{colour}">{escape(curve.name)}</text>')
        place += 20 + 6.6 * len(curve.name)
    return "\n".join([*parts, "</svg>", ""])


class _Axis:
    """A logarithmic axis from one value to another, between two places of the picture."""

    def __init__(self, least: float, most: float, begin: float, end: float) -> None:
        self.least = least
        self.most = most
        self._begin = begin
        self._scale = (end - begin) / math.log(most / least)

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return round(self._begin + self._scale * math.log(value / self.least), 1)

    def decades(self) -> Iterator[float]:
        """Yield the powers of ten on it."""
        for power in range(math.floor(math.log10(self.least)), math.ceil(math.log10(self.most)) + 1):
            if self.least <= 10.0**power <= self.most:
                yield 10.0**power


def _grid(x: _Axis, y: _Axis, sizes: Sequence[int], unit: str) -> Iterator[str]:
    for value in y.decades():
        yield f'<path d="M{LEFT} {y(value)}H{WIDTH - RIGHT}" stroke="{GREY}"/>'
        yield f'<text x="{LEFT - 8}" y="{y(value) + 4}" text-anchor="end">{value:,g}</text>'
    for size in sizes:
        yield f'<path d="M{x(size)} {TOP}V{HEIGHT - BOTTOM}" stroke="{GREY}"/>'
        yield f'<text x="{x(size)}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{size:,}</text>'
    yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 10}" text-anchor="end">{escape(unit)}</text>'


def _line(x: _Axis, y: _Axis, colour: str, curve: Curve) -> Iterator[str]:
    places = [(x(size), y(value)) for size, value in sorted(curve.points.items())]
    path = "L".join(f"{across} {down}" for across, down in places)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for across, down in places:
        yield f'<circle cx="{across}" cy="{down}" r="3" fill="{colour}"/>'
