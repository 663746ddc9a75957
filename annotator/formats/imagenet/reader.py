"""Reads pictures in folders named by their labels."""

from __future__ import annotations

from pathlib import Path

from annotator.domain.geometry import Tag
from annotator.errors import FormatError
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.findings import Findings
from annotator.formats.imagenet.spec import label_folder
from annotator.formats.lazy import LazyImages
from annotator.formats.peek import is_image_name
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.formats.splits import split_named
from annotator.job_context import QUIET, JobContext


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read folders of pictures; see ``spec.Reader``. Names keep their folders, so that they fit what a scan finds."""
    source = Source(path, unwrap=False)
    if not source.root.is_dir():
        raise FormatError(f"{path} is no folder.", "Name the folder that holds one folder per label.", path=path)
    findings = Findings(Tally(), skip_bad=skip_bad)
    root = _below_wrapper(source) if source.root != source.path else source.root
    files = {
        file.relative_to(root).as_posix(): file
        for file in sorted(root.rglob("*"))
        if is_image_name(file.name) and file.is_file() and not file.name.startswith(".")
    }
    names = []
    for name in files:
        if label_folder(name)[1]:
            names.append(name)
        else:
            findings.bad(files[name], "", "the picture lies in no folder that names a label")
    if not names:
        raise FormatError(f"{path} has no pictures in folders named by labels.", path=path)
    labels = tuple(DatasetLabel(label) for label in sorted({label_folder(name)[1] for name in names}))

    def image(name: str, _: Findings) -> DatasetImage:
        split, label = label_folder(name)
        width, height = (image_size(name) if image_size else None) or (0, 0)
        tag = DatasetAnnotation(label, Tag())
        return DatasetImage(name, (tag,), width, height, files[name], split_named(split), done=True)

    images = LazyImages("imagenet", source.path, names, image, findings, context, keep=source)
    return Imported(Dataset(labels, images), images.report)


def _below_wrapper(source: Source) -> Path:
    """The root of a zip: below a single folder that holds nothing but folders and is no split."""
    inside = list(source.root.iterdir())
    if len(inside) == 1 and inside[0].is_dir() and not split_named(inside[0].name):
        below = list(inside[0].iterdir())
        if len(below) > 1 and all(entry.is_dir() for entry in below):
            return inside[0]
    return source.root
