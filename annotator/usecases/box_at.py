"""A click on a picture becomes a box, learned from the boxes that the project already has."""

from __future__ import annotations

from annotator.domain.geometry import Box, GeometryKind
from annotator.domain.records import Image
from annotator.errors import AnnotatorError
from annotator.learning.click_boxes import LEAST_EXAMPLES, ClickBoxes, Scene, learn
from annotator.media import decode
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.usecases.image_view import ImageView
from annotator.usecases.mask_suggest import load_segmenter
from annotator.usecases.parts import Parts

# So many boxes say how boxes are drawn here; the latest count.
MOST_EXAMPLES = 20


def box_at(parts: Parts, image_id: int, x: float, y: float, label_id: int | None = None) -> Box:
    """The box around what lies at (x, y), in pixels of the image; learned from boxes of the label, or of all.

    What was learned is kept until there are other boxes. Raises ValueError for a place outside of the image, ImageError when
    the picture cannot be read.
    """
    view = ImageView(parts)
    image = view.get(image_id)
    if not (0 <= x < image.width and 0 <= y < image.height):
        raise ValueError(f"({x}, {y}) lies outside of {image.name}, {image.width} x {image.height}")
    encoder = EmbeddedImageEncoder()
    learned = _learned(parts, view, encoder, label_id)
    return learned.box(Scene(decode(view.path_of(image)).rgb(), encoder, load_segmenter()), x, y)


def box_examples(parts: Parts, label_id: int | None = None) -> tuple[tuple[Image, tuple[Box, ...]], ...]:
    """The boxes that were drawn last, by image: those of the label, or of all labels while it has too few to learn from."""
    with parts.db.read() as reader:
        found = reader.annotations.latest(GeometryKind.BOX, MOST_EXAMPLES, label_id)
        if label_id is not None and len(found) < LEAST_EXAMPLES:
            found = reader.annotations.latest(GeometryKind.BOX, MOST_EXAMPLES)
    boxes: dict[int, list[Box]] = {}
    for each in found:
        if isinstance(each.geometry, Box):
            boxes.setdefault(each.image_id, []).append(each.geometry)
    return tuple((image, tuple(boxes[image.id])) for image in ImageView(parts).many(boxes))


def _learned(parts: Parts, view: ImageView, encoder: EmbeddedImageEncoder, label_id: int | None) -> ClickBoxes:
    boxed = box_examples(parts, label_id)
    kept: tuple[object, ClickBoxes] | None = parts.memory.get(f"click boxes {label_id}")
    if kept is not None and kept[0] == boxed:
        return kept[1]
    examples = []
    for image, boxes in boxed:
        try:
            examples.append((Scene(decode(view.path_of(image)).rgb(), encoder, load_segmenter()), boxes))
        except AnnotatorError:
            # A picture that is missing teaches nothing; the others still do.
            continue
    learned = learn(examples)
    parts.memory[f"click boxes {label_id}"] = (boxed, learned)
    return learned
