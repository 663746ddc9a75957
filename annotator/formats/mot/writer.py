"""Writes MOT: a folder per sequence with gt/gt.txt, gt/labels.txt, seqinfo.ini and img1/, det/det.txt for suggestions."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from annotator.domain.geometry import Box
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.labels import positions, unknown
from annotator.formats.merging import joined
from annotator.formats.mot import reader
from annotator.formats.mot.spec import IGNORED, LISTS, SPEC, VISIBILITY
from annotator.formats.names import clean_name
from annotator.formats.numbers import extent, written
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.splits import split_named
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
from annotator.formats.writing import passing, tell
from annotator.job_context import QUIET, JobContext

_PLACE = re.compile(r"(?:(?P<sequence>.+)/)?img1/(?P<frame>\d{6,9})(?P<ending>\.\w+)")
_DETECTION = "written to det/det.txt, which has scores but no classes"


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write MOT; see ``spec.Writer``. Images that are in no sequence become one of their folder, in their order."""
    tally, mode = Tally(), ImagesMode(images)
    with Target(target, merge=merge, replace=replace) as place:
        if merge and any(next(place.path.rglob(pattern), None) for pattern in LISTS):
            dataset = joined(dataset, reader.read(place.path).dataset, tally)
        unheld = Unheld(SPEC, tally)
        unheld.labels(dataset)
        work = _Work(dataset, place, mode, tally, unheld)
        for image in passing(dataset, unheld, context, "MOT"):
            work.add(image)
        work.finish()
    return tally.report("mot", target)


@dataclass
class _Sequence:
    ending: str
    size: tuple[int, int]
    gt: list[str] = field(default_factory=list)
    det: list[str] = field(default_factory=list)
    frames: set[int] = field(default_factory=set)


class _Work:
    def __init__(self, dataset: Dataset, place: Target, mode: ImagesMode, tally: Tally, unheld: Unheld) -> None:
        self._place, self._mode, self._tally, self._unheld = place, mode, tally, unheld
        self._labels = [label.name for label in dataset.labels]
        self._numbers = positions(dataset, tally, first=1)
        headers = own(dataset.extra, "mot").get("sequences")
        self._headers: Mapping[str, Any] = headers if isinstance(headers, Mapping) else {}
        self._zero_based = {image.sequence for image in dataset.images if image.sequence and image.frame < 1}
        self._sequences: dict[str, _Sequence] = {}

    def add(self, image: DatasetImage) -> None:
        """Take in one image."""
        name, frame, ending = self._where(image)
        key = f"{image.split.value}/{name}" if image.split else name
        if image.split is None and "/" in name and split_named(name.split("/")[0]):
            self._tally.converted("", "split", "its folder is named as a split, and will be read as one", image.name)
        sequence = self._sequences.setdefault(key, _Sequence(ending, (image.width, image.height)))
        if frame in sequence.frames:
            frame = max(sequence.frames) + 1
        sequence.frames.add(frame)
        called = f"{name}/img1/{frame:06d}{ending}"
        if called != image.name:
            self._tally.renamed(image.name, called, "a picture is its sequence's frame of a number")
        if (image.width, image.height) != sequence.size:
            self._tally.converted("", "image size", "seqinfo.ini has one size for all frames", image.name)
        for one in image.annotations:
            if not isinstance(one.geometry, Box):
                self._tally.dropped(one.label, one.geometry.kind.value, WHY, image.name)
            elif one.suggested:
                self._detection(one, one.geometry, frame, sequence, image)
            else:
                self._annotation(one, one.geometry, frame, sequence, image)
        self._tally.images += 1
        self._place.add_image(image.path, f"{key}/img1/{frame:06d}{ending}", self._mode, self._tally, image.name)

    def finish(self) -> None:
        """Write the lists."""
        labels = "".join(" ".join(name.split("\n")) + "\n" for name in self._labels).encode()
        for key, sequence in self._sequences.items():
            self._place.write(f"{key}/gt/gt.txt", "".join(sequence.gt).encode())
            self._place.write(f"{key}/gt/labels.txt", labels)
            if sequence.det:
                self._place.write(f"{key}/det/det.txt", "".join(sequence.det).encode())
            self._place.write(f"{key}/seqinfo.ini", self._header(key, sequence).encode())
        if not self._sequences:
            self._place.write("gt/gt.txt", b"")
            self._place.write("gt/labels.txt", labels)

    def _header(self, key: str, sequence: _Sequence) -> str:
        name = key.split("/", 1)[1] if key not in self._headers and "/" in key else key
        foreign = self._headers.get(key) or self._headers.get(name) or {}
        lines = {
            "name": PurePosixPath(key).name,
            "imDir": "img1",
            "frameRate": "30",
            "seqLength": str(max(sequence.frames)),
            "imWidth": str(sequence.size[0]),
            "imHeight": str(sequence.size[1]),
            "imExt": sequence.ending,
            **{str(k): str(v) for k, v in foreign.items() if "\n" not in f"{k}{v}"},
        }
        return "[Sequence]\n" + "".join(f"{k}={v}\n" for k, v in lines.items())

    def _where(self, image: DatasetImage) -> tuple[str, int, str]:
        """(sequence, frame, ending) of an image: as its name says, or its sequence, or the next of its folder."""
        found = _PLACE.fullmatch(image.name)
        if found and int(found["frame"]) > 0 and f"{int(found['frame']):06d}" == found["frame"]:
            return found["sequence"] or image.sequence or "sequence", int(found["frame"]), found["ending"]
        path = PurePosixPath(image.name)
        ending = path.suffix or ".jpg"
        if image.sequence:
            name = clean_name(image.sequence) or "sequence"
            return name, image.frame + (image.sequence in self._zero_based), ending
        name = str(path.parent) if str(path.parent) != "." else "sequence"
        key = f"{image.split.value}/{name}" if image.split else name
        taken = self._sequences[key].frames if key in self._sequences else {0}
        return name, max(taken) + 1, ending

    def _annotation(
        self, one: DatasetAnnotation, box: Box, frame: int, sequence: _Sequence, image: DatasetImage
    ) -> None:
        number = self._number(one, image)
        tell(self._tally, one, image)
        self._unheld.annotation(one, image)
        track = -1 if one.track_id is None else one.track_id
        flag = 0 if one.attributes.get(IGNORED) is True else 1
        visible = one.attributes.get(VISIBILITY, 1)
        if isinstance(visible, bool) or not isinstance(visible, int | float):
            self._tally.dropped(one.label, f"attribute {VISIBILITY}", "it is no number", image.name)
            visible = 1
        sequence.gt.append(f"{frame},{track},{_box(box)},{flag},{number},{written(visible)}\n")

    def _detection(
        self, one: DatasetAnnotation, box: Box, frame: int, sequence: _Sequence, image: DatasetImage
    ) -> None:
        self._number(one, image)
        self._tally.annotations += 1
        how = _DETECTION if len(self._labels) > 1 else "written to det/det.txt"
        self._tally.converted(one.label, "box", how, image.name)
        self._unheld.annotation(dataclasses.replace(one, confidence=None), image)
        score = 1.0 if one.confidence is None else one.confidence
        track = -1 if one.track_id is None else one.track_id
        sequence.det.append(f"{frame},{track},{_box(box)},{written(score)},-1,-1,-1\n")

    def _number(self, one: DatasetAnnotation, image: DatasetImage) -> int:
        if one.label not in self._numbers:
            raise unknown(one.label, image.name)
        return self._numbers[one.label]


def _box(box: Box) -> str:
    left, top = box.x1 + 1, box.y1 + 1
    sizes = (left, top, extent(left - 1, box.x2), extent(top - 1, box.y2))
    return ",".join(map(written, sizes))
