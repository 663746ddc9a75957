"""Reads mask pictures: label ids by palette index, 8 or 16 bit grey or colour; instances where a second picture has them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats.dataset import Dataset, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.findings import ORIENTED, Findings
from annotator.formats.id_pictures import Color, read_ids
from annotator.formats.lazy import LazyImages
from annotator.formats.mask_pictures import BACKGROUND, IGNORE, ignored_of, masks_of
from annotator.formats.masks.labels import find_labels
from annotator.formats.masks.spec import INSTANCES, MASK_FOLDERS, PICTURES
from annotator.formats.names import without_suffix
from annotator.formats.pictures import Pictures
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.formats.splits import split_named
from annotator.job_context import QUIET, JobContext

_ENDINGS = ("_mask", "_masks", "_label", "_labels", "_gt", "_L")
_PICTURE_ENDING = ".jpg"
UNLABELLED = "pixels of 255 are not labelled: they are kept aside, and written back to this format"


@dataclass(frozen=True)
class _Item:
    file: Path
    instances: Path | None
    name: str
    path: Path | None
    split: Split | None


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read mask pictures; see ``spec.Reader``. Without a list of labels their names are the numbers that the pixels have."""
    source = Source(path)
    findings = Findings(Tally(), skip_bad=skip_bad)
    findings.tally.note(ORIENTED)
    folder = source.root
    if folder.is_file():
        raise FormatError(f"{path} is one file; masks are read from a folder or zip.", path=path)
    items = _items(folder, image_size)
    if not items:
        raise FormatError(f"{path} holds no mask pictures (PNG).", path=path)
    labels, colors = find_labels(folder)
    if not labels:
        labels = _numbered(items, findings)
    names = {label.foreign_id: label.name for label in labels if label.foreign_id is not None}

    def image(item: _Item, found: Findings) -> DatasetImage | None:
        return _image(item, found, names, colors, image_size)

    images = LazyImages("masks", source.path, items, image, findings, context, keep=source)
    return Imported(Dataset(labels, images, may_have_tags=False), images.report)


def _items(folder: Path, image_size: ImageSize | None) -> list[_Item]:
    masks = next((folder / name for name in MASK_FOLDERS if (folder / name).is_dir()), folder)
    instances = folder / INSTANCES
    pictures = Pictures([f for name in ("images", "JPEGImages", "img") if (f := folder / name).is_dir()])
    lists = _listed(folder)
    found = []
    for file in sorted(masks.rglob("*.png")):
        if masks is folder and file.is_relative_to(instances):
            continue
        stem = without_suffix(file.relative_to(masks).as_posix())
        apart = instances / f"{stem}.png"
        listed = lists.get(stem)
        name, path = pictures.named(stem, image_size, _PICTURE_ENDING)
        if path is None and not (image_size and image_size(name)):
            short = next((stem.removesuffix(end) for end in _ENDINGS if stem.endswith(end)), stem)
            if pictures.find(short) or (image_size and pictures.named(short, image_size, "")[0] != short):
                name, path = pictures.named(short, image_size, _PICTURE_ENDING)
        if listed is not None:
            name = listed[0]
        found.append(_Item(file, apart if apart.is_file() else None, name, path, listed[1] if listed else None))
    return found


def _listed(folder: Path) -> dict[str, tuple[str, Split | None]]:
    """Stem to (name, split) of the pictures that the lists name."""
    found: dict[str, tuple[str, Split | None]] = {}
    for file in sorted(folder.glob("*.txt"), key=lambda one: one.stem != PICTURES):
        split = split_named(file.stem)
        if split or file.stem == PICTURES:
            for line in file.read_text("utf-8", "replace").splitlines():
                if line:
                    found[without_suffix(line)] = (line, split)
    return found


def _numbered(items: list[_Item], findings: Findings) -> tuple[DatasetLabel, ...]:
    """Labels named by the numbers that occur, for pictures that no list explains."""
    seen: set[int] = set()
    for item in items:
        try:
            ids, _ = read_ids(item.file)
        except ValueError as error:
            findings.bad(item.file, "", str(error))
            continue
        seen |= {int(value) for value in np.unique(ids)}
    findings.tally.note("no list names the labels: they are called by their numbers")
    return tuple(DatasetLabel(str(number), number) for number in sorted(seen - {BACKGROUND, IGNORE}))


def _image(
    item: _Item,
    findings: Findings,
    names: dict[int, str],
    colors: dict[Color, int],
    image_size: ImageSize | None,
) -> DatasetImage | None:
    known = image_size(item.name) if image_size else None
    try:
        ids, _ = read_ids(item.file, size=known, colors=colors)
        order = read_ids(item.instances, size=(ids.shape[1], ids.shape[0]))[0] if item.instances else None
        annotations = tuple(one for group in masks_of(ids, order, names).values() for one in group)
    except ValueError as error:
        findings.bad(item.file, "", str(error))
        return None
    height, width = ids.shape
    ignored = ignored_of(ids, names)
    if ignored:
        findings.tally.note(UNLABELLED)
    extra = {"masks": ignored} if ignored else {}
    return DatasetImage(item.name, annotations, width, height, item.path, item.split, done=True, extra=extra)
