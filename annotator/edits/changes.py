"""Edits as data: what one undoable step changed, row by row, before and after.

The inverse of a change swaps before and after; the inverse of an edit reverses its changes too. Nothing here knows a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar
from uuid import UUID

from annotator.domain.kinds import Task
from annotator.domain.records import Annotation, FindingDecision, Image, Label, Suggestion, Verdict, new_id, now

T = TypeVar("T")

MANY_ROWS = 1_000
"""Above this number of rows an edit becomes a batch."""


@dataclass(frozen=True, slots=True)
class AnnotationChange:
    """An annotation was added (no ``before``), replaced or removed (no ``after``)."""

    before: Annotation | None
    after: Annotation | None

    def inverse(self) -> AnnotationChange:
        return AnnotationChange(self.after, self.before)

    @property
    def image_id(self) -> int:
        return _either(self.before, self.after).image_id


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A verdict was given, changed or taken back. ``suggestion`` is what was judged, so that it can be written when it is not yet
    in the database and shown again when the verdict goes; None only where the verdict merely changes."""

    before: Verdict | None
    after: Verdict | None
    suggestion: Suggestion | None = None

    def inverse(self) -> VerdictChange:
        return VerdictChange(self.after, self.before, self.suggestion)

    @property
    def suggestion_id(self) -> UUID:
        return _either(self.before, self.after).suggestion_id

    @property
    def image_id(self) -> int:
        return _either(self.before, self.after).image_id


@dataclass(frozen=True, slots=True)
class ImageChange:
    """A person changed state, split, flag, note or the tasks that are done. Only fields that differ are ever written."""

    before: Image
    after: Image
    done_before: frozenset[Task] = frozenset()
    done_after: frozenset[Task] = frozenset()

    def inverse(self) -> ImageChange:
        return ImageChange(self.after, self.before, self.done_after, self.done_before)

    @property
    def image_id(self) -> int:
        return self.after.id


@dataclass(frozen=True, slots=True)
class LabelChange:
    """A label was made, changed or deleted. ``merged_into`` is the label that got its annotations, when it was merged."""

    before: Label | None
    after: Label | None
    merged_into: int | None = None

    def inverse(self) -> LabelChange:
        return LabelChange(self.after, self.before, self.merged_into)

    @property
    def label_id(self) -> int:
        return _either(self.before, self.after).id


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A decision about a finding of the audit was made, replaced or taken back. It changes nothing on any page."""

    before: FindingDecision | None
    after: FindingDecision | None

    def inverse(self) -> FindingChange:
        return FindingChange(self.after, self.before)


@dataclass(frozen=True, slots=True)
class BatchChange:
    """A bulk edit was put in force or taken back, by one flag.

    The first time its rows are written: either ``rows``, or whatever has the label ``label_id`` (deleted, or moved to
    ``into_id``). Rows are in memory only until then; the log names the batch and nothing else. ``by_image`` are the same rows by
    image: made with the batch, off the GUI thread, because pages are read from it while it is being written.
    """

    batch_id: UUID
    applied: bool
    rows: tuple[RowChange, ...] = field(default=(), compare=False)
    label_id: int | None = None
    into_id: int | None = None
    by_image: Mapping[int, Sequence[RowChange]] = field(default_factory=dict, compare=False, repr=False)

    def inverse(self) -> BatchChange:
        return replace(self.without_rows(), applied=not self.applied)

    def without_rows(self) -> BatchChange:
        """The batch by name alone."""
        return replace(self, rows=(), by_image={})


RowChange: TypeAlias = AnnotationChange | VerdictChange | ImageChange
Change: TypeAlias = RowChange | LabelChange | FindingChange | BatchChange


@dataclass(frozen=True, slots=True)
class Edit:
    """One undoable step. ``image_id`` is the image to show when it is undone; None when it concerns many or none."""

    title: str
    image_id: int | None
    changes: tuple[Change, ...]
    annotator: str = ""
    created_at: str = field(default_factory=now)

    def inverse(self) -> Edit:
        """The edit that takes this one back."""
        changes = tuple(change.inverse() for change in reversed(self.changes))
        return replace(self, changes=changes, created_at=now())

    @property
    def reaches_everywhere(self) -> bool:
        """Whether pages of images that are not listed may look different: a batch, or a label that came or went."""
        return any(
            isinstance(c, BatchChange) or (isinstance(c, LabelChange) and (c.before is None) != (c.after is None))
            for c in self.changes
        )

    def rows(self) -> Iterable[RowChange]:
        """All row changes, those inside a batch included."""
        for change in self.changes:
            if isinstance(change, BatchChange):
                yield from change.rows
            elif not isinstance(change, LabelChange | FindingChange):
                yield change


def batched(edit: Edit) -> Edit:
    """The same edit, its rows as one batch when there are more than a thousand."""
    rows = tuple(c for c in edit.changes if isinstance(c, AnnotationChange | VerdictChange | ImageChange))
    if len(rows) <= MANY_ROWS:
        return edit
    others = tuple(c for c in edit.changes if isinstance(c, LabelChange | FindingChange | BatchChange))
    return replace(edit, changes=(*others, BatchChange(new_id(), True, rows, by_image=by_image(rows))))


def by_image(rows: Iterable[RowChange]) -> dict[int, list[RowChange]]:
    """Row changes by the image that they concern, in their order."""
    found: dict[int, list[RowChange]] = {}
    for row in rows:
        found.setdefault(row.image_id, []).append(row)
    return found


def _either(before: T | None, after: T | None) -> T:
    found = after if after is not None else before
    if found is None:
        raise ValueError("a change needs a before or an after")
    return found
