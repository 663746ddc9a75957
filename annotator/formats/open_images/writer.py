"""Writes Open Images: annotations/ with one list of each kind and subset, masks/SUBSET/ and images/SUBSET/."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from annotator.domain.geometry import Box, Mask, Polygon, PolygonPart, RotatedBox, Tag
from annotator.domain.kinds import Decision, Split
from annotator.formats.coco.shapes import CannotWriteError, rasterised
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.labels import check_names, unknown
from annotator.formats.merging import joined
from annotator.formats.names import without_suffix
from annotator.formats.numbers import written
from annotator.formats.open_images import reader
from annotator.formats.open_images.spec import (
    BOXES,
    CLASSES,
    COLUMNS,
    FLAGS,
    IMAGES,
    LABELS,
    MACHINE,
    MASKS,
    SPEC,
    SUBSETS,
)
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
from annotator.formats.writing import FreeStems, passing, tell
from annotator.job_context import QUIET, JobContext

NO_SIZE = "relative numbers and masks need the image's size, which is not known"
OUTSIDE = "the mask lies outside the image"
_CUT = "the part of the mask outside the image was cut off"
_UNSAFE = re.compile(r"[^\w.-]+")


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write Open Images; see ``spec.Writer``."""
    tally, mode = Tally(), ImagesMode(images)
    with Target(target, merge=merge, replace=replace) as place, ExitStack() as stack:
        if merge and (place.path / "annotations" / IMAGES).is_file():
            sizes = {image.name: (image.width, image.height) for image in dataset.images}
            dataset = joined(dataset, reader.read(place.path, image_size=sizes.get).dataset, tally)
        check_names(dataset)
        unheld = Unheld(SPEC, tally)
        unheld.labels(dataset)
        work = _Work(dataset, place, mode, tally, unheld, stack)
        for image in passing(dataset, unheld, context, "Open Images"):
            work.add(image)
    return tally.report("open_images", target)


class _Work:
    def __init__(
        self, dataset: Dataset, place: Target, mode: ImagesMode, tally: Tally, unheld: Unheld, stack: ExitStack
    ) -> None:
        self._place, self._mode, self._tally, self._unheld, self._stack = place, mode, tally, unheld, stack
        self._labels = _label_names(dataset)
        self._stems = FreeStems(tally, "Open Images")
        self._files: dict[str, Any] = {}
        self._masks: set[str] = set()
        classes = self._table(CLASSES, ())
        for label in dataset.labels:
            classes.writerow((self._labels[label.name], label.name))
        self._table(IMAGES, COLUMNS[IMAGES])

    def add(self, image: DatasetImage) -> None:
        """Write one image with its annotations."""
        if image.split is None:
            self._tally.converted("", "split", "images without a split are written to train", image.name)
        subset = SUBSETS[image.split or Split.TRAIN]
        name = self._stems.free(image.name)
        identity = without_suffix(name)
        foreign = own(image.extra, "open_images")
        row = {**{key: str(foreign.get(key, "")) for key in COLUMNS[IMAGES]}, "ImageID": identity, "Subset": subset}
        self._row(IMAGES, "", [row[key] for key in COLUMNS[IMAGES]])
        for one in image.annotations:
            self._annotation(one, image, identity, subset)
        self._tally.images += 1
        self._place.add_image(image.path, f"images/{subset}/{name}", self._mode, self._tally, image.name)

    def _annotation(self, one: DatasetAnnotation, image: DatasetImage, identity: str, subset: str) -> None:
        geometry, kind = one.geometry, one.geometry.kind.value
        if one.label not in self._labels and one.label:
            raise unknown(one.label, image.name)
        how = ""
        if not isinstance(geometry, Tag | Box | Mask | Polygon | RotatedBox):
            self._tally.dropped(one.label, kind, WHY, image.name)
            return
        if not isinstance(geometry, Tag) and not (image.width and image.height):
            self._tally.dropped(one.label, kind, NO_SIZE, image.name)
            return
        if isinstance(geometry, Polygon | RotatedBox):
            how = SPEC.converts[geometry.kind]
            outline = Polygon((PolygonPart(geometry.corners()),)) if isinstance(geometry, RotatedBox) else geometry
            try:
                geometry = rasterised(outline, image.width, image.height)
            except CannotWriteError as reason:
                self._tally.dropped(one.label, kind, str(reason), image.name)
                return
        foreign = own(one.extra, "open_images")
        label = self._labels[one.label]
        if isinstance(geometry, Tag):
            self._tag(one, image, identity, subset, label)
            return
        if isinstance(geometry, Mask):
            seen = geometry.to_full_array(image.height, image.width)
            if not seen.any():
                self._tally.dropped(one.label, kind, OUTSIDE, image.name)
                return
            how = how or ("" if int(seen.sum()) == geometry.area else _CUT)
            self._mask(seen, identity, subset, label, foreign)
        else:
            source, sure = str(foreign.get("Source") or "xclick"), str(foreign.get("Confidence") or "1")
            places = [geometry.x1 / image.width, geometry.x2 / image.width]
            places += [geometry.y1 / image.height, geometry.y2 / image.height]
            flags = [self._flag(one, column, foreign.get("unknown") or ()) for column in FLAGS]
            self._row(BOXES, subset, [identity, source, label, sure, *map(written, places), *flags])
        tell(self._tally, one, image, how)
        self._unheld.annotation(one, image)

    def _tag(self, one: DatasetAnnotation, image: DatasetImage, identity: str, subset: str, label: str) -> None:
        source = str(own(one.extra, "open_images").get("Source") or "verification")
        rejected = one.decision is Decision.REJECTED
        machine = one.suggested and not rejected
        sure = written(1.0 if one.confidence is None else one.confidence) if machine else str(int(not rejected))
        self._row(MACHINE if machine else LABELS, subset, [identity, source, label, sure])
        self._tally.annotations += 1
        if machine:
            self._tally.converted(one.label, "tag", "a suggestion, written as a machine's label", image.name)
        else:
            self._tally.kept(one.label, "tag", image.name)
        self._unheld.annotation(dataclasses.replace(one, confidence=None) if machine else one, image)

    @staticmethod
    def _flag(one: DatasetAnnotation, column: str, unknown_columns: Sequence[str]) -> str:
        if one.attributes.get(FLAGS[column]) is True:
            return "1"
        return "-1" if column in unknown_columns else "0"

    def _mask(self, pixels: np.ndarray[Any, Any], identity: str, subset: str, label: str, foreign: Any) -> None:
        from PIL import Image

        box = str(foreign.get("BoxID") or f"{len(self._masks):08x}")
        stem = _UNSAFE.sub("_", f"{identity}_{label.replace('/', '')}_{box}")
        name, count = f"{stem}.png", 1
        while f"{subset}/{name}" in self._masks:
            count += 1
            name = f"{stem}_{count}.png"
        self._masks.add(f"{subset}/{name}")
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        self._place.write(f"masks/{subset}/{name}", buffer.getvalue())
        rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        height, width = pixels.shape
        edges = (columns[0] / width, (columns[-1] + 1) / width, rows[0] / height, (rows[-1] + 1) / height)
        rest = [str(foreign.get(key, "")) for key in ("PredictedIoU", "Clicks")]
        self._row(MASKS, subset, [name, identity, label, box, *(written(float(edge)) for edge in edges), *rest])

    def _row(self, kind: str, subset: str, row: list[str]) -> None:
        self._table(f"{subset}-{kind}" if subset else kind, COLUMNS[kind]).writerow(row)

    def _table(self, name: str, columns: Sequence[str]) -> Any:
        """The list of this name, begun with its header when it is first needed."""
        if name not in self._files:
            opened: TextIO = self._stack.enter_context(
                io.TextIOWrapper(self._place.open(f"annotations/{name}"), encoding="utf-8", newline="")
            )
            self._files[name] = csv.writer(opened, lineterminator="\n")
            if columns:
                self._files[name].writerow(columns)
        return self._files[name]


def _label_names(dataset: Dataset) -> dict[str, str]:
    """The LabelName of each label: the one that it was read with, where no other has it, else its name."""
    names: dict[str, str] = {}
    for label in dataset.labels:
        wanted = str(own(label.extra, "open_images").get("LabelName") or label.name)
        names[label.name] = wanted if wanted not in names.values() else label.name
    return names
