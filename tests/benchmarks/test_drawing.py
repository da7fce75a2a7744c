"""The pictures of growth show the values, and the exponents beside them are those of the values."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.drawing import Curve, chart

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("exponent", [0, 0.5, 1])
def test_the_exponent_of_a_power_is_found(exponent):
    """Of values that are a power of the size, it is that power."""
    curve = Curve("power", {size: 3 * size**exponent for size in (1, 10, 100)})

    assert curve.exponent == pytest.approx(exponent)


def test_a_chart_shows_each_curve_and_each_value():
    """There is a line for each curve, a point for each value, and a name that is safe to write into XML."""
    curves = [Curve("ours & <theirs>", {1: 2.0, 10: 20.0, 100: 90.0}), Curve("floor", {1: 1.0, 100: 1.0})]

    root = ElementTree.fromstring(chart("Cost", "jobs", "µs", curves))  # noqa: S314 - our own

    points = root.findall(f"{SVG}circle")
    assert len(points) == 5
    assert "ours & <theirs>" in [text.text for text in root.findall(f"{SVG}text")]


def test_a_chart_places_sizes_by_their_logarithm():
    """Ten lies halfway between one and a hundred, and a tenfold value lies higher."""
    root = ElementTree.fromstring(chart("Cost", "jobs", "µs", [Curve("ours", {1: 1.0, 10: 10.0, 100: 100.0})]))  # noqa: S314 - our own

    across = [float(point.attrib["cx"]) for point in root.findall(f"{SVG}circle")]
    down = [float(point.attrib["cy"]) for point in root.findall(f"{SVG}circle")]
    assert across[1] - across[0] == pytest.approx(across[2] - across[1], abs=0.2)
    assert down[0] > down[1] > down[2]
