"""A click on a picture becomes a box, learned from the boxes that the project already has."""

from __future__ import annotations

from annotator.domain.geometry import Box, GeometryKind
from annotator.errors import AnnotatorError
from annotator.learning.click_boxes import ClickBoxes, Scene, learn
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


def _learned(parts: Parts, view: ImageView, encoder: EmbeddedImageEncoder, label_id: int | None) -> ClickBoxes:
    with parts.db.read() as reader:
        drawn = reader.annotations.for_images(reader.annotations.images_with((GeometryKind.BOX,)).tolist())
    boxes = [
        (each.updated_at, each.image_id, each.geometry)
        for annotations in drawn.values()
        for each in annotations
        if isinstance(each.geometry, Box) and label_id in (None, each.label_id)
    ]
    boxes = sorted(boxes, key=lambda each: each[0])[-MOST_EXAMPLES:]
    kept: tuple[object, ClickBoxes] | None = parts.memory.get(f"click boxes {label_id}")
    if kept is not None and kept[0] == boxes:
        return kept[1]
    by_image: dict[int, list[Box]] = {}
    for _, image_id, box in boxes:
        by_image.setdefault(image_id, []).append(box)
    examples = []
    for image in view.many(by_image):
        try:
            examples.append((Scene(decode(view.path_of(image)).rgb(), encoder, load_segmenter()), by_image[image.id]))
        except AnnotatorError:
            # A picture that is missing teaches nothing; the others still do.
            continue
    learned = learn(examples)
    parts.memory[f"click boxes {label_id}"] = (boxes, learned)
    return learned
