"""Named versions of the dataset: what it was at a moment, exported again with the same bytes, and what changed between two.

A version is an archive in the project's ``versions/`` folder. It never changes; its annotations keep the labels' names of then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from annotator.domain.kinds import Split, Task
from annotator.domain.records import ImageFilter, now
from annotator.errors import AnnotatorError, UsageError
from annotator.formats import registry
from annotator.formats.archive.records import encoder, image_line
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.report import own
from annotator.formats.spec import FormatSpec
from annotator.job_context import JobContext
from annotator.usecases.image_view import ImageView
from annotator.usecases.live_dataset import live_dataset
from annotator.usecases.parts import Parts
from annotator.usecases.results import DiffResult, LabelDiff, VersionResult

OURS = "annotator"
"""Under this name a version keeps what a dataset has no place for: which version it is, and the images' ids and done tasks."""
CURRENT = "current"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHAPES = frozenset({Task.BOXES.value, Task.MASKS.value, Task.KEYPOINTS.value})
_SHOWN = 20


def create(parts: Parts, name: str, note: str, context: JobContext) -> VersionResult:
    """Keep the dataset as it is now under ``name``; raises ``UsageError`` for a name that is taken or cannot be a file's."""
    if not _NAME.fullmatch(name) or name == CURRENT:
        raise UsageError(f"A version cannot be named {name!r}.", "Use letters, digits, dots, dashes and underscores.")
    target = _file(parts, name)
    if target.exists():
        raise UsageError(f"There is a version {name} already.", "Choose another name: versions never change.")
    ids = ImageView(parts).ids(ImageFilter())
    dataset = live_dataset(parts, ids, context)
    with parts.db.read() as reader:
        edits = reader.edits.count()
    about = {"name": name, "note": note, "annotator": parts.annotator, "created_at": now(), "edits": edits}
    target.parent.mkdir(exist_ok=True)
    kept = replace(dataset, images=_Marked(parts, dataset.images), extra={**dataset.extra, OURS: about})
    report = registry.writer("archive").write(kept, target, context=context)
    with parts.db.read() as reader:
        return _result({**about, "images": report.images, "annotations": report.annotations})


def versions(parts: Parts) -> tuple[VersionResult, ...]:
    """All versions, oldest first."""
    found = [_result(_about(parts, name)) for name in names(parts)]
    return tuple(sorted(found, key=lambda each: each.created_at))


def names(parts: Parts) -> tuple[str, ...]:
    """The names of all versions, without a look into them."""
    return tuple(sorted(file.stem for file in (parts.folder / "versions").glob("*.zip")))


def chosen(
    parts: Parts,
    name: str,
    spec: FormatSpec,
    scope: str,
    splits: Iterable[Split],
    only: Iterable[int] | None = None,
) -> Dataset:
    """The dataset of a version with the images that an export of ``scope`` and ``splits`` writes in the format of ``spec``."""
    dataset = _read(parts, name)
    images = _Chosen(parts, dataset.images, spec, scope, frozenset(splits), None if only is None else frozenset(only))
    return replace(dataset, images=images, extra=_without_ours(dataset.extra))


@dataclass
class Changes:
    """What differs between two versions, with the ids of the images that it is on, in the order of the later version.

    ``changed`` annotations of a label count among both the added and the removed ones: on the same image one came and one went.
    """

    before: str
    after: str
    images_added: list[int] = field(default_factory=list)
    images_removed: list[int] = field(default_factory=list)
    images_changed: list[int] = field(default_factory=list)
    on_images: dict[str, list[int]] = field(default_factory=dict)
    added: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    names: list[str] = field(default_factory=list)

    def result(self) -> DiffResult:
        """The figures alone."""
        names = sorted(self.added.keys() | self.removed.keys())
        return DiffResult(
            self.before,
            self.after,
            len(self.images_added),
            len(self.images_removed),
            len(self.images_changed),
            tuple(LabelDiff(name, self.added[name], self.removed[name], self.changed[name]) for name in names),
            tuple(self.names[:_SHOWN]),
        )

    def note(self, image: DatasetImage, more: Counter[str], fewer: Counter[str]) -> None:
        """Count what came to and went from an image."""
        self.added.update(more)
        self.removed.update(fewer)
        self.changed.update(more & fewer)
        for name in more | fewer:
            self.on_images.setdefault(name, []).append(_id(image))


def diff(parts: Parts, before: str, after: str, context: JobContext) -> Changes:
    """What was added, removed and changed from one version to another; ``CURRENT`` is the project as it is now."""
    found = Changes(before, after)
    context.progress(0, None, "Comparing")
    old = {image.name: image for image in _images(parts, before, context)}
    for image in _images(parts, after, context):
        context.check_cancelled()
        known = old.pop(image.name, None)
        here, there = _content(image), _content(known)
        more, fewer = _labels(here - there), _labels(there - here)
        found.note(image, more, fewer)
        if known is None:
            found.images_added.append(_id(image))
        elif more or fewer or _state(image) != _state(known):
            found.images_changed.append(_id(image))
            found.names.append(image.name)
    for image in old.values():
        found.images_removed.append(_id(image))
        found.note(image, Counter(), _labels(_content(image)))
    return found


def _id(image: DatasetImage) -> int:
    return int(own(image.extra, OURS).get("id", 0))


class _Marked:
    """Images with their id and the tasks they are done for, which a dataset has no place for."""

    def __init__(self, parts: Parts, images: Iterable[DatasetImage]) -> None:
        self._parts, self._images = parts, images
        self._by_path = {str(path): image_id for image_id, path in _paths(parts)}
        with parts.db.read() as reader:
            self._done = {task: set(reader.images.done_ids(task).tolist()) for task in Task}

    def __iter__(self) -> Iterator[DatasetImage]:
        for image in self._images:
            image_id = self._by_path[str(image.path)]
            done = [task.value for task, ids in self._done.items() if image_id in ids]
            yield replace(image, extra={**image.extra, OURS: {"id": image_id, "done": done}})


class _Chosen:
    """The images of a version that an export writes, with the files where the project has them now."""

    def __init__(
        self,
        parts: Parts,
        images: Iterable[DatasetImage],
        spec: FormatSpec,
        scope: str,
        splits: frozenset[Split],
        only: frozenset[int] | None,
    ) -> None:
        self._images, self._scope, self._splits, self._only = images, scope, splits, only
        self._held = spec.kinds | set(spec.converts)
        self._paths = dict(_paths(parts))
        self._tags = any(kind.value == "tag" for kind in self._held)

    def __iter__(self) -> Iterator[DatasetImage]:
        for image in self._images:
            if self._is_written(image):
                path = self._paths.get(own(image.extra, OURS).get("id", 0))
                yield replace(image, path=path, extra=_without_ours(image.extra))

    def _is_written(self, image: DatasetImage) -> bool:
        if self._splits and image.split not in self._splits:
            return False
        if self._only is not None and own(image.extra, OURS).get("id", 0) not in self._only:
            return False
        if self._scope != "all" and not (image.done or (self._scope == "done_or_annotated" and image.annotations)):
            return False
        held = any(one.geometry.kind in self._held for one in image.annotations)
        return self._scope == "all" or self._tags or held or bool(_SHAPES & set(own(image.extra, OURS).get("done", ())))


def _paths(parts: Parts) -> Iterator[tuple[int, Path]]:
    view = ImageView(parts)
    ids = view.ids().tolist()
    for at in range(0, len(ids), 5_000):
        for image in view.many(ids[at : at + 5_000]):
            yield image.id, view.path_of(image)


def _file(parts: Parts, name: str) -> Path:
    return parts.folder / "versions" / f"{name}.zip"


def _read(parts: Parts, name: str) -> Dataset:
    file = _file(parts, name)
    if not _NAME.fullmatch(name) or not file.is_file():
        known = ", ".join(names(parts))
        raise UsageError(f"There is no version {name!r}.", f"There is: {known}." if known else "Make one first.")
    return registry.reader("archive").read(file).dataset


def _about(parts: Parts, name: str) -> dict[str, Any]:
    dataset = _read(parts, name)
    about = own(dataset.extra, OURS)
    if about.get("name") != name:
        file = _file(parts, name)
        raise AnnotatorError(f"{file} is no version of this project.", "Move it out of the folder.", path=file)
    images = annotations = 0
    for image in dataset.images:
        images, annotations = images + 1, annotations + len(image.annotations)
    return {**about, "images": images, "annotations": annotations}


def _result(about: dict[str, Any]) -> VersionResult:
    return VersionResult(**{name: about[name] for name in VersionResult.__dataclass_fields__})


def _images(parts: Parts, name: str, context: JobContext) -> Iterable[DatasetImage]:
    if name == CURRENT:
        return _Marked(parts, live_dataset(parts, ImageView(parts).ids(ImageFilter()), context).images)
    return _read(parts, name).images


def _content(image: DatasetImage | None) -> Counter[tuple[str, bytes]]:
    """The annotations of an image as (label, all that they say)."""
    if image is None:
        return Counter()
    return Counter((one.label, _line(one)) for one in image.annotations)


def _line(one: DatasetAnnotation) -> bytes:
    return encoder.encode(image_line(DatasetImage("", (one,))))


def _labels(content: Counter[tuple[str, bytes]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for (label, _), number in content.items():
        counts[label] += number
    return counts


def _state(image: DatasetImage) -> tuple[object, ...]:
    return image.split, image.done, image.flagged, image.note


def _without_ours(extra: Any) -> dict[str, Any]:
    return {key: value for key, value in extra.items() if key != OURS}
