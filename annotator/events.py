"""The one event of the store: what a committed transaction changed.

Every view decides from a ``ChangeSet`` whether it must refresh; nothing polls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Table(StrEnum):
    """The tables whose changes views follow."""

    IMAGE = "image"
    LABEL = "label"
    ANNOTATION = "annotation"
    SUGGESTION = "suggestion"
    VERDICT = "verdict"
    RUN = "run"
    HEAD = "head"
    QUEUE = "queue"
    SETTING = "setting"
    FINDING = "finding"


@dataclass(frozen=True)
class ChangeSet:
    """What one commit changed.

    ``image_ids``: images whose own row, annotations, suggestions or verdicts changed; empty with ``everything`` when too
    many to list. ``edit_id``: the edit that made the change, if one did. ``initiator``: who asked (an annotator's name, a
    job's name), so that a view can ignore its own echo.
    """

    tables: frozenset[Table]
    image_ids: tuple[int, ...] = ()
    label_ids: tuple[int, ...] = ()
    everything: bool = False
    edit_id: int | None = None
    initiator: str = ""
    message: str = field(default="", compare=False)

    def touches(self, *tables: Table) -> bool:
        """Whether any of ``tables`` changed."""
        return not self.tables.isdisjoint(tables)

    def concerns(self, image_id: int) -> bool:
        """Whether the image with ``image_id`` may look different now."""
        return self.everything or image_id in self.image_ids
