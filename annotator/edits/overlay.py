"""A page of the database with edits on it that are still being saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from annotator.domain.page import Page
from annotator.edits import codec
from annotator.edits.apply import apply_changes
from annotator.edits.changes import BatchChange, Change, Edit, LabelChange
from annotator.edits.stacks import Node
from annotator.store import Database, Reader


def load_page(database: Database, image_id: int, waiting: Sequence[tuple[Edit, Node]]) -> Page:
    """The page of an image with ``waiting`` edits, in their order, unless the snapshot that is read already holds them."""
    with database.read() as reader:
        if not waiting:
            return reader.pages.load(image_id)
        # The snapshot begins with the first read. An edit gets its id before its commit: without one now, it is not in there.
        reader.edits.stacks("")
        ids = [node.id for _, node in waiting]
        saved = reader.edits.existing(i for i in ids if i is not None)
        missing = [edit for (edit, _), edit_id in zip(waiting, ids, strict=True) if edit_id not in saved]
        turned = _turned(reader, missing)
        page = reader.pages.load(image_id, turned, _revived(missing))
        for edit in missing:
            page = apply_changes(
                page, (c for change in edit.changes for c in _expanded(reader, change, image_id, turned))
            )
    return page


def _turned(reader: Reader, edits: Iterable[Edit]) -> dict[UUID, bool]:
    """Batches of the database that ``edits`` will turn to another state."""
    found: dict[UUID, bool] = {}
    for edit in edits:
        for change in edit.changes:
            if isinstance(change, BatchChange) and reader.batches.applied(change.batch_id) is not None:
                found[change.batch_id] = change.applied
    return found


def _revived(edits: Iterable[Edit]) -> set[int]:
    """Labels whose deletion ``edits`` take back."""
    changes = (change for edit in edits for change in edit.changes)
    return {c.label_id for c in changes if isinstance(c, LabelChange) and c.before is None}


def _expanded(reader: Reader, change: Change, image_id: int, turned: dict[UUID, bool]) -> Sequence[Change]:
    """A batch that is turned as the differences it keeps for this page; what it adds and removes was loaded so already."""
    if not isinstance(change, BatchChange) or change.batch_id not in turned:
        return (change,)
    kept = [c for text in reader.batches.diffs(change.batch_id, image_id) for c in codec.load_changes(text)]
    return kept if change.applied else [c.inverse() for c in reversed(kept)]


def without_rows(edit: Edit) -> Edit:
    """The edit as the log has it: batches by name alone."""
    return replace(edit, changes=tuple(c.without_rows() if isinstance(c, BatchChange) else c for c in edit.changes))
