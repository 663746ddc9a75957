"""Writes YOLO: images/ and labels/ by split, lists of pictures, and a data.yaml; boxes, outlines, rotated boxes or poses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from annotator.domain.geometry import XY, Box, Caption, Geometry, Keypoints, Mask, Polygon, RotatedBox
from annotator.domain.kinds import Split
from annotator.formats.corners import corners
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.labels import positions, unknown
from annotator.formats.names import without_suffix
from annotator.formats.outline import keyhole, traced
from annotator.formats.placed import standing
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
from annotator.formats.writing import FreeStems, passing, tell
from annotator.formats.yolo.layout import standing_names
from annotator.formats.yolo.spec import SPEC
from annotator.formats.yolo.tasks import YoloTask, pose_values, relative_box, task_of
from annotator.job_context import QUIET, JobContext

_POINTS_ALONE = "the dataset has outlines or rotated boxes, and YOLO holds keypoints in a dataset without them"
_BOX_AS_OUTLINE = "written as its four corners, because the dataset has outlines and YOLO reads one or the other"


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write YOLO; see ``spec.Writer``. Images are iterated twice, first to see whether there are outlines."""
    tally = Tally()
    with Target(target, merge=merge, replace=replace) as place:
        config = place.path / "data.yaml"
        if merge and config.is_file():
            dataset = _with_standing_names(dataset, standing_names(config))
        work = _Work(dataset, place, ImagesMode(images), tally)
        for image in passing(dataset, work.unheld, context, "YOLO"):
            work.add(image)
        work.finish()
    return tally.report("yolo", target)


class CannotWriteError(Exception):
    """This annotation has no line; the text says why."""


class _Work:
    def __init__(self, dataset: Dataset, place: Target, mode: ImagesMode, tally: Tally) -> None:
        self._place, self._mode, self._tally = place, mode, tally
        self._numbers = positions(dataset, tally)
        self._header = dict(own(dataset.extra, "yolo"))
        self.unheld = Unheld(SPEC, tally)
        declared = self._header.pop("task", None) == YoloTask.OBB
        self._task = task_of((a.geometry for i in dataset.images for a in i.annotations), declared=declared)
        self._points = _points_of(dataset) if self._task is YoloTask.POSE else ()
        self.unheld.labels(_without_held_skeletons(dataset) if self._points else dataset)
        for key in () if self._points else ("kpt_shape", "kpt_names", "flip_idx"):
            self._header.pop(key, None)
        self._lists: dict[Split, list[str]] = {Split.TRAIN: []}
        self._stems = FreeStems(tally, "YOLO")

    def add(self, image: DatasetImage) -> None:
        if "\n" in image.name or "\r" in image.name:
            self._tally.dropped("", "image", "a name with a line break cannot stand in YOLO's lists", image.name)
            return
        split = image.split or Split.TRAIN
        if image.split is None:
            self._tally.converted("", "split", "images without a split are written to train", image.name)
        name = self._stems.free(image.name, f"{split.value}/")
        lines = self._lines(image)
        self._tally.images += 1
        self._place.add_image(image.path, f"images/{split.value}/{name}", self._mode, self._tally, image.name)
        self._place.write(f"labels/{split.value}/{without_suffix(name)}.txt", "".join(lines).encode())
        self._lists.setdefault(split, []).append(f"./images/{split.value}/{name}\n")

    def finish(self) -> None:
        if self._place.merge:
            self._add_standing()
        for split, lines in self._lists.items():
            self._place.write(f"{split.value}.txt", "".join(lines).encode())
        content = {**self._header, "train": "train.txt", "val": "val.txt"}
        if Split.VAL not in self._lists:
            content["val"] = "train.txt"
            self._tally.note("no image is in val: data.yaml names the training images there, as YOLO demands one")
        if Split.TEST in self._lists:
            content["test"] = "test.txt"
        if self._task is YoloTask.OBB:
            content["task"] = self._task.value
        if self._points:
            content["kpt_shape"] = [len(self._points), 3]
            content["kpt_names"] = {number: list(self._points) for number in self._numbers.values()}
        content["names"] = {number: name for name, number in self._numbers.items()}
        self._place.write("data.yaml", yaml.safe_dump(content, allow_unicode=True, sort_keys=False).encode())

    def _add_standing(self) -> None:
        """Keep the lines of existing lists whose pictures this export does not write."""
        written = {line.split("/", 3)[3]: split for split, lines in self._lists.items() for line in lines}
        for split in Split:
            file = self._place.path / f"{split.value}.txt"
            for line in file.read_text("utf-8", "replace").splitlines(keepends=True) if file.is_file() else ():
                name = line.split("/", 3)[-1]
                if name not in written:
                    self._lists.setdefault(split, []).append(line if line.endswith("\n") else line + "\n")
                elif written[name] is not split:
                    stale = f"labels/{split.value}/{without_suffix(name.strip())}.txt"
                    self._tally.warn(f"{name.strip()} moved from {split.value}: its old {stale} stays; delete it")

    def _lines(self, image: DatasetImage) -> list[str]:
        """The lines of an image; what is dropped is reported. Keypoints and the box of their line are one line again."""
        pairs = self._pairs(image)
        lines: list[str] = []
        written: set[int] = set()
        for one in image.annotations:
            if id(one) in written:
                continue
            box, partner = pairs.get(id(one), (one, None))
            written |= {id(box), id(partner)}
            if line := self._line(box, image, partner):
                lines.append(line)
        return lines

    def _pairs(self, image: DatasetImage) -> dict[int, tuple[DatasetAnnotation, DatasetAnnotation]]:
        """Box and keypoints that came from one line, under the identity of each."""
        boxes: dict[Any, DatasetAnnotation] = {}
        points: dict[Any, DatasetAnnotation] = {}
        for one in image.annotations if self._task is YoloTask.POSE else ():
            line = own(one.extra, "yolo").get("line")
            if line is not None and isinstance(one.geometry, Box | Keypoints):
                found = boxes if isinstance(one.geometry, Box) else points
                found.setdefault((line, one.label, one.suggested), one)
        pairs = [(boxes[key], points[key]) for key in boxes if key in points]
        return {id(one): pair for pair in pairs for one in pair}

    def _line(self, annotation: DatasetAnnotation, image: DatasetImage, partner: DatasetAnnotation | None) -> str:
        """The line, or nothing when it was dropped (and reported)."""
        label, kind = annotation.label, annotation.geometry.kind.value
        if label not in self._numbers and not isinstance(annotation.geometry, Caption):
            raise unknown(label, image.name)
        try:
            if not isinstance(annotation.geometry, Box | RotatedBox | Polygon | Mask | Keypoints):
                raise CannotWriteError(WHY)
            if not (image.width and image.height):
                raise CannotWriteError("relative numbers need the image's size, which is not known")
            values, how = self._values(annotation.geometry, partner, image.width, image.height)
            before = standing(own(annotation.extra, "yolo"), annotation.geometry, image.width, image.height)
            if isinstance(before, list) and len(before) == len(values) and partner is None:
                values = before
        except CannotWriteError as reason:
            self._tally.dropped(label, kind, str(reason), image.name)
            return ""
        for one in filter(None, (annotation, partner)):
            tell(self._tally, one, image, how)
            self.unheld.annotation(one, image)
        return f"{self._numbers[label]} {' '.join(map(repr, values))}\n"

    def _values(
        self, geometry: Geometry, partner: DatasetAnnotation | None, width: int, height: int
    ) -> tuple[list[float], str]:
        if isinstance(geometry, Keypoints) and self._task is not YoloTask.POSE:
            raise CannotWriteError(_POINTS_ALONE)
        if self._task is YoloTask.POSE and isinstance(geometry, Box | Keypoints):
            points = geometry if isinstance(geometry, Keypoints) else partner.geometry if partner else None
            if isinstance(geometry, Keypoints) and geometry.bounds() is None:
                raise CannotWriteError("none of its keypoints is labelled, so there is no box around them")
            around = geometry if isinstance(geometry, Box) else None
            shown = points if isinstance(points, Keypoints) else None
            return pose_values(around, shown, len(self._points), width, height), ""
        if isinstance(geometry, Box) and self._task is YoloTask.DETECT:
            return relative_box(*geometry.bounds(), width, height), ""
        ring, how = _ring(geometry, rotated=self._task is YoloTask.OBB)
        return [v for x, y in ring for v in (x / width, y / height)], how


def _without_held_skeletons(dataset: Dataset) -> Dataset:
    """The dataset as the report sees it: names of points are kept, the lines between them are not."""
    held = (label.skeleton is not None and not label.skeleton.edges for label in dataset.labels)
    labels = (replace(label, skeleton=None) if h else label for label, h in zip(dataset.labels, held, strict=True))
    return replace(dataset, labels=tuple(labels))


def _points_of(dataset: Dataset) -> tuple[str, ...]:
    """Names of the keypoints that each line gets: those of the longest skeleton, or numbers."""
    longest = max((label.skeleton.points for label in dataset.labels if label.skeleton), key=len, default=())
    count = max(
        len(a.geometry.points) for i in dataset.images for a in i.annotations if isinstance(a.geometry, Keypoints)
    )
    return longest if len(longest) >= count else tuple(str(number + 1) for number in range(count))


def _with_standing_names(dataset: Dataset, names: dict[int, str]) -> Dataset:
    """The labels in the order of the data.yaml that stands, new ones behind them, so that its label files stay true."""
    ours = {label.name: label for label in dataset.labels}
    first = [ours.pop(name, DatasetLabel(name)) for _, name in sorted(names.items())]
    return replace(dataset, labels=tuple(replace(label, foreign_id=None) for label in (*first, *ours.values())))


def _ring(geometry: Geometry, *, rotated: bool) -> tuple[tuple[XY, ...], str]:
    """One closed outline and what was done for it."""
    match geometry:
        case Box():
            return corners(geometry), _BOX_AS_OUTLINE
        case RotatedBox():
            return corners(geometry), "" if rotated else "written as its four corners"
        case Mask():
            return keyhole(traced(geometry)), "traced along its pixels; parts and holes joined by cuts without width"
        case Polygon():
            if len(geometry.parts) == 1 and not geometry.parts[0].holes:
                return geometry.parts[0].outer, ""
            return keyhole(geometry), "its parts and holes are joined by cuts without width, as YOLO has one outline"
    raise CannotWriteError(WHY)
