"""Writes pictures into folders named by their labels, below a folder of their split."""

from __future__ import annotations

from pathlib import Path

from annotator.domain.geometry import Tag
from annotator.errors import FormatError
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.imagenet.spec import SPEC
from annotator.formats.labels import report_unused, unknown
from annotator.formats.report import Report, Tally
from annotator.formats.spec import ImagesMode
from annotator.formats.splits import split_named
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
from annotator.job_context import QUIET, JobContext


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.COPY,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write folders of pictures; see ``spec.Writer``. The pictures are the dataset, so they must be copied or linked."""
    mode = ImagesMode(images)
    if mode is ImagesMode.NONE:
        raise FormatError(
            "ImageNet folders are made of pictures.", "Export with --images copy or --images link.", path=target
        )
    tally = Tally()
    unheld = Unheld(SPEC, tally)
    unheld.labels(dataset)
    folders = _folders(dataset, tally)
    used: set[str] = set()
    with Target(target, merge=merge, replace=replace) as place:
        for done, image in enumerate(dataset.images):
            if done % 64 == 0:
                context.check_cancelled()
                context.progress(done, None, "writing ImageNet folders")
            if not unheld.image(image):
                continue
            tag = _tag(image, tally)
            if tag is None:
                continue
            if tag.label not in folders:
                raise unknown(tag.label, image.name)
            if image.path is None or not image.path.is_file():
                tally.dropped(tag.label, "tag", "the picture is missing", image.name)
                continue
            used.add(tag.label)
            place.add_image(image.path, _place(image, folders[tag.label]), mode, tally, image.name)
            tally.images += 1
            tally.annotations += 1
            if tag.suggested:
                tally.converted(tag.label, "tag", "a suggestion, written like an annotation", image.name)
            else:
                tally.kept(tag.label, "tag", image.name)
            unheld.annotation(tag, image)
    report_unused(dataset, used, tally)
    return tally.report("imagenet", target)


def _tag(image: DatasetImage, tally: Tally) -> DatasetAnnotation | None:
    """The first tag, one that a person stands for before any suggestion; the others are reported."""
    tags = [one for one in image.annotations if isinstance(one.geometry, Tag)]
    chosen = min(tags, key=lambda one: one.suggested, default=None)
    for one in image.annotations:
        if one is not chosen:
            why = "an image lies in one folder only" if isinstance(one.geometry, Tag) else WHY
            tally.dropped(one.label, one.geometry.kind.value, why, image.name)
    if chosen is None and image.annotations:
        tally.dropped("", "image", "it has no tag, so no folder", image.name)
    return chosen


def _folders(dataset: Dataset, tally: Tally) -> dict[str, str]:
    """Folder of each label: its name, without what a folder's name cannot have."""
    folders: dict[str, str] = {}
    for label in dataset.labels:
        folder = "".join("_" if letter in '/\\:*?"<>|\x00' or ord(letter) < 32 else letter for letter in label.name)
        folder = folder.rstrip(". ") or "_"
        while folder in folders.values() or split_named(folder):
            folder += "_"
        if folder != label.name:
            tally.converted(label.name, "label", f"its folder is named {folder}", "")
        folders[label.name] = folder
    return folders


def _place(image: DatasetImage, folder: str) -> str:
    """Where the picture goes; a name that already starts with its split and label keeps its place."""
    parts = image.name.split("/")
    if len(parts) > 1 and split_named(parts[0]):
        parts = parts[1:]
    if len(parts) > 1 and parts[0] == folder:
        parts = parts[1:]
    return "/".join(([image.split.value] if image.split else []) + [folder, *parts])
