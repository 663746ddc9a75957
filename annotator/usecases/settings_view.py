"""``project.settings``: what is remembered about one project, as JSON values by key."""

from __future__ import annotations

from typing import Any

from annotator.usecases.parts import Parts

TAG_RUN = "tags.run"
"""Id of the run whose predictions are shown."""
TAG_MODEL = "tags.model"
"""Id of the model whose embeddings tags are learned on."""
TAG_WEIGHTS = "tags.weights"
"""A weights file for that model, when the person gave one."""
LAST_AUDIT = "accept.last_audit"
"""The run whose pile was audited last without success: there is no new draw until a new run."""
OPEN_AUDIT = "accept.open_audit"
"""A sample that was drawn and not concluded, with the answers so far."""
QUEUE_STRATEGY = "queue.strategy"
"""How the queue is ordered: the value of a ``learning.queue.Strategy``."""
BOX_MODEL = "boxes.model"
"""Id of the detector that proposes boxes before the project has a head of its own."""
BOX_WEIGHTS = "boxes.weights"
"""That detector's file."""
BOX_MAP = "boxes.names"
"""What its names mean: name to a label's id, or "ignore"."""
BOX_AGNOSTIC = "boxes.class_agnostic"
"""Whether its names are set aside and boxes are named by what is in them."""
BOX_SECOND_LOOK = "boxes.second_look"
"""Whether weak boxes that nothing covers are looked at again in the mirrored picture; off unless set (docs/decisions)."""
TRAIN_OPTIONS = "tags.options"
"""What may compete with the usual head in training: values of ``pseudolabel.rounds.Option``."""
REMOVED_ROOTS = "roots.removed"
"""Ids of folders that were taken out of the project."""
STALE = "index.stale"
"""Ids of images whose file has changed since they were embedded."""
FOREIGN_LABELS = "import.labels"
"""The number that the imported dataset gave each label, by label id, for the way back."""
FOREIGN_LABEL_FIELDS = "import.label_fields"
"""The fields that imported datasets had for each label, by label id and format, for the way back."""
FOREIGN_PARENT = "parent"
"""Among these fields: the name of the parent that is no label itself, such as a supercategory of COCO."""
CAPTION_LABEL = "import.caption_label"
"""Id of the label that captions stand under, which have none in the formats that they come from."""
FOREIGN_HEADER = "import.header"
"""The imported dataset's own header, by format."""

FOREIGN_FIELDS = "foreign"
"""In an image's metadata: the fields that imported datasets had for it, by format, for the way back."""
FOREIGN_CONFIDENCE = "confidence"
"""In an annotation's ``extra``: how sure whatever made it was where it came from, for the way back."""


class SettingsView:
    """Reads and writes; a write is durable when ``set`` returns."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def get(self, key: str, default: Any = None) -> Any:
        """The value of ``key``, or ``default``."""
        with self._parts.db.read() as reader:
            return reader.settings.get(key, default)

    def all(self) -> dict[str, Any]:
        """Every setting."""
        with self._parts.db.read() as reader:
            return reader.settings.all()

    def set(self, key: str, value: Any) -> None:
        """Store a JSON value."""
        self._parts.lane.submit(lambda writer: writer.settings.set(key, value), self._parts.annotator).result()
