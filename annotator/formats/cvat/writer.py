"""Writes CVAT XML: annotations.xml and images/, or one XML file; frames of one sequence with tracks as CVAT for video."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace as changed
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from annotator.errors import FormatError
from annotator.formats.cvat import reader
from annotator.formats.cvat.elements import Elements
from annotator.formats.cvat.meta import write_meta
from annotator.formats.cvat.spec import SPEC
from annotator.formats.cvat.tracks import Tracks, sequence_of
from annotator.formats.dataset import Dataset, DatasetImage, DatasetLabel
from annotator.formats.labels import check_names
from annotator.formats.merging import joined
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import Field, ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import Unheld
from annotator.formats.writing import passing
from annotator.formats.xml_text import attributes_of, holds, mended
from annotator.job_context import QUIET, JobContext

_MEMORY = 1 << 23
_MANAGED = frozenset({"id", "name", "width", "height", "outside"})
_NAME = "annotations.xml"


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write CVAT; see ``spec.Writer``. A target that ends in .xml is one file."""
    mode = ImagesMode(images)
    single = target.suffix.lower() == ".xml"
    if single and mode is not ImagesMode.NONE:
        raise FormatError(
            f"{target} is one file; pictures need a folder.", "Give a folder, or no pictures.", path=target
        )
    tally = Tally()
    with Target(target, merge=merge, replace=replace, is_file=single) as place:
        standing = target if single else target / _NAME
        if merge and standing.is_file():
            dataset = joined(dataset, reader.read(standing).dataset, tally)
        work = _Work(_mended(dataset, tally), place, mode, tally)
        try:
            for image in passing(work.dataset, work.unheld, context, "CVAT"):
                work.add(image)
            work.finish()
        finally:
            work.spool.close()
    return tally.report("cvat", target)


def _mended(dataset: Dataset, tally: Tally) -> Dataset:
    """The dataset with names of labels that XML can hold."""
    check_names(dataset)
    wrong = {label.name: mended(label.name) for label in dataset.labels if not holds(label.name)}
    for better in wrong.values():
        tally.converted(better, "label", "written with ? for characters that XML cannot hold", "")
    if not wrong:
        return dataset
    labels = tuple(changed(label, name=wrong.get(label.name, label.name)) for label in dataset.labels)
    return changed(dataset, labels=labels, images=_Renamed(dataset, wrong))


class _Renamed:
    """Images whose annotations bear the mended names; re-iterable as they are."""

    def __init__(self, dataset: Dataset, names: dict[str, str]) -> None:
        self._images, self._names = dataset.images, names

    def __iter__(self) -> Iterator[DatasetImage]:
        for image in self._images:
            found = tuple(changed(a, label=self._names.get(a.label, a.label)) for a in image.annotations)
            yield changed(image, annotations=found)


class _Work:
    def __init__(self, dataset: Dataset, place: Target, mode: ImagesMode, tally: Tally) -> None:
        self.dataset, self._place, self._mode, self._tally = dataset, place, mode, tally
        self._sequence = sequence_of(dataset)
        held = {Field.TRACK, Field.SEQUENCE} if self._sequence else set()
        self.unheld = Unheld(changed(SPEC, fields=SPEC.fields | held), tally)
        self.unheld.labels(dataset)
        self._labels: tuple[DatasetLabel, ...] = dataset.labels
        self._elements = Elements(dataset.labels, tally, self.unheld)
        self._tracks = Tracks(self._elements, tally)
        self._size = (0, 0)
        self._subsets: dict[str, int] = {}
        self.spool: BinaryIO = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # type: ignore[assignment]  # noqa: SIM115

    def add(self, image: DatasetImage) -> None:
        """Write one image with its annotations, or take in one frame."""
        if not holds(image.name):
            self._tally.dropped("", "image", "its name has control characters, which XML cannot hold", image.name)
            return
        if self._sequence:
            self._frame(image)
        else:
            self._image(image)
        self._tally.images += 1

    def _image(self, image: DatasetImage) -> None:
        kept = own(image.extra, "cvat")
        foreign = {key: str(value) for key, value in kept.items() if key not in _MANAGED}
        values = {"id": str(self._tally.images), "name": image.name, **foreign}
        if image.split:
            values["subset"] = image.split.value
            self._subsets[image.split.value] = self._subsets.get(image.split.value, 0) + 1
        if image.width and image.height:
            values |= {"width": str(image.width), "height": str(image.height)}
        lines = [f"  <image{attributes_of(values)}>\n"]
        for one in image.annotations:
            found = self._elements.shape(one, image)
            if found is not None:
                lines.append(self._elements.text(found, one, image, {"label": one.label}, "    "))
        lines.append("  </image>\n")
        self.spool.write("".join(lines).encode())
        folder = f"images/{image.split.value}/" if image.split else "images/"
        self._place.add_image(image.path, folder + image.name, self._mode, self._tally, image.name)

    def _frame(self, image: DatasetImage) -> None:
        self._tracks.add(image)
        if self._size == (0, 0):
            self._size = (image.width, image.height)
        elif (image.width, image.height) != self._size:
            self._tally.converted("", "image size", "a video of CVAT has one size for all frames", image.name)
        name = reader.NO_PICTURE.format(image.frame) + (PurePosixPath(image.name).suffix or ".png")
        if name != image.name:
            self._tally.renamed(image.name, name, "a frame of CVAT's video is named by its number")
        self._place.add_image(image.path, f"images/{name}", self._mode, self._tally, image.name)

    def finish(self) -> None:
        """Compose the file: head, then what was spooled."""
        if self._sequence:
            self.spool.write(self._tracks.lines().encode())
        meta = write_meta(
            own(self.dataset.extra, "cvat"),
            self._labels,
            self._elements.types,
            images=self._tally.images,
            video=self._sequence,
            size=self._size,
            subsets=self._subsets,
        )
        with self._place.file.open("xb") if self._place.is_file else self._place.open(_NAME) as file:
            file.write(b'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n')
            file.write(meta.encode())
            self.spool.seek(0)
            while block := self.spool.read(1 << 20):
                file.write(block)
            file.write(b"</annotations>\n")
