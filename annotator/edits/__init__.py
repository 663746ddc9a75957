"""Undoable edits as data: changes, the builders that make them, the page they apply to, and the history that keeps them.

The history is imported when it is asked for: it needs the database, which the window must not wait for before its first paint.
"""

from typing import TYPE_CHECKING, Any

from annotator.domain.page import Page
from annotator.edits.apply import apply
from annotator.edits.changes import (
    AnnotationChange,
    BatchChange,
    Change,
    Edit,
    FindingChange,
    ImageChange,
    LabelChange,
    VerdictChange,
)
from annotator.edits.images import flag, mark_done, note, set_split, skip
from annotator.edits.labels import (
    change_label_fields,
    create_label,
    create_labels,
    delete_label,
    merge_labels,
    recolour,
    rename_label,
    reorder_labels,
)
from annotator.edits.shapes import (
    change_attributes,
    change_geometry,
    change_label,
    delete,
    draw,
    duplicate,
    hide,
    lock,
    lower_to_bottom,
    paste,
    raise_to_top,
    reorder,
)
from annotator.edits.tags import clear_tag, set_tag, tag_many
from annotator.edits.verdicts import accept, accept_many, correct, reject, reject_many
from annotator.edits.vocabulary import Vocabulary

if TYPE_CHECKING:
    from annotator.edits.history import History, Performed

__all__ = [
    "AnnotationChange",
    "BatchChange",
    "Change",
    "Edit",
    "FindingChange",
    "History",
    "ImageChange",
    "LabelChange",
    "Page",
    "Performed",
    "VerdictChange",
    "Vocabulary",
    "accept",
    "accept_many",
    "apply",
    "change_attributes",
    "change_geometry",
    "change_label",
    "change_label_fields",
    "clear_tag",
    "correct",
    "create_label",
    "create_labels",
    "delete",
    "delete_label",
    "draw",
    "duplicate",
    "flag",
    "hide",
    "lock",
    "lower_to_bottom",
    "mark_done",
    "merge_labels",
    "note",
    "paste",
    "raise_to_top",
    "recolour",
    "reject",
    "reject_many",
    "rename_label",
    "reorder",
    "reorder_labels",
    "set_split",
    "set_tag",
    "skip",
    "tag_many",
]


def __getattr__(name: str) -> Any:
    if name in ("History", "Performed"):
        from annotator.edits import history

        return getattr(history, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
