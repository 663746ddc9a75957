"""Which annotations and verdicts are in force: those that no batch hides. And which suggestions are open.

A bulk edit never deletes or copies rows. What it adds shows while the batch is applied; what it removes shows while it is
not. Undoing it turns one flag.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, literal_column, or_, select

from annotator.store.tables import AnnotationRow, BatchRow, VerdictRow

OPEN_BY_INDEX: ColumnElement[Any] = literal_column("suggestion.is_open")
"""The condition that a suggestion is open, in the very words of the partial index: SQLite takes the index for no others.

For reads of all open ones, or those of a label; with ids of images the index of the images is the better one, so these say
``SuggestionRow.is_open``.
"""

_APPLIED = select(BatchRow.id).where(BatchRow.applied)


def annotation_visible() -> ColumnElement[bool]:
    """The condition on ``annotation`` that it is in force."""
    return and_(
        or_(AnnotationRow.added_by.is_(None), AnnotationRow.added_by.in_(_APPLIED)),
        or_(AnnotationRow.removed_by.is_(None), AnnotationRow.removed_by.not_in(_APPLIED)),
    )


def verdict_visible() -> ColumnElement[bool]:
    """The condition on ``verdict`` that it is in force."""
    return or_(VerdictRow.added_by.is_(None), VerdictRow.added_by.in_(_APPLIED))
