"""The labels of a project as builders need them: by id, and which exclude each other as tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from annotator.domain.records import Label, LabelGroup


@dataclass(frozen=True)
class Vocabulary:
    """Labels and groups by id. Made once and renewed when labels change."""

    labels: Mapping[int, Label]
    groups: Mapping[int, LabelGroup]

    @classmethod
    def of(cls, labels: Iterable[Label], groups: Iterable[LabelGroup]) -> Vocabulary:
        return cls({label.id: label for label in labels}, {group.id: group for group in groups})

    def name(self, label_id: int) -> str:
        """The label's name, or its number when it is gone."""
        label = self.labels.get(label_id)
        return label.name if label else str(label_id)

    def exclusive_group(self, label_id: int) -> int | None:
        """The group in which the label excludes the others; None when it excludes nothing."""
        label = self.labels.get(label_id)
        if label is None or label.group_id is None:
            return None
        group = self.groups.get(label.group_id)
        return label.group_id if group is not None and group.exclusive else None
