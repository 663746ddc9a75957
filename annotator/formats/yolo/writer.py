"""Writes YOLO: images/ and labels/ by split, lists of pictures, and a data.yaml. Boxes, or outlines when there is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from annotator.domain.geometry import XY, Box, Mask, Polygon, RotatedBox
from annotator.domain.kinds import Split
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.labels import positions, unknown
from annotator.formats.names import without_suffix
from annotator.formats.outline import keyhole, traced
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
from annotator.formats.yolo.layout import standing_names
from annotator.formats.yolo.spec import SPEC
from annotator.job_context import QUIET, JobContext

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
        for done, image in enumerate(dataset.images):
            if done % 64 == 0:
                context.check_cancelled()
                context.progress(done, None, "writing YOLO")
            work.add(image)
        work.finish()
    return tally.report("yolo", target)


class _Work:
    def __init__(self, dataset: Dataset, place: Target, mode: ImagesMode, tally: Tally) -> None:
        self._place, self._mode, self._tally = place, mode, tally
        self._numbers = positions(dataset, tally)
        self._header = dict(own(dataset.extra, "yolo"))
        self._unheld = Unheld(SPEC, tally)
        self._unheld.labels(dataset)
        outlines = (Polygon, Mask, RotatedBox)
        self._segment = any(isinstance(a.geometry, outlines) for i in dataset.images for a in i.annotations)
        self._lists: dict[Split, list[str]] = {Split.TRAIN: []}
        self._stems: set[str] = set()

    def add(self, image: DatasetImage) -> None:
        if not self._unheld.image(image):
            return
        if "\n" in image.name or "\r" in image.name:
            self._tally.dropped("", "image", "a name with a line break cannot stand in YOLO's lists", image.name)
            return
        split = image.split or Split.TRAIN
        if image.split is None:
            self._tally.converted("", "split", "images without a split are written to train", image.name)
        name = self._apart(image.name, split)
        lines = [line for one in image.annotations if (line := self._line(one, image))]
        self._tally.images += 1
        self._tally.annotations += len(lines)
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

    def _apart(self, name: str, split: Split) -> str:
        """A name whose label file no other picture has: YOLO drops the ending, so a.jpg and a.png would share one."""
        stem, suffix = without_suffix(name), Path(name).suffix
        free = stem
        count = 1
        while f"{split.value}/{free}" in self._stems:
            count += 1
            free = f"{stem}_{count}"
        self._stems.add(f"{split.value}/{free}")
        if free != stem:
            how = "another picture of that name has a different ending, and YOLO would give both one label file"
            self._tally.converted("", "image name", f"renamed: {how}", name)
        return free + suffix

    def _line(self, annotation: DatasetAnnotation, image: DatasetImage) -> str:
        """The line, or nothing when it was dropped (and reported)."""
        geometry, label = annotation.geometry, annotation.label
        kind = geometry.kind.value
        if not isinstance(geometry, Box | RotatedBox | Polygon | Mask):
            self._tally.dropped(label, kind, WHY, image.name)
            return ""
        if label not in self._numbers:
            raise unknown(label, image.name)
        if not (image.width and image.height):
            self._tally.dropped(label, kind, "relative numbers need the image's size, which is not known", image.name)
            return ""
        how = ""
        if isinstance(geometry, Box) and not self._segment:
            values = _relative_box(geometry, image.width, image.height)
        else:
            ring, how = _ring(geometry)
            values = [v for x, y in ring for v in (x / image.width, y / image.height)]
        if annotation.suggested:
            how = "; ".join(filter(None, (how, "a suggestion, written like an annotation")))
        if how:
            self._tally.converted(label, kind, how, image.name)
        else:
            self._tally.kept(label, kind, image.name)
        self._unheld.annotation(annotation, image)
        return f"{self._numbers[label]} {' '.join(map(repr, values))}\n"


def _with_standing_names(dataset: Dataset, names: dict[int, str]) -> Dataset:
    """The labels in the order of the data.yaml that stands, new ones behind them, so that its label files stay true."""
    ours = {label.name: label for label in dataset.labels}
    first = [ours.pop(name, DatasetLabel(name)) for _, name in sorted(names.items())]
    return replace(dataset, labels=tuple(replace(label, foreign_id=None) for label in (*first, *ours.values())))


def _relative_box(box: Box, width: int, height: int) -> list[float]:
    return [
        (box.x1 + box.x2) / 2 / width,
        (box.y1 + box.y2) / 2 / height,
        (box.x2 - box.x1) / width,
        (box.y2 - box.y1) / height,
    ]


def _ring(geometry: Box | RotatedBox | Polygon | Mask) -> tuple[tuple[XY, ...], str]:
    """One closed outline and what was done for it."""
    match geometry:
        case Box(x1, y1, x2, y2):
            return ((x1, y1), (x2, y1), (x2, y2), (x1, y2)), _BOX_AS_OUTLINE
        case RotatedBox():
            return geometry.corners(), "written as its four corners"
        case Mask():
            return keyhole(traced(geometry)), "traced along its pixels; parts and holes joined by cuts without width"
        case Polygon():
            if len(geometry.parts) == 1 and not geometry.parts[0].holes:
                return geometry.parts[0].outer, ""
            return keyhole(geometry), "its parts and holes are joined by cuts without width, as YOLO has one outline"
