"""Reads Pascal VOC: XML per picture under Annotations/ (or anywhere), splits from ImageSets/Main or lists right in the folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from annotator.domain.geometry import Box
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.findings import ORIENTED, Findings
from annotator.formats.lazy import LazyImages
from annotator.formats.names import clean_name, find_file, without_suffix
from annotator.formats.numbers import parsed
from annotator.formats.peek import IMAGE_SUFFIXES
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.formats.splits import split_in, split_named
from annotator.formats.voc.segmentation import (
    CLASSES,
    NUMBERS,
    LabelMap,
    label_map,
    numbers_of,
    one_object,
    read_masks,
    size_of,
)
from annotator.formats.voc.spec import FLAGS
from annotator.job_context import QUIET, JobContext

CLASS_LISTS = "lists of a class in ImageSets (such as cat_train.txt) are not read: the objects say the same"
ONE_BASED = "pixels were read as counted from 1, the last one included: x1 = xmin - 1, x2 = xmax"
FROM_ZERO = (
    "boxes that begin at pixel 0, where Pascal VOC counts from 1: {}. If the program that wrote them counts from 0, "
    "all boxes of this dataset stand one pixel too far to the left and up, on those sides"
)
_SHOWN = 3
_IMAGE_FOLDERS = ("JPEGImages", "images", "Images")


@dataclass(frozen=True)
class _Item:
    file: Path
    root: Element
    name: str
    annotated: bool = True


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read Pascal VOC; see ``spec.Reader``. All files are parsed at once, because labels are listed nowhere else."""
    source = Source(path)
    findings = Findings(Tally(), skip_bad=skip_bad)
    findings.tally.note(ORIENTED)
    findings.tally.note(ONE_BASED)
    files = [source.root] if source.root.is_file() else sorted(source.root.rglob("*.xml"))
    items = [item for file in files if (item := _parse(file, source, findings))]
    items += _segmented_only(items, source)
    if not items:
        raise FormatError(f"{path} holds no Pascal VOC annotation.", path=path)
    if from_zero := sum(map(_begins_at_zero, (box for item in items for box in item.root.iterfind("object/bndbox")))):
        findings.tally.warn(FROM_ZERO.format(from_zero))
    names: dict[str, None] = {}
    for item in items:
        for found in item.root.iter("object"):
            if name := _text(found, "name"):
                names[name] = None
    splits = _splits(source.folder, findings) if source.root.is_dir() else {}
    splits = splits or (_splits_beside(source.folder, items) if source.root.is_dir() else {})
    folders = tuple(f for folder in _IMAGE_FOLDERS if (f := source.folder / folder).is_dir())
    items += _listed_only(items, splits, folders, findings)

    known = label_map(source.folder)
    numbers = numbers_of(known) if (source.folder / CLASSES).is_dir() else {}
    names.update(dict.fromkeys(numbers))

    def image(item: _Item, found: Findings) -> DatasetImage:
        bare = _image(item, found, image_size, splits, (*folders, source.folder, item.file.parent))
        return _with_masks(bare, item, found, source.folder, known)

    images = LazyImages("voc", source.path, items, image, findings, context, keep=source)
    header = {"voc": {NUMBERS: numbers}} if numbers else {}
    return Imported(Dataset(tuple(map(DatasetLabel, names)), images, header), images.report)


def _parse(file: Path, source: Source, findings: Findings) -> _Item | None:
    try:
        root = fromstring(file.read_bytes(), forbid_dtd=True)
    except DefusedXmlException as error:
        raise FormatError(f"{file} declares entities or a document type, which are not read.", path=file) from error
    except ParseError as error:
        line, column = error.position
        findings.bad(file, f"line {line} column {column}", f"not XML: {error.msg if hasattr(error, 'msg') else error}")
        return None
    except (OSError, ValueError, LookupError) as error:
        findings.bad(file, "", f"cannot be read: {error}")
        return None
    if root.tag != "annotation":
        return None
    return _Item(file, root, _name(file, root, source))


def _name(file: Path, root: Element, source: Source) -> str:
    """The picture's path: below Annotations/ the XML's own folders count, so that two of one name stay two."""
    written = clean_name(_text(root, "filename") or "")
    relative = PurePosixPath(file.relative_to(source.folder).as_posix())
    parts = [p for p in relative.parent.parts if p.lower() not in ("annotations", "xmls")]
    leaf = PurePosixPath(written).name or relative.with_suffix(".jpg").name
    inside = "/".join(parts)
    if inside and not written.startswith(inside + "/"):
        return f"{inside}/{leaf}"
    return written or leaf


def _segmented_only(items: list[_Item], source: Source) -> list[_Item]:
    """Pictures that have masks and no XML."""
    folder = source.folder / CLASSES
    described = {without_suffix(item.name) for item in items}
    stems = [without_suffix(file.relative_to(folder).as_posix()) for file in sorted(folder.rglob("*.png"))]
    return [
        _Item(folder / f"{stem}.png", Element("annotation"), f"{stem}.jpg") for stem in stems if stem not in described
    ]


def _with_masks(image: DatasetImage, item: _Item, findings: Findings, folder: Path, known: LabelMap) -> DatasetImage:
    """The image with its masks: each takes the place of the object that the XML describes, or comes behind them."""
    stem, size = without_suffix(image.name), (image.width, image.height)
    try:
        if size == (0, 0):
            size = size_of(folder, stem, known)
        masks, ignored = read_masks(folder, stem, size, known)
    except ValueError as error:
        findings.bad(folder / CLASSES / f"{stem}.png", "", str(error))
        return image
    if not masks and not ignored:
        return image
    annotations = list(image.annotations)
    whole = len(annotations) == len(
        item.root.findall("object")
    )  # else a bad one was left out, and places are not theirs
    for place, group in masks.items():
        for mask in group:
            inside = whole and 0 < place <= len(annotations)
            joined = one_object(annotations[place - 1], mask) if inside else None
            if joined is not None:
                annotations[place - 1] = joined
            else:
                annotations.append(mask)
    extra = {**image.extra, "voc": {**image.extra.get("voc", {}), **ignored}} if ignored else image.extra
    return replace(image, annotations=tuple(annotations), width=size[0], height=size[1], extra=extra, done=True)


def _listed_only(
    items: list[_Item], splits: dict[str, Split], folders: tuple[Path, ...], findings: Findings
) -> list[_Item]:
    """Pictures that a list names and no XML describes: nobody has looked at them, so they are not done."""
    described = {without_suffix(item.name) for item in items}
    missing = [stem for stem in splits if stem not in described and not stem.startswith("# ")]  # but comments
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else "")
        findings.tally.warn(f"ImageSets lists {len(missing):,} pictures without an annotation file: {shown}")
    found = []
    for stem in missing:
        suffix = next((s for s in sorted(IMAGE_SUFFIXES) for f in folders if (f / (stem + s)).is_file()), "")
        if suffix:
            found.append(_Item(Path(stem + suffix), Element("annotation"), stem + suffix, annotated=False))
    return found


def _splits_beside(folder: Path, items: list[_Item]) -> dict[str, Split]:
    """The same from train.txt, val.txt and test.txt right in the folder, as far as they name pictures that XML describes."""
    described = {without_suffix(item.name) for item in items}
    lists = {split: folder / f"{split.value}.txt" for split in Split}
    return {
        line.strip(): split
        for split, file in lists.items()
        if file.is_file()
        for line in file.read_text("utf-8", "replace").splitlines()
        if line.strip() in described
    }


def _splits(folder: Path, findings: Findings) -> dict[str, Split]:
    """Names without ending to split, from ImageSets/Main/{train,val,test}.txt or another task's lists."""
    found: dict[str, Split] = {}
    undecided: dict[str, None] = {}
    for task in ("Main", "Segmentation", "Layout", "."):
        for file in sorted((folder / "ImageSets" / task).glob("*.txt")):
            split = split_named(file.stem)
            if split is None and file.stem != "trainval":
                if split_in(file.stem) or file.stem.endswith("_trainval"):
                    findings.tally.note(CLASS_LISTS)
                continue
            for line in file.read_text("utf-8", "replace").splitlines():
                if line and split:
                    found.setdefault(line, split)
                elif line:
                    undecided[line] = None
    for line in undecided:
        if line not in found:
            found[line] = Split.TRAIN
            findings.tally.converted("", "split", "listed in trainval only, read as train", line)
    return found


def _image(
    item: _Item, findings: Findings, image_size: ImageSize | None, splits: dict[str, Split], folders: tuple[Path, ...]
) -> DatasetImage:
    width, height = _size(item, findings)
    known = image_size(item.name) if image_size else None
    if known and (width, height) not in ((0, 0), known):
        findings.other_size(item.name, (width, height), known)
    elif known:
        width, height = known
    annotations = []
    for index, element in enumerate(item.root.findall("object")):
        try:
            one = _object(element)
            if wrong := findings.placed(one.geometry, width, height):
                raise ValueError(wrong)
        except ValueError as error:
            findings.bad(item.file, f"object {index + 1}", str(error))
            continue
        annotations.append(one)
    stem = without_suffix(item.name)
    split = splits.get(stem)
    foreign = {c.tag: _tree(c) for c in item.root if c.tag not in ("object", "size", "filename")}
    size = item.root.find("size")
    depth = _text(size, "depth") if size is not None else None
    extra: dict[str, Any] = {**foreign, **({"depth": depth} if depth else {})}
    path = find_file(folders, item.name)
    return DatasetImage(
        item.name,
        tuple(annotations),
        width,
        height,
        path,
        split,
        done=item.annotated,
        extra={"voc": extra} if extra else {},
    )


def _size(item: _Item, findings: Findings) -> tuple[int, int]:
    size = item.root.find("size")
    if size is None:
        return 0, 0
    try:
        width, height = (int(parsed(_text(size, key) or "0", key)) for key in ("width", "height"))
        if width < 0 or height < 0:
            raise ValueError(f"the size is {width} x {height}")
    except ValueError as error:
        findings.bad(item.file, "size", str(error))
        return 0, 0
    return width, height


def _object(element: Element) -> DatasetAnnotation:
    name, box = _text(element, "name"), element.find("bndbox")
    if not name:
        raise ValueError("it has no name")
    if box is None:
        raise ValueError("it has no bndbox")
    xmin, ymin, xmax, ymax = (parsed(_text(box, key) or "", key) for key in ("xmin", "ymin", "xmax", "ymax"))
    if xmax < xmin - 1 or ymax < ymin - 1:
        raise ValueError(f"the box is reversed: ({xmin:g}, {ymin:g}, {xmax:g}, {ymax:g})")
    attributes: dict[str, Any] = {}
    for flag in FLAGS:
        value = _text(element, flag)
        if value in ("1", "true", "True"):
            attributes[flag] = True
    if (pose := _text(element, "pose")) and pose != "Unspecified":
        attributes["pose"] = pose
    ours = {"name", "bndbox", "pose", *FLAGS}
    foreign = {child.tag: _tree(child) for child in element if child.tag not in ours}
    return DatasetAnnotation(
        name, Box(xmin - 1, ymin - 1, xmax, ymax), attributes, extra={"voc": foreign} if foreign else {}
    )


def _begins_at_zero(box: Element) -> bool:
    return any((text := _text(box, key)) and not text.strip("0.") for key in ("xmin", "ymin"))


def _text(element: Element | None, key: str) -> str | None:
    child = element.find(key) if element is not None else None
    return child.text.strip() if child is not None and child.text else None


def _tree(element: Element) -> Any:
    """Foreign XML as plain data: text, or a list of [tag, tree] pairs."""
    return [[child.tag, _tree(child)] for child in element] if len(element) else element.text or ""
