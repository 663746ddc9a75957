"""Writes Pascal VOC: Annotations/, ImageSets/Main/ and JPEGImages/, the folders of a name kept in all three."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from annotator.domain.geometry import Box
from annotator.domain.kinds import Split
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.labels import report_unused, unknown
from annotator.formats.names import without_suffix
from annotator.formats.numbers import written
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
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
    tally, mode = Tally(), ImagesMode(images)
    unheld = Unheld(SPEC, tally)
    unheld.labels(dataset)
    known, used = {label.name for label in dataset.labels}, set[str]()
    lists: dict[Split, list[str]] = {}
    stems = FreeStems(tally, "VOC")
    with Target(target, merge=merge, replace=replace) as place:
        for image in passing(dataset, unheld, context, "Pascal VOC"):
            if not _writable(image, tally):
                continue
            name = stems.free(image.name)
            boxes = [one for one in image.annotations if _is_held(one, image, tally)]
            for one in boxes:
                if one.label not in known:
                    raise unknown(one.label, image.name)
                used.add(one.label)
                tell(tally, one, image)
                unheld.annotation(one, image)
                _said_flags(one, image, tally)
            tally.images += 1
            place.write(f"Annotations/{without_suffix(name)}.xml", _document(image, name, boxes))
            place.add_image(image.path, f"JPEGImages/{name}", mode, tally, image.name)
            if image.split:
                lists.setdefault(image.split, []).append(without_suffix(name) + "\n")
        if merge:
            _add_standing(place.path / "ImageSets" / "Main", lists, stems.taken)
        for split, lines in lists.items():
            place.write(f"ImageSets/Main/{split.value}.txt", "".join(lines).encode())
        if not tally.images:
            place.write("ImageSets/Main/train.txt", b"")
    report_unused(dataset, used, tally)
    return tally.report("voc", target)


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


def _is_held(one: DatasetAnnotation, image: DatasetImage, tally: Tally) -> bool:
    if isinstance(one.geometry, Box):
        return True
    tally.dropped(one.label, one.geometry.kind.value, WHY, image.name)
    return False


def _said_flags(one: DatasetAnnotation, image: DatasetImage, tally: Tally) -> None:
    for key, value in one.attributes.items():
        if key in FLAGS and not isinstance(value, bool):
            tally.converted(one.label, f"attribute {key}", "written as 0 or 1", image.name)


def _document(image: DatasetImage, name: str, boxes: list[DatasetAnnotation]) -> bytes:
    root = ElementTree.Element("annotation")
    foreign = dict(own(image.extra, "voc"))
    depth = foreign.pop("depth", "3")
    _grow(root, "folder", foreign.pop("folder", "JPEGImages"))
    _grow(root, "filename", name)
    foreign.pop("filename", None)
    segmented = foreign.pop("segmented", "0")
    for tag, tree in foreign.items():
        _grow(root, tag, tree)
    if image.width and image.height:
        _grow(root, "size", [["width", str(image.width)], ["height", str(image.height)], ["depth", str(depth)]])
    _grow(root, "segmented", segmented)
    for one in boxes:
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
    x1, y1, x2, y2 = one.geometry.bounds() or (0.0, 0.0, 0.0, 0.0)
    corners = {"xmin": x1 + 1, "ymin": y1 + 1, "xmax": x2, "ymax": y2}
    _grow(element, "bndbox", [[key, written(value)] for key, value in corners.items()])
    foreign: Mapping[str, Any] = own(one.extra, "voc")
    for tag, tree in foreign.items():
        _grow(element, tag, tree)


def _grow(parent: ElementTree.Element, tag: str, tree: Any) -> None:
    """Add foreign data as XML: text, or a list of [tag, tree] pairs."""
    element = ElementTree.SubElement(parent, tag)
    if isinstance(tree, list):
        for child, below in tree:
            _grow(element, child, below)
    else:
        element.text = str(tree)
