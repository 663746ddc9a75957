"""Which annotations and verdicts are in force: those that no batch hides.

A bulk edit never deletes or copies rows. What it adds shows while the batch is applied; what it removes shows while it is
not. Undoing it turns one flag.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, select

from annotator.store.tables import AnnotationRow, BatchRow, VerdictRow

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
