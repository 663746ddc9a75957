"""Small arithmetic that several formats share: extents that add up exactly, areas, and numbers of foreign files."""

from __future__ import annotations

import math
from typing import Any

from annotator.domain.geometry import XY


def extent(start: float, stop: float) -> float:
    """The length that, added to ``start`` in float64, gives exactly ``stop`` (where there is one)."""
    length = stop - start
    if start + length == stop:
        return length
    for other in (math.nextafter(length, math.inf), math.nextafter(length, -math.inf)):
        if start + other == stop:
            return other
    return length


def ring_area(points: tuple[XY, ...]) -> float:
    """Area inside one closed outline (shoelace), never negative."""
    total = 0.0
    x1, y1 = points[-1]
    for x2, y2 in points:
        total += x1 * y2 - x2 * y1
        x1, y1 = x2, y2
    return abs(total) / 2


def number(value: Any, what: str) -> float:
    """A finite number of a foreign file; raises ``ValueError`` that says what it was instead."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{what} is {value!r}, not a number")
    result = float(value) if abs(value) < 1e300 else math.inf
    if not math.isfinite(result):
        raise ValueError(f"{what} is {value!r}")
    return result


def parsed(text: str, what: str) -> float:
    """A finite number written as text; raises ``ValueError`` that says what stood there instead."""
    try:
        result = float(text)
    except ValueError:
        raise ValueError(f"{what} is {text!r}, not a number") from None
    if not math.isfinite(result):
        raise ValueError(f"{what} is {text!r}")
    return result


def written(value: float) -> str:
    """The shortest text that reads back as the same float64, whole numbers without a point."""
    return str(int(value)) if value == int(value) and abs(value) < 1e16 else repr(float(value))
