"""Relative numbers as they stood in a file, for formats that count in parts of the picture's sides.

Pixels and back is not always the same float64. What stood there is kept with the geometry that it became, and written again while
that geometry is unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from annotator.domain.geometry import Geometry

PLACED = "placed"
"""Among an annotation's foreign fields."""


def kept(numbers: Any, ours: Any, geometry: Geometry, width: int, height: int) -> dict[str, Any]:
    """The field that remembers ``numbers``, nothing where ``ours`` would be the same."""
    return {} if numbers == ours else {PLACED: {"numbers": numbers, "of": hash((geometry, width, height))}}


def standing(foreign: Mapping[str, Any], geometry: Geometry, width: int, height: int) -> Any:
    """The numbers that stood there, None where there are none or the geometry or the picture's size is another."""
    found = foreign.get(PLACED)
    if not isinstance(found, Mapping) or found.get("of") != hash((geometry, width, height)):
        return None
    return found.get("numbers")
