"""SegmentationClass and SegmentationObject: the label and the object of each pixel, 255 for borders and what is not labelled.

Numbers of labels are those of labelmap.txt (name:red,green,blue:parts:actions) where there is one, else the twenty classes of the
development kit. Pictures may have a palette or the colours themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from annotator.domain.geometry import Bounds, Box
from annotator.domain.overlap import iou
from annotator.errors import FormatError
from annotator.formats.dataset import Dataset, DatasetAnnotation
from annotator.formats.id_pictures import Color, color_map, read_ids
from annotator.formats.mask_pictures import BACKGROUND, IGNORE, ignored_of, masks_of
from annotator.formats.report import Tally, own

CLASSES, OBJECTS, LABEL_MAP = "SegmentationClass", "SegmentationObject", "labelmap.txt"
MASK_BOX = "mask_box"
"""The key, among the foreign fields of a mask, of the box that the XML gave its object, and the bounds that the mask then had."""
NUMBERS = "numbers"
"""The key, among the foreign fields of a dataset, of the number that each label's pixels had."""
_SAME_OBJECT = 0.5
_HEADER = "# label:color_rgb:parts:actions"
_KIT = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog", "horse",
    "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
_NOTHING = ("background", "ignored", "void")
_MOST = 254


@dataclass(frozen=True)
class LabelMap:
    """``names`` of the numbers of pixels, and the ``numbers`` of colours."""

    names: Mapping[int, str]
    numbers: Mapping[Color, int]


def label_map(folder: Path) -> LabelMap:
    """What the folder's labelmap.txt says, or the development kit; raises ``FormatError`` for a line that is no label."""
    colors = color_map()
    file = folder / LABEL_MAP
    if not file.is_file():
        return LabelMap(dict(enumerate(_KIT, 1)), {color: number for number, color in colors.items()})
    names: dict[int, str] = {}
    numbers: dict[Color, int] = {colors[IGNORE]: IGNORE}
    lines = [
        line for line in file.read_text("utf-8", "replace").splitlines() if line.strip() and not line.startswith("#")
    ]
    for place, line in enumerate(lines):
        name, color = _parsed(line, file, colors.get(place))
        if name.lower() in _NOTHING:
            numbers[color] = BACKGROUND if name.lower() == "background" else IGNORE
            continue
        number = next((known for known, one in colors.items() if one == color and known), place)
        number = number if number not in names else place
        names[number], numbers[color] = name, number
    return LabelMap(names, numbers)


def _parsed(line: str, file: Path, unsaid: Color | None) -> tuple[str, Color]:
    """Name and colour of a line; one that names no colour has the development kit's of its place."""
    name, _, rest = line.strip().rpartition(":")[0].rpartition(":")[0].rpartition(":")
    if name and not rest and unsaid is not None:
        return name, unsaid
    channels = rest.split(",")
    if not name or len(channels) != 3 or not all(c.strip().isdigit() and int(c) < 256 for c in channels):
        raise FormatError(f"{file}: the line {line!r} is not name:red,green,blue:parts:actions.", path=file)
    red, green, blue = (int(channel) for channel in channels)
    return name, (red, green, blue)


def read_masks(
    folder: Path, stem: str, size: tuple[int, int] | None, known: LabelMap
) -> tuple[dict[int, list[DatasetAnnotation]], dict[str, object]]:
    """The masks of a picture by the number of their object (0 where no picture of objects is there), and its pixels without
    a label as foreign fields. Raises ``ValueError`` that says what is wrong with the pictures."""
    file = folder / CLASSES / f"{stem}.png"
    if not file.is_file():
        return {}, {}
    labels, _ = read_ids(file, size=size, colors=known.numbers)
    objects = folder / OBJECTS / f"{stem}.png"
    order = None
    if objects.is_file():
        by_color = {color: number for number, color in color_map().items()}
        order, _ = read_ids(objects, size=(labels.shape[1], labels.shape[0]), colors=by_color)
    found = masks_of(labels, order, known.names)
    return {_place(number): masks for number, masks in found.items()}, dict(ignored_of(labels, known.names))


def number_of(place: int) -> int:
    """The number in SegmentationObject of the ``place``-th object of the XML, from 1; 255 is not used."""
    return place if place < IGNORE else place + 1


def _place(number: int) -> int:
    return number if number < IGNORE else number - 1


def size_of(folder: Path, stem: str, known: LabelMap) -> tuple[int, int]:
    """(width, height) of a picture that only its masks tell; (0, 0) where there are none. Raises ``ValueError``."""
    file = folder / CLASSES / f"{stem}.png"
    if not file.is_file():
        return 0, 0
    labels, _ = read_ids(file, colors=known.numbers)
    return labels.shape[1], labels.shape[0]


def pixel_numbers(dataset: Dataset, tally: Tally, standing: LabelMap | None = None) -> dict[str, int]:
    """A number from 1 to 254 for each label: that of the label map that stands, or that it came with, else the next free one."""
    came: Mapping[str, int] = own(dataset.extra, "voc").get(NUMBERS, {})
    numbers = {name: number for number, name in standing.names.items()} if standing else dict(came)
    following = 1
    for label in dataset.labels:
        if label.name in numbers:
            continue
        while following in numbers.values():
            following += 1
        if following > _MOST:
            tally.unkept(f"masks have room for {_MOST} labels: the masks of the others are left out")
            break
        numbers[label.name] = following
    return numbers


def written_map(numbers: Mapping[str, int]) -> bytes:
    """labelmap.txt in the order of the numbers, with the development kit's colours."""
    colors = color_map()
    rows: Iterable[tuple[str, int]] = sorted(numbers.items(), key=lambda each: each[1])
    lines = [_HEADER, "background:0,0,0::"]
    lines += [f"{name}:{','.join(map(str, colors[number]))}::" for name, number in rows]
    return ("\n".join(lines) + "\n").encode()


def numbers_of(known: LabelMap) -> dict[str, int]:
    """The labels of a map in the order of their numbers."""
    return {name: number for number, name in sorted(known.names.items())}


def one_object(described: DatasetAnnotation, mask: DatasetAnnotation) -> DatasetAnnotation | None:
    """The mask with what the XML says of its object; None when box and mask do not speak of one thing."""
    if not isinstance(described.geometry, Box) or described.label != mask.label:
        return None
    bounds = mask.geometry.bounds()
    if bounds is None or iou(described.geometry, Box(*bounds)) < _SAME_OBJECT:
        return None
    box = described.geometry.bounds()
    foreign = {**described.extra.get("voc", {}), MASK_BOX: [list(box), list(bounds)]} if box != bounds else None
    return replace(described, geometry=mask.geometry, extra={"voc": foreign} if foreign else described.extra)


def box_of(one: DatasetAnnotation) -> Bounds:
    """The box of an object: its own, that which came with its mask while the mask is unchanged, or the mask's bounds."""
    bounds = one.geometry.bounds() or (0.0, 0.0, 0.0, 0.0)
    came = own(one.extra, "voc").get(MASK_BOX)
    if came is not None and tuple(came[1]) == bounds:
        x1, y1, x2, y2 = came[0]
        return x1, y1, x2, y2
    return bounds
