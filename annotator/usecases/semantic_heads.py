"""The semantic head of a project: which images it may learn from, and the one in use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.domain.kinds import Task
from annotator.domain.records import Annotation, Head, Image
from annotator.errors import AnnotatorError, ModelError
from annotator.job_context import JobContext
from annotator.learning.painted import id_map
from annotator.learning.semantic import LONG_SIDE, SemanticHead
from annotator.learning.semantic_training import Painted
from annotator.media import decode
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.usecases.image_view import ImageView
from annotator.usecases.parts import Parts

Ids = NDArray[np.int64]

FILE = "head.safetensors"
# Painting is learned at twice the resolution that the encoder looks at, whatever the image's.
READ_SIDE = 2 * LONG_SIDE


@dataclass(frozen=True)
class PaintedImage:
    """An image that is painted, with its name in the store."""

    image: Image
    painted: Painted


def read_painted(parts: Parts, ids: Ids, context: JobContext) -> Iterator[PaintedImage]:
    """The painted images that can be read, one at a time; the others are named in the log."""
    view = ImageView(parts)
    with parts.db.read() as reader:
        done = set(reader.images.done_ids(Task.MASKS).tolist())
        drawn = reader.annotations.for_images(ids.tolist())
    for image in view.many(ids.tolist()):
        try:
            pixels = decode(view.path_of(image), max_side=READ_SIDE).rgb()
        except AnnotatorError as error:
            context.log(f"{image.name}: {error.what}")
            continue
        shapes = [(each.label_id, each.geometry) for each in _from_bottom(drawn.get(image.id, ()))]
        size = pixels.shape[0], pixels.shape[1]
        ids_there = id_map(shapes, image.width, image.height, size, complete=image.id in done)
        yield PaintedImage(image, Painted(pixels, ids_there))


def _from_bottom(annotations: tuple[Annotation, ...]) -> list[Annotation]:
    return sorted(annotations, key=lambda each: (each.z_order, each.created_at))


def load_released(parts: Parts, encoder: EmbeddedImageEncoder) -> tuple[Head, SemanticHead] | None:
    """The head in use; None before the first, and when its file is gone or belongs to another encoder."""
    with parts.db.read() as reader:
        row = reader.runs.released_head(Task.MASKS)
    if row is None:
        return None
    try:
        head = SemanticHead.load(parts.folder / row.path / FILE)
    except ModelError:
        return None
    return (row, head) if head.space == encoder.info.space else None
