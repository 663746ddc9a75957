"""Writes Pascal VOC: Annotations/, JPEGImages/, ImageSets/ and the two pictures of masks, the folders of a name kept in all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from annotator.domain.geometry import Box, Caption
from annotator.domain.kinds import Split
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.id_pictures import color_map, written_ids
from annotator.formats.labels import report_unused, unknown
from annotator.formats.mask_pictures import IGNORE, IGNORED, MaskShapes
from annotator.formats.names import without_suffix
from annotator.formats.numbers import written
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import Unheld
from annotator.formats.voc.segmentation import (
    CLASSES,
    LABEL_MAP,
    MASK_BOX,
    OBJECTS,
    box_of,
    label_map,
    number_of,
    pixel_numbers,
    written_map,
)
from annotator.formats.voc.spec import FLAGS, SPEC
from annotator.formats.writing import FreeStems, passing, tell
from annotator.job_context import QUIET, JobContext


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write Pascal VOC; see ``spec.Writer``."""
    tally = Tally()
    with Target(target, merge=merge, replace=replace) as place:
        work = _Work(dataset, place, ImagesMode(images), tally)
        for image in passing(dataset, work.unheld, context, "Pascal VOC"):
            work.add(image)
        work.finish()
    return tally.report("voc", target)


class _Work:
    def __init__(self, dataset: Dataset, place: Target, mode: ImagesMode, tally: Tally) -> None:
        self._dataset, self._place, self._mode, self._tally = dataset, place, mode, tally
        self.unheld = Unheld(SPEC, tally)
        self.unheld.labels(dataset)
        self._known = {label.name for label in dataset.labels}
        self._used: set[str] = set()
        standing = place.merge and (place.path / LABEL_MAP).is_file()
        self._numbers = pixel_numbers(dataset, tally, label_map(place.path) if standing else None)
        self._lists: dict[Split, list[str]] = {}
        self._segmented: dict[Split, list[str]] = {}
        self._masks = False
        self._stems = FreeStems(tally, "VOC")

    def add(self, image: DatasetImage) -> None:
        if not _writable(image, self._tally):
            return
        name = self._stems.free(image.name)
        for one in image.annotations:
            if one.label not in self._known and not isinstance(one.geometry, Caption):
                raise unknown(one.label, image.name)
        stem = without_suffix(name)
        shapes = MaskShapes(image, self._numbers, self._tally, self.unheld, held=(Box,))
        segmented = self._add_masks(image, stem, shapes)
        kept = {id(one) for one in shapes.shown}
        objects = [one for one in image.annotations if isinstance(one.geometry, Box) or id(one) in kept]
        for one in objects:
            self._used.add(one.label)
            if isinstance(one.geometry, Box):
                tell(self._tally, one, image)
                self.unheld.annotation(one, image)
            _said_flags(one, image, self._tally)
        self._tally.images += 1
        self._place.write(f"Annotations/{stem}.xml", _document(image, name, objects, segmented=segmented))
        self._place.add_image(image.path, f"JPEGImages/{name}", self._mode, self._tally, image.name)
        if image.split:
            self._lists.setdefault(image.split, []).append(stem + "\n")
            if segmented:
                self._segmented.setdefault(image.split, []).append(stem + "\n")

    def finish(self) -> None:
        for task, lists in (("Main", self._lists), ("Segmentation", self._segmented)):
            if self._place.merge:
                _add_standing(self._place.path / "ImageSets" / task, lists, self._stems.taken)
            for split, lines in lists.items():
                self._place.write(f"ImageSets/{task}/{split.value}.txt", "".join(lines).encode())
        if not self._tally.images:
            self._place.write("ImageSets/Main/train.txt", b"")
        if self._masks:
            self._place.write(LABEL_MAP, written_map(self._numbers))
            self._used |= set(self._numbers)
        report_unused(self._dataset, self._used, self._tally)

    def _add_masks(self, image: DatasetImage, stem: str, shapes: MaskShapes) -> bool:
        """Write the two pictures of an image that has masks; the number of an object is its place in the XML."""
        ignored = own(image.extra, "voc").get(IGNORED)
        if not shapes and ignored is None:
            return False
        labels, instances = shapes.draw(ignored)
        shown = {id(one): number for number, one in enumerate(shapes.shown, 1)}
        objects = [one for one in image.annotations if isinstance(one.geometry, Box) or id(one) in shown]
        table = np.zeros(len(shown) + 1, np.uint16)
        for place, one in enumerate(objects, 1):
            if id(one) in shown:
                table[shown[id(one)]] = number_of(place)
        pixels = table[instances]
        pixels[labels == IGNORE] = IGNORE
        palette = color_map()
        self._place.write(f"{CLASSES}/{stem}.png", written_ids(labels, palette))
        self._place.write(f"{OBJECTS}/{stem}.png", written_ids(pixels, palette))
        self._masks = True
        return True


def _add_standing(folder: Path, lists: dict[Split, list[str]], done: frozenset[str]) -> None:
    """Add the lines of existing lists whose pictures this export does not write; what it writes leaves its old list."""
    for split in Split:
        file = folder / f"{split.value}.txt"
        if file.is_file():
            old = [line for line in file.read_text("utf-8", "replace").splitlines() if line and line not in done]
            lists.setdefault(split, []).extend(line + "\n" for line in old)


def _writable(image: DatasetImage, tally: Tally) -> bool:
    texts = [image.name, *(one.label for one in image.annotations)]
    if any(ord(letter) < 32 for text in texts for letter in text):
        tally.dropped(
            "", "image", "its name or a label has control characters, which XML or its lists cannot hold", image.name
        )
        return False
    return True


def _said_flags(one: DatasetAnnotation, image: DatasetImage, tally: Tally) -> None:
    for key, value in one.attributes.items():
        if key in FLAGS and not isinstance(value, bool):
            tally.converted(one.label, f"attribute {key}", "written as 0 or 1", image.name)


def _document(image: DatasetImage, name: str, objects: list[DatasetAnnotation], *, segmented: bool) -> bytes:
    root = ElementTree.Element("annotation")
    foreign = dict(own(image.extra, "voc"))
    depth = foreign.pop("depth", "3")
    _grow(root, "folder", foreign.pop("folder", "JPEGImages"))
    _grow(root, "filename", name)
    foreign.pop("filename", None)
    said = foreign.pop("segmented", "0")
    foreign.pop(IGNORED, None)
    for tag, tree in foreign.items():
        _grow(root, tag, tree)
    if image.width and image.height:
        _grow(root, "size", [["width", str(image.width)], ["height", str(image.height)], ["depth", str(depth)]])
    _grow(root, "segmented", "1" if segmented else said)
    for one in objects:
        _object(root, one)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _object(root: ElementTree.Element, one: DatasetAnnotation) -> None:
    element = ElementTree.SubElement(root, "object")
    _grow(element, "name", one.label)
    _grow(element, "pose", str(one.attributes.get("pose") or "Unspecified"))
    for flag in FLAGS:
        _grow(element, flag, "1" if one.attributes.get(flag) else "0")
    x1, y1, x2, y2 = box_of(one)
    corners = {"xmin": x1 + 1, "ymin": y1 + 1, "xmax": x2, "ymax": y2}
    _grow(element, "bndbox", [[key, written(value)] for key, value in corners.items()])
    foreign: Mapping[str, Any] = own(one.extra, "voc")
    for tag, tree in foreign.items():
        if tag != MASK_BOX:
            _grow(element, tag, tree)


def _grow(parent: ElementTree.Element, tag: str, tree: Any) -> None:
    """Add foreign data as XML: text, or a list of [tag, tree] pairs."""
    element = ElementTree.SubElement(parent, tag)
    if isinstance(tree, list):
        for child, below in tree:
            _grow(element, child, below)
    else:
        element.text = str(tree)
