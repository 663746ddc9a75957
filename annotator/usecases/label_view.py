"""``project.labels``: the labels, their groups and how often each occurs. Changes to labels are edits of ``project.history``.

Groups are no part of an edit: ``set_group`` writes them at once. Which group a label is in is an edit.
"""

from __future__ import annotations

from annotator.domain.names import label_name
from annotator.domain.records import Label, LabelGroup
from annotator.errors import UsageError
from annotator.usecases.parts import Parts


class LabelView:
    """Reads of labels and groups, each from the store; and the write of a group."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def all(self) -> tuple[Label, ...]:
        """The labels in the order of the panel."""
        with self._parts.db.read() as reader:
            return reader.labels.all()

    def groups(self) -> tuple[LabelGroup, ...]:
        """The groups; the first is the one that new labels join."""
        with self._parts.db.read() as reader:
            return reader.labels.groups()

    def set_group(self, name: str, exclusive: bool = True) -> LabelGroup:
        """Make a group, or say of the one of that name whether it is exclusive. Undo does not take it back.

        Tags that images have already stay as they are; suggestions follow with the next ``suggest``. Waits for the edits that are
        still being saved. Raises ``UsageError`` when the name is empty.
        """
        name = label_name(name)
        if not name:
            raise UsageError("A group needs a name.", "Type one, or choose a group that is there.")
        saved = self._parts.lane.submit(lambda writer: writer.labels.add_group(name, exclusive), "labels")
        return LabelGroup(saved.result(), name, exclusive)

    def get(self, label_id: int) -> Label:
        """One label; raises ``StoreError`` when there is none."""
        with self._parts.db.read() as reader:
            return reader.labels.get(label_id)

    def by_name(self, name: str) -> Label | None:
        """The label of that exact name."""
        with self._parts.db.read() as reader:
            return reader.labels.by_name(name)

    def counts(self) -> dict[int, tuple[int, int]]:
        """Label id to its number of annotations and of open suggestions that are written (tags live in ``project.review``)."""
        with self._parts.db.read() as reader:
            return reader.labels.counts()

    def next_id(self) -> int:
        """An id that no label has had: for an edit that creates one."""
        with self._parts.db.read() as reader:
            return reader.labels.next_id()
