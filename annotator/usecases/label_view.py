"""``project.labels``: the labels, their groups and how often each occurs. Changes to labels are edits of ``project.history``."""

from __future__ import annotations

from annotator.domain.records import Label, LabelGroup
from annotator.usecases.parts import Parts


class LabelView:
    """Reads of labels, each from the store."""

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
