"""Writes mask pictures: one PNG of label ids an image, instances where a label has several masks, and the list of labels."""

from __future__ import annotations

import csv
import io
from dataclasses import replace as replaced
from pathlib import Path

from annotator.domain.kinds import Split
from annotator.domain.palette import label_color
from annotator.formats.dataset import Dataset, DatasetImage
from annotator.formats.id_pictures import Color, written_ids
from annotator.formats.labels import check_names
from annotator.formats.mask_pictures import BACKGROUND, IGNORE, IGNORED, NO_SIZE, MaskShapes
from annotator.formats.masks.labels import listed_labels
from annotator.formats.masks.spec import COLUMNS, INSTANCES, LABELS_FILE, LAST, PICTURES, SPEC
from annotator.formats.merging import with_standing
from annotator.formats.names import without_suffix
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import Unheld
from annotator.formats.writing import FreeStems, passing
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
        shapes = MaskShapes(image, self._ids, self._tally, self.unheld)
        if not (image.width and image.height):
            self._tally.dropped("", "image", NO_SIZE, image.name)
            return
        name = self._stems.free(image.name)
        ids, order = shapes.draw(own(image.extra, "masks").get(IGNORED))
        self._tally.images += 1
        self._place.write(f"masks/{without_suffix(name)}.png", written_ids(ids, self._palette))
        if shapes.repeat:
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


def _rgb(color: str) -> Color:
    value = int(color.removeprefix("#")[:6] or "0", 16)
    return value >> 16, value >> 8 & 255, value & 255
