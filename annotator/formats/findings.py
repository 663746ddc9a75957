"""What a reader does with a bad record: an error that names file and place, or with ``skip_bad`` a warning and on."""

from __future__ import annotations

from pathlib import Path

from annotator.domain.geometry import Geometry, GeometryKind, Mask
from annotator.errors import FormatError
from annotator.formats.report import Tally

ORIENTED = "coordinates are taken as those of the oriented picture (EXIF applied)"


class Findings:
    """Judges records of one import; warnings and counts go to ``tally``."""

    def __init__(self, tally: Tally, *, skip_bad: bool) -> None:
        self.tally = tally
        self.skip_bad = skip_bad

    def bad(self, file: Path, place: str, what: str) -> None:
        """Report a bad record. Raises ``FormatError`` unless bad records are to be skipped."""
        where = f"{file}, {place}" if place else str(file)
        if not self.skip_bad:
            raise FormatError(f"{where}: {what}.", "Mend it, or skip bad records (--skip-bad).", path=file)
        self.tally.warn(f"{where}: {what}; skipped")
        self.tally.dropped("", "record", "bad record, see warnings", "")

    def other_size(self, image: str, declared: tuple[int, int], known: tuple[int, int]) -> None:
        """Say that the file declares another size than the oriented picture has; coordinates are kept as they are."""
        turned = ", as if EXIF orientation was not applied" if declared == known[::-1] else ""
        sizes = f"declared {declared[0]} x {declared[1]}, the oriented picture is {known[0]} x {known[1]}"
        self.tally.warn(f"{image}: {sizes}{turned}")

    def placed(self, geometry: Geometry, width: int, height: int) -> str:
        """Why the geometry cannot stand in an image of this size (0 when unknown); empty when it can."""
        return self.judged(geometry, width, height)[0]

    def judged(self, geometry: Geometry, width: int, height: int) -> tuple[str, bool]:
        """``placed`` and ``spills`` of a geometry at once."""
        bounds = geometry.bounds()
        if bounds is None:
            return "", False
        x1, y1, x2, y2 = bounds
        if geometry.kind in _AREAS and (x2 <= x1 or y2 <= y1):
            return f"a {geometry.kind.value} without area, bounds {_numbers(bounds)}", False
        if isinstance(geometry, Mask) and geometry.area == 0:
            return "a mask without set pixels", False
        if not (width and height):
            return "", False
        if x2 < 0 or y2 < 0 or x1 > width or y1 > height:
            return f"bounds {_numbers(bounds)} lie outside the {width} x {height} image", False
        return "", x1 < -1 or y1 < -1 or x2 > width + 1 or y2 > height + 1

    def spills(self, geometry: Geometry, width: int, height: int) -> bool:
        """Whether the geometry stands out of the image by more than a pixel (kept as it is, but worth a word)."""
        return self.judged(geometry, width, height)[1]


_AREAS = frozenset({GeometryKind.BOX, GeometryKind.ROTATED_BOX, GeometryKind.POLYGON, GeometryKind.MASK})


def _numbers(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{v:g}" for v in values) + ")"
