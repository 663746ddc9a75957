"""Writes Datumaro JSON: annotations/SUBSET.json, a subset for each split and ``default`` for images without one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from annotator.domain.geometry import Caption, Tag
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.datumaro import reader
from annotator.formats.datumaro.reader import FRAME, SCORE, SEQUENCE, TRACK
from annotator.formats.datumaro.shapes import CannotWriteError, write_shape
from annotator.formats.datumaro.spec import NO_SPLIT, SPEC
from annotator.formats.labels import positions, unknown
from annotator.formats.merging import joined
from annotator.formats.names import clean_name, without_suffix
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.splits import split_named
from annotator.formats.target import Target
from annotator.formats.unheld import Unheld
from annotator.formats.writing import FreeStems, passing, tell
from annotator.job_context import QUIET, JobContext

_VERSION = "1.0"
_IMAGES = 2
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_MANAGED = frozenset({"shape"})


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write Datumaro JSON; see ``spec.Writer``."""
    tally, mode = Tally(), ImagesMode(images)
    with Target(target, merge=merge, replace=replace) as place, ExitStack() as stack:
        if merge and any((place.path / "annotations").glob("*.json")):
            dataset = joined(dataset, reader.read(place.path).dataset, tally)
        unheld = Unheld(SPEC, tally)
        unheld.labels(dataset)
        work = _Work(dataset, place, mode, tally, unheld, stack)
        for image in passing(dataset, unheld, context, "Datumaro JSON"):
            work.add(image)
        work.finish()
    return tally.report("datumaro", target)


class _Work:
    def __init__(
        self, dataset: Dataset, place: Target, mode: ImagesMode, tally: Tally, unheld: Unheld, stack: ExitStack
    ) -> None:
        self._place, self._mode, self._tally, self._unheld, self._stack = place, mode, tally, unheld, stack
        self._numbers = positions(dataset, tally)
        self._head = self._header(dataset)
        self._stems = FreeStems(tally, "Datumaro")
        self._files: dict[str, BinaryIO] = {}

    def add(self, image: DatasetImage) -> None:
        """Write one image with its annotations."""
        foreign = own(image.extra, "datumaro")
        subset = image.split.value if image.split else self._subset(foreign)
        name = self._stems.free(image.name, f"{subset}/")
        info: dict[str, Any] = {"path": name}
        if image.width and image.height:
            info["size"] = [image.height, image.width]
        annotations = [body for one in image.annotations if (body := self._annotation(one, image))]
        item: dict[str, Any] = {"id": without_suffix(name), "annotations": annotations}
        attributes = dict(foreign.get("attr") or {})
        if image.sequence:
            attributes |= {SEQUENCE: image.sequence, FRAME: image.frame}
        if attributes:
            item["attr"] = attributes
        item["image"] = info
        self._write(subset, item)
        self._tally.images += 1
        self._place.add_image(image.path, f"images/{subset}/{name}", self._mode, self._tally, image.name)

    def finish(self) -> None:
        """Close the lists."""
        if not self._files:
            self._open(NO_SPLIT)
        for file in self._files.values():
            file.write(b"\n]}\n")
            file.close()

    def _write(self, subset: str, item: dict[str, Any]) -> None:
        first = subset not in self._files
        file = self._open(subset) if first else self._files[subset]
        file.write(b"\n" if first else b",\n")
        file.write(orjson.dumps(item, option=orjson.OPT_SERIALIZE_NUMPY))

    def _open(self, subset: str) -> BinaryIO:
        file = self._stack.enter_context(self._place.open(f"annotations/{subset}.json"))
        file.write(orjson.dumps(self._head)[:-1] + b',\n"items": [')
        self._files[subset] = file
        return file

    @staticmethod
    def _subset(foreign: Mapping[str, Any]) -> str:
        """The foreign subset's name, where it can be a file's and is none of a split."""
        name = foreign.get("subset")
        usable = isinstance(name, str) and clean_name(name) == name and "/" not in name and not split_named(name)
        return str(name) if usable and name else NO_SPLIT

    def _header(self, dataset: Dataset) -> dict[str, Any]:
        foreign = own(dataset.extra, "datumaro")
        labels = [self._label(label) for label in dataset.labels]
        categories: dict[str, Any] = {
            "label": {
                "labels": labels,
                "label_groups": foreign.get("label_groups") or [],
                "attributes": foreign.get("attributes") or [],
            }
        }
        colors = [(number, label.color) for number, label in enumerate(dataset.labels) if label.color]
        shown = [(number, color) for number, color in colors if _COLOR.fullmatch(color)]
        if shown:
            categories["mask"] = {"colormap": [_color(number, color) for number, color in shown]}
        for number, color in colors:
            if not _COLOR.fullmatch(color):
                self._tally.dropped(dataset.labels[number].name, "label colour", f"{color} is not #rrggbb", "")
        points = [
            {
                "label_id": number,
                "labels": list(label.skeleton.points),
                "joints": [[a + 1, b + 1] for a, b in label.skeleton.edges],
                "positions": [],
            }
            for number, label in enumerate(dataset.labels)
            if label.skeleton
        ]
        if points:
            categories["points"] = {"items": points}
        infos = foreign.get("infos") or {}
        return {"dm_format_version": _VERSION, "media_type": _IMAGES, "infos": infos, "categories": categories}

    @staticmethod
    def _label(label: DatasetLabel) -> dict[str, Any]:
        attributes = own(label.extra, "datumaro").get("attributes") or []
        return {"name": label.name, "parent": label.parent, "attributes": attributes}

    def _annotation(self, one: DatasetAnnotation, image: DatasetImage) -> dict[str, Any] | None:
        if one.label not in self._numbers and not isinstance(one.geometry, Caption):
            raise unknown(one.label, image.name)
        foreign = own(one.extra, "datumaro")
        try:
            fields, how = write_shape(one.geometry, foreign, image.width, image.height)
        except CannotWriteError as reason:
            self._tally.dropped(one.label, one.geometry.kind.value, str(reason), image.name)
            return None
        tell(self._tally, one, image, how)
        self._unheld.annotation(one, image)
        attributes = dict(one.attributes)
        if one.track_id is not None:
            attributes[TRACK] = one.track_id
        if one.confidence is not None:
            attributes[SCORE] = one.confidence
        kept = {key: value for key, value in foreign.items() if key not in _MANAGED}
        body = {"id": 0, **fields, "attributes": attributes, "group": 0, **kept}
        if one.label:
            body["label_id"] = self._numbers[one.label]
        if not isinstance(one.geometry, Tag | Caption):
            body["z_order"] = one.z_order
        elif one.z_order:
            kind = one.geometry.kind.value
            self._tally.dropped(one.label, f"z-order of a {kind}", "Datumaro's has none", image.name)
        return body


def _color(number: int, color: str) -> dict[str, int]:
    red, green, blue = bytes.fromhex(color[1:])
    return {"label_id": number, "r": red, "g": green, "b": blue}
