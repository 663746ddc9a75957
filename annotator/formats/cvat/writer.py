"""Writes CVAT XML: annotations.xml and images/, or one XML file; frames of sequences with tracks as CVAT for video.

Several sequences are several tasks of CVAT: each has a folder of its own, beside the pictures that are in none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace as changed
from pathlib import Path

from annotator.errors import FormatError
from annotator.formats.cvat import reader
from annotator.formats.cvat.parts import Part
from annotator.formats.cvat.spec import SPEC
from annotator.formats.cvat.tracks import sequences_of
from annotator.formats.dataset import Dataset, DatasetImage
from annotator.formats.labels import check_names
from annotator.formats.merging import joined
from annotator.formats.names import clean_name
from annotator.formats.report import Report, Tally
from annotator.formats.spec import Field, ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
from annotator.formats.writing import passing
from annotator.formats.xml_text import holds, mended
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
    """Write CVAT; see ``spec.Writer``. A target that ends in .xml is one file."""
    mode = ImagesMode(images)
    single = target.suffix.lower() == ".xml"
    if single and mode is not ImagesMode.NONE:
        raise FormatError(
            f"{target} is one file; pictures need a folder.", "Give a folder, or no pictures.", path=target
        )
    tally = Tally()
    with Target(target, merge=merge, replace=replace, is_file=single) as place:
        if merge and target.exists() and reader.xml_files(target):
            standing = reader.read(target).dataset
            dataset = joined(dataset, changed(standing, images=_OtherFrames(standing, dataset)), tally)
        work = _Work(_mended(dataset, tally), place, mode, tally)
        try:
            for image in passing(work.dataset, work.unheld, context, "CVAT"):
                work.add(image)
            work.finish()
        finally:
            work.close()
    return tally.report("cvat", target)


class _OtherFrames:
    """What stands less the frames that are written anew: a frame of CVAT's is called by its number, not as we call it."""

    def __init__(self, standing: Dataset, dataset: Dataset) -> None:
        self._images = standing.images
        self._anew = {(image.sequence, image.frame) for image in dataset.images if image.sequence}

    def __iter__(self) -> Iterator[DatasetImage]:
        return (
            image for image in self._images if not image.sequence or (image.sequence, image.frame) not in self._anew
        )


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
    """The files of one export: the pictures' and one of each video, which are written when all images have passed."""

    def __init__(self, dataset: Dataset, place: Target, mode: ImagesMode, tally: Tally) -> None:
        self.dataset, self._place, self._mode, self._tally = dataset, place, mode, tally
        sequences = sequences_of(dataset)
        every = all(image.sequence in sequences for image in dataset.images)
        if place.is_file and not (every and len(sequences) == 1):
            sequences = ()  # one file is pictures or one video
        held = {Field.TRACK, Field.SEQUENCE} if sequences else set()
        self.unheld = Unheld(changed(SPEC, fields=SPEC.fields | held), tally)
        self.unheld.labels(dataset)
        alone = every and len(sequences) == 1
        folders = dict(zip(sequences, [""] if alone else _folders(sequences), strict=True))
        self._videos = {name: Part(dataset, self.unheld, tally, name, folder) for name, folder in folders.items()}
        self._pictures = Part(dataset, Unheld(SPEC, tally) if sequences else self.unheld, tally)

    def add(self, image: DatasetImage) -> None:
        """Write one image with its annotations, or take in one frame."""
        if not holds(image.name):
            self._tally.dropped("", "image", "its name has control characters, which XML cannot hold", image.name)
            return
        part = self._videos.get(image.sequence)
        if part is not None:
            file = part.frame(image)
        else:
            if image.sequence and self._videos:
                self._tally.dropped("", Field.SEQUENCE.value, WHY, image.name)
            file = self._pictures.image(image)
        self._place.add_image(image.path, file, self._mode, self._tally, image.name)
        self._tally.images += 1

    def finish(self) -> None:
        """Compose the files."""
        for part in (self._pictures, *self._videos.values()):
            if part.images or (part is self._pictures and not self._videos):
                with self._place.file.open("xb") if self._place.is_file else self._place.open(part.name) as file:
                    part.write(file)

    def close(self) -> None:
        """Give the spools back."""
        for part in (self._pictures, *self._videos.values()):
            part.spool.close()


def _folders(sequences: tuple[str, ...]) -> list[str]:
    """A folder for each sequence, named after it, no two alike (also where capitals make no difference)."""
    taken: set[str] = set()
    found = []
    for number, name in enumerate(sequences, start=1):
        folder = mended(clean_name(name)).replace("/", "_").replace("?", "_") or f"sequence_{number}"
        while folder.casefold() in taken or folder == "images":
            folder += "_"
        taken.add(folder.casefold())
        found.append(f"{folder}/")
    return found
