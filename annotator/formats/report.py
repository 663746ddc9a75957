"""What an import or export kept, converted (how) and dropped (why), counted per label and image.

A reader or writer fills a ``Tally`` while it works; the frozen report at the end has a JSON form and a table form. Nothing
may disappear on the way without a row here or an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

WARNINGS_KEPT = 1000
EXAMPLES_KEPT = 3


class Outcome(StrEnum):
    """What became of something."""

    KEPT = "kept"
    CONVERTED = "converted"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class ReportRow:
    """``count`` things of ``kind`` (a geometry kind, or a field such as ``attribute colour``) of one label, one fate.

    ``images`` counts the images concerned and ``examples`` names the first of them. ``label`` is empty for what belongs to
    the image or to the whole dataset.
    """

    label: str
    kind: str
    outcome: Outcome
    detail: str
    count: int
    images: int
    examples: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "kind": self.kind,
            "outcome": self.outcome.value,
            "detail": self.detail,
            "count": self.count,
            "images": self.images,
            "examples": list(self.examples),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one import or export; ``path`` is what was read or written, ``renamed`` the new names of images.

    ``unkept``: those of the notes that tell what of the whole dataset did not arrive."""

    format: str
    path: Path
    images: int
    annotations: int
    rows: tuple[ReportRow, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    unkept: tuple[str, ...] = ()

    @property
    def lossy(self) -> tuple[ReportRow, ...]:
        """The rows that are not plainly kept."""
        return tuple(row for row in self.rows if row.outcome is not Outcome.KEPT)

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "format": self.format,
            "path": str(self.path),
            "images": self.images,
            "annotations": self.annotations,
            "rows": [row.to_json() for row in self.rows],
            "lossy": [row.to_json() for row in self.lossy],
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Header and rows of text, for a terminal or a window."""
        header = ("label", "what", "outcome", "how or why", "count", "images")
        rows = ((r.label, r.kind, r.outcome.value, r.detail, str(r.count), str(r.images)) for r in self.rows)
        return (header, *rows)


@dataclass(frozen=True, slots=True)
class Verified:
    """``same`` annotations came back as they were sent; ``announced`` differ as the report says.

    ``differences`` are lines about what the report does not explain, a few for the ``unexplained`` things.
    """

    images: int
    same: int
    announced: int
    unexplained: int
    differences: tuple[str, ...] = ()


def in_order(rows: Iterable[ReportRow]) -> tuple[ReportRow, ...]:
    """Losses first, then by label and kind."""
    order = {Outcome.DROPPED: 0, Outcome.CONVERTED: 1, Outcome.KEPT: 2}
    return tuple(sorted(rows, key=lambda row: (order[row.outcome], row.label, row.kind, row.detail)))


@dataclass(slots=True)
class _Count:
    count: int = 0
    images: int = 0
    last: str | None = None
    examples: list[str] = field(default_factory=list)


class Tally:
    """Counts outcomes while images go by; images of one name must come together."""

    def __init__(self) -> None:
        self.images = 0
        self.annotations = 0
        self._counts: dict[tuple[str, str, Outcome, str], _Count] = {}
        self._warnings: list[str] = []
        self._unsaid = 0
        self._notes: dict[str, None] = {}
        self._unkept: dict[str, None] = {}
        self._renamed: dict[str, str] = {}

    def kept(self, label: str, kind: str, image: str, count: int = 1) -> None:
        """An annotation or field arrived as it was."""
        self._add((label, kind, Outcome.KEPT, ""), image, count)

    def converted(self, label: str, kind: str, how: str, image: str, count: int = 1) -> None:
        """Something arrived in another form; ``how`` says which."""
        self._add((label, kind, Outcome.CONVERTED, how), image, count)

    def dropped(self, label: str, kind: str, why: str, image: str, count: int = 1) -> None:
        """Something did not arrive; ``why`` says the reason."""
        self._add((label, kind, Outcome.DROPPED, why), image, count)

    def renamed(self, name: str, free: str, why: str) -> None:
        """The image ``name`` was written as ``free``."""
        self._renamed[name] = free
        self.converted("", "image name", f"renamed: {why}", name)

    def warn(self, text: str) -> None:
        """One line for the person; after ``WARNINGS_KEPT`` of them only their number is kept."""
        if len(self._warnings) < WARNINGS_KEPT:
            self._warnings.append(text)
        else:
            self._unsaid += 1

    def note(self, text: str) -> None:
        """A fact about the whole dataset, said once."""
        self._notes[text] = None

    def unkept(self, text: str) -> None:
        """A fact about the whole dataset that does not arrive, said once among the notes."""
        self.note(text)
        self._unkept[text] = None

    def report(self, format_id: str, path: Path) -> Report:
        """The frozen result."""
        rows = in_order(
            ReportRow(*key, counted.count, counted.images, tuple(counted.examples))
            for key, counted in self._counts.items()
        )
        warnings = list(self._warnings)
        if self._unsaid:
            warnings.append(f"… and {self._unsaid:,} more warnings")
        notes, renamed = tuple(self._notes), dict(self._renamed)
        return Report(
            format_id, path, self.images, self.annotations, rows, tuple(warnings), notes, renamed, tuple(self._unkept)
        )

    def copy(self) -> Tally:
        """An independent tally that starts from this one."""
        return deepcopy(self)

    def _add(self, key: tuple[str, str, Outcome, str], image: str, count: int) -> None:
        counted = self._counts.get(key)
        if counted is None:
            counted = self._counts[key] = _Count()
        counted.count += count
        if image and counted.last != image:
            counted.images += 1
            counted.last = image
            if len(counted.examples) < EXAMPLES_KEPT:
                counted.examples.append(image)


def own(extra: Mapping[str, Any], format_id: str) -> Mapping[str, Any]:
    """The foreign fields that ``format_id`` left in ``extra``; other formats' fields are not its business."""
    fields = extra.get(format_id)
    return fields if isinstance(fields, Mapping) else {}
