"""Edits of the labels themselves: create, rename, colour, group, reorder, merge, delete. Each can be undone.

Only that a group exists, and whether it is exclusive, is written at once and stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from annotator.domain.records import Label, LabelGroup
from annotator.edits import labels as label_edits
from annotator.edits.changes import Edit, LabelChange
from annotator.errors import AnnotatorError
from ui.panels.labels_panel import split_names
from ui.session import Session


class LabelEdits(QObject):
    """Turns what the labels panel asks for into edits of the session."""

    created = Signal(list)
    regrouped = Signal()
    told = Signal(str)
    bulk_done = Signal(str)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        session.edited.connect(self._follow_groups)

    def create(self, names: list[str]) -> None:
        """Create labels with the next colours; names that exist are passed by."""
        session = self._session
        project = session.project
        if project is None:
            return
        groups = project.labels.groups()
        edit = label_edits.create_labels(
            session.ordered_labels(),
            names,
            project.history.next_label_id(len(names)),
            annotator=session.annotator,
            group_id=groups[0].id if groups else None,
        )
        if not edit.changes:
            self.told.emit(self.tr("These labels are there already."))
            return
        before = set(session.labels)
        session.perform(edit)
        made = [label.id for label in session.ordered_labels() if label.id not in before]
        if made:
            session.set_current_label(made[0])
        self.created.emit(made)

    def create_from_text(self, text: str) -> None:
        """Create the labels of a pasted list."""
        names = split_names(text)
        if names:
            self.create(names)

    def rename(self, label_id: int, name: str) -> None:
        """Give a label another name, everywhere."""
        label = self._session.labels.get(label_id)
        if label is not None:
            self._try(label_edits.rename_label, self._session.ordered_labels(), label, name)

    def update(self, label: Label, group: LabelGroup | None = None) -> None:
        """Change anything about a label. ``group`` is the one that it shall be in, with id 0 when it has to be made first."""
        before = self._session.labels.get(label.id)
        if before is None:
            return
        known = self._session.vocabulary.groups
        if group is not None and known.get(group.id) != group:
            made = self._write_group(group)
            if made is None:
                return
            group = made
        else:
            made = None
        if group is not None:
            label = replace(label, group_id=group.id)
        if before.name != label.name:
            self.rename(label.id, label.name)
        names = ("color", "shortcut", "synonyms", "definition", "group_id", "skeleton", "attributes_schema")
        values = {n: getattr(label, n) for n in names if getattr(before, n) != getattr(label, n)}
        if values:
            self._try(label_edits.change_label_fields, self._session.labels[label.id], **values)
        if made is not None and "group_id" not in values:
            self.regrouped.emit()

    def reorder(self, ids: list[int]) -> None:
        """Put the labels into this order; their ids stay."""
        self._try(label_edits.reorder_labels, self._session.ordered_labels(), ids)

    def merge(self, source_id: int, target_id: int) -> None:
        """Make one label of two."""
        source, target = self._session.labels.get(source_id), self._session.labels.get(target_id)
        if source is not None and target is not None:
            self._try(label_edits.merge_labels, source, target)
            self.bulk_done.emit(self.tr("Merged “{0}” into “{1}”").format(source.name, target.name))

    def delete(self, label_id: int) -> None:
        """Delete a label with its annotations."""
        label = self._session.labels.get(label_id)
        if label is not None:
            self._try(label_edits.delete_label, label)
            self.bulk_done.emit(self.tr("Deleted the label “{0}”").format(label.name))

    def _write_group(self, group: LabelGroup) -> LabelGroup | None:
        """Make the group or change whether it is exclusive; None, and the reason is told, when that fails."""
        project = self._session.project
        assert project is not None
        try:
            made = project.labels.set_group(group.name, group.exclusive)
        except AnnotatorError as error:
            self.told.emit(f"{error.what} {error.cure}".strip())
            return None
        self._session.reload_groups()
        return made

    def _follow_groups(self, edit: Edit) -> None:
        """A label went into another group, also by undo or redo."""
        pairs = [(c.before, c.after) for c in edit.changes if isinstance(c, LabelChange)]
        if any(old is not None and new is not None and old.group_id != new.group_id for old, new in pairs):
            self.regrouped.emit()

    def _try(self, builder: Callable[..., Edit], *arguments: Any, **values: Any) -> None:
        try:
            edit = builder(*arguments, annotator=self._session.annotator, **values)
        except AnnotatorError as error:
            self.told.emit(f"{error.what} {error.cure}".strip())
        else:
            self._session.perform(edit)
