"""Whether the project holds enough for a task: asked by the window's loop again and again, and answered by the store alone.

The modules that suggest and train import SciPy and scikit-learn: 150 MB in a window that asks a question.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import Split, Task
from annotator.domain.records import ImageFilter
from annotator.usecases.index import usable_ids
from annotator.usecases.parts import Parts
from annotator.usecases.settings_view import BOX_MODEL

PAINTED_KINDS = (GeometryKind.MASK, GeometryKind.POLYGON, GeometryKind.POLYLINE)


def can_suggest_boxes(parts: Parts) -> bool:
    """Whether anything can propose boxes: a head, or a detector that the person has named."""
    with parts.db.read() as reader:
        return reader.runs.released_head(Task.BOXES) is not None or bool(reader.settings.get(BOX_MODEL))


def can_suggest_masks(parts: Parts) -> bool:
    """Whether there is a box to fill or a head that paints."""
    with parts.db.read() as reader:
        if reader.runs.released_head(Task.MASKS) is not None:
            return True
        return reader.annotations.any_of((GeometryKind.BOX,)) or bool(reader.suggestions.open_count(Task.BOXES))


def painted_ids(parts: Parts) -> NDArray[np.int64]:
    """Usable images outside of the test split with a mask, polygon or polyline."""
    with parts.db.read() as reader:
        drawn = reader.annotations.images_with(PAINTED_KINDS)
        if not len(drawn):
            return drawn  # the ids of a million images need not be read to know this
        test = reader.images.ids(ImageFilter(splits=frozenset({Split.TEST})))
    ids = usable_ids(parts)
    return ids[np.isin(ids, drawn) & ~np.isin(ids, test)]


def is_painted(parts: Parts) -> bool:
    """Whether there may be enough to learn from: two painted images, or one that is complete."""
    ids = painted_ids(parts)
    with parts.db.read() as reader:
        done = reader.images.done_ids(Task.MASKS)
    return len(ids) > 1 or bool(np.isin(ids, done).any())
