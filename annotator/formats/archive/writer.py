"""Writes the archive: members in one order with one time, so that the same dataset gives the same bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

from annotator.errors import FormatError
from annotator.formats.archive import reader
from annotator.formats.archive.records import Manifest, encoder, image_line, label_line
from annotator.formats.archive.spec import IMAGES, LABELS, MANIFEST, MARK, PICTURES, SPEC, VERSION
from annotator.formats.dataset import Dataset, DatasetImage
from annotator.formats.labels import check_names, unknown
from annotator.formats.merging import joined
from annotator.formats.names import clean_name
from annotator.formats.report import Report, Tally
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import Unheld
from annotator.formats.writing import passing
from annotator.job_context import QUIET, JobContext

_BEGINNING = (1980, 1, 1, 0, 0, 0)
_BLOCK = 1 << 20


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write an archive; see ``spec.Writer``. With ``images`` copied, the pictures lie in it too; a zip holds no links."""
    mode = ImagesMode(images)
    if mode is ImagesMode.LINK:
        raise FormatError(f"{target} is a zip, which holds no links.", "Copy the pictures, or leave them.", path=target)
    check_names(dataset)
    tally = Tally()
    with Target(target, merge=merge, replace=replace, is_file=True) as place:
        standing = reader.read(target).dataset if merge and target.is_file() else None
        if standing is not None:
            dataset = joined(dataset, standing, tally)
        with zipfile.ZipFile(place.file, "x", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            _Work(archive, dataset, tally).write(mode, context)
    return tally.report("archive", target)


class _Work:
    def __init__(self, archive: zipfile.ZipFile, dataset: Dataset, tally: Tally) -> None:
        self._archive, self._dataset, self._tally = archive, dataset, tally
        self._unheld = Unheld(SPEC, tally)
        self._unheld.labels(dataset)
        self._known = {"", *(label.name for label in dataset.labels)}

    def write(self, mode: ImagesMode, context: JobContext) -> None:
        manifest = Manifest(MARK, VERSION, extra=dict(self._dataset.extra))
        self._member(MANIFEST, [encoder.encode(manifest)])
        self._member(LABELS, [encoder.encode([label_line(label) for label in self._dataset.labels])])
        pictures: list[DatasetImage] = []
        with self._archive.open(_info(IMAGES), "w", force_zip64=True) as file:
            for image in passing(self._dataset, self._unheld, context, "the archive"):
                for one in image.annotations:
                    if one.label not in self._known:
                        raise unknown(one.label, image.name)
                    self._tally.kept(one.label, one.geometry.kind.value, image.name)
                file.write(encoder.encode(image_line(image)) + b"\n")
                self._tally.images += 1
                self._tally.annotations += len(image.annotations)
                if mode is ImagesMode.COPY:
                    pictures.append(image)
        for number, image in enumerate(pictures):
            context.check_cancelled()
            context.progress(number, len(pictures), "packing pictures")
            self._picture(image)
        for name, chunks in self._dataset.attachments.items():
            context.check_cancelled()
            self._member(name, chunks())

    def _member(self, name: str, chunks: Iterable[bytes]) -> None:
        with self._archive.open(_info(name), "w", force_zip64=True) as file:
            for chunk in chunks:
                file.write(chunk)

    def _picture(self, image: DatasetImage) -> None:
        if image.path is None or not image.path.is_file():
            self._tally.dropped("", "image file", "the picture is missing", image.name)
            return
        info = _info(PICTURES + clean_name(image.name))
        info.compress_type = zipfile.ZIP_STORED
        with image.path.open("rb") as source, self._archive.open(info, "w", force_zip64=True) as file:
            while block := source.read(_BLOCK):
                file.write(block)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _BEGINNING)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info
