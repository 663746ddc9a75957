"""Writes mask pictures: one PNG of label ids an image, instances where a label has several masks, and the list of labels."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

import numpy as np

from annotator.domain.geometry import Mask, Polygon, from_json
from annotator.domain.kinds import Split
from annotator.domain.palette import label_color
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.id_pictures import Color, Ids, draw, written_ids
from annotator.formats.labels import check_names, unknown
from annotator.formats.masks.labels import listed_labels
from annotator.formats.masks.spec import BACKGROUND, COLUMNS, IGNORE, INSTANCES, LABELS_FILE, LAST, PICTURES, SPEC
from annotator.formats.merging import with_standing
from annotator.formats.names import without_suffix
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
from annotator.formats.writing import FreeStems, passing, tell
from annotator.job_context import QUIET, JobContext

NO_SIZE = "its pixels need the image's size, which is not known"
COVERED = "the part under other masks is not kept, because each pixel has one label"
HIDDEN = "it lies wholly under other masks, and each pixel has one label"
DRAWN = "written as the pixels whose centres it covers"


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write mask pictures; see ``spec.Writer``."""
    tally = Tally()
    with Target(target, merge=merge, replace=replace) as place:
        standing = place.path / LABELS_FILE
        if merge and standing.is_file():
            dataset = replaced(dataset, labels=with_standing(dataset.labels, listed_labels(standing)))
        work = _Work(dataset, place, ImagesMode(images), tally)
        for image in passing(dataset, work.unheld, context, "masks"):
            work.add(image)
        work.finish()
    return tally.report("masks", target)


class _Work:
    def __init__(self, dataset: Dataset, place: Target, mode: ImagesMode, tally: Tally) -> None:
        self._place, self._mode, self._tally = place, mode, tally
        self._ids = label_ids(dataset, tally)
        self._colors = {label.name: label.color for label in dataset.labels}
        shown = enumerate(self._colors.items())
        self._palette = {self._ids[name]: _rgb(color or label_color(index)) for index, (name, color) in shown}
        self.unheld = Unheld(SPEC, tally)
        self.unheld.labels(dataset)
        self._stems = FreeStems(tally, "a folder of masks")
        self._lists: dict[str, list[str]] = {PICTURES: []}

    def add(self, image: DatasetImage) -> None:
        if "\n" in image.name or "\r" in image.name:
            self._tally.dropped("", "image", "a name with a line break cannot stand in the lists", image.name)
            return
        held = [one for one in image.annotations if self._is_held(one, image)]
        if not (image.width and image.height):
            self._tally.dropped("", "image", NO_SIZE, image.name)
            return
        name = self._stems.free(image.name)
        ids, order = self._drawn(held, image)
        ignored = own(image.extra, "masks").get("ignore")
        if ignored is not None:
            draw(ids, from_json(ignored), IGNORE)
        self._tally.images += 1
        self._place.write(f"masks/{without_suffix(name)}.png", written_ids(ids, self._palette))
        if order is not None:
            self._place.write(f"{INSTANCES}/{without_suffix(name)}.png", written_ids(order))
        self._place.add_image(image.path, f"images/{name}", self._mode, self._tally, image.name)
        for one in filter(None, (PICTURES, image.split)):
            self._lists.setdefault(str(one), []).append(name + "\n")

    def finish(self) -> None:
        if self._place.merge:
            self._add_standing()
        for name, lines in self._lists.items():
            self._place.write(f"{name}.txt", "".join(lines).encode())
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows((number, name, self._colors[name]) for name, number in self._ids.items())
        self._place.write(LABELS_FILE, text.getvalue().encode())

    def _drawn(self, held: list[DatasetAnnotation], image: DatasetImage) -> tuple[Ids, Ids | None]:
        """The picture of label ids, and that of instances where the first cannot tell the masks apart."""
        shape = (image.height, image.width)
        numbers = np.zeros(shape, np.uint16)
        ordered = sorted(held, key=lambda one: one.z_order)
        covered = [draw(numbers, one.geometry, number) for number, one in enumerate(ordered, 1)]
        seen = np.bincount(numbers.ravel(), minlength=len(ordered) + 1)
        table = np.zeros(len(ordered) + 1, np.uint16)
        shown: Counter[str] = Counter()
        for number, one in enumerate(ordered, 1):
            if not seen[number]:
                self._tally.dropped(one.label, one.geometry.kind.value, HIDDEN, image.name)
                continue
            whole = seen[number] == covered[number - 1] and _is_inside(one.geometry, image)
            how = "; ".join(
                filter(None, (DRAWN if isinstance(one.geometry, Polygon) else "", "" if whole else COVERED))
            )
            tell(self._tally, one, image, how)
            self.unheld.annotation(one, image)
            table[number] = self._ids[one.label]
            shown[one.label] += 1
        apart = any(count > 1 for count in shown.values())
        return table[numbers], numbers if apart else None

    def _is_held(self, one: DatasetAnnotation, image: DatasetImage) -> bool:
        if isinstance(one.geometry, Mask | Polygon):
            if one.label not in self._ids:
                raise unknown(one.label, image.name)
            if image.width and image.height:
                return True
            self._tally.dropped(one.label, one.geometry.kind.value, NO_SIZE, image.name)
        else:
            self._tally.dropped(one.label, one.geometry.kind.value, WHY, image.name)
        return False

    def _add_standing(self) -> None:
        """Keep the lines of existing lists whose pictures this export does not write."""
        for name in (PICTURES, *Split):
            file = self._place.path / f"{name}.txt"
            for line in file.read_text("utf-8", "replace").splitlines() if file.is_file() else ():
                if line and without_suffix(line) not in self._stems.taken:
                    self._lists.setdefault(str(name), []).append(line + "\n")


def label_ids(dataset: Dataset, tally: Tally) -> dict[str, int]:
    """A number for each label: the foreign one where a pixel can hold it, else the next free one from 1 (255 means ignore)."""
    check_names(dataset)
    ids: dict[str, int] = {}
    for label in dataset.labels:
        wanted = label.foreign_id
        if wanted is not None and BACKGROUND < wanted <= LAST and wanted != IGNORE and wanted not in ids.values():
            ids[label.name] = wanted
    taken, following = set(ids.values()), 1
    for label in dataset.labels:
        if label.name in ids:
            continue
        while following in taken or following == IGNORE:
            following += 1
        ids[label.name] = following
        taken.add(following)
        if label.foreign_id is not None:
            tally.converted(label.name, "label id", f"{label.foreign_id} is no free number of a pixel: {following}", "")
    return {label.name: ids[label.name] for label in dataset.labels}


def _is_inside(geometry: Any, image: DatasetImage) -> bool:
    if not isinstance(geometry, Mask):
        return True
    x1, y1, x2, y2 = geometry.bounds()
    return x1 >= 0 and y1 >= 0 and x2 <= image.width and y2 <= image.height


def _rgb(color: str) -> Color:
    value = int(color.removeprefix("#")[:6] or "0", 16)
    return value >> 16, value >> 8 & 255, value & 255
