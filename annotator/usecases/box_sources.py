"""Where boxes come from: the project's own head, a foreign detector with its names mapped, or proposals named by their crops.

Each source looks at one opened picture and gives its boxes with classes that are the project's labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from annotator.domain.records import Image, Label
from annotator.errors import UsageError
from annotator.learning.detection import decode as decoding
from annotator.learning.detection.augment import mirrored
from annotator.learning.detection.decode import LEAST_SCORE, OVERLAP, Found
from annotator.learning.detection.views import View, draw, views_of
from annotator.models import catalogue
from annotator.models.boxes import overlap, suppress
from annotator.models.labels import IGNORE, map_names
from annotator.models.protocols import Detections, Detector, RegionProposer, RGBImage
from annotator.usecases.box_heads import BoxHead, looking_cache
from annotator.usecases.box_pictures import Opened, Pictures
from annotator.usecases.parts import Parts
from annotator.usecases.region_labels import RegionLabels
from annotator.usecases.settings_view import BOX_AGNOSTIC, BOX_MAP, BOX_MODEL, BOX_SECOND_LOOK, BOX_WEIGHTS

Bounds = tuple[float, float, float, float]

FOREIGN_SURE = 0.5
MAYBE_SHARE = 0.7
"""Boxes down to this part of the head's threshold are shown as maybes."""
LEFTOVER_OVERLAP = 0.4
"""What overlaps no box by more than this was missed, not doubled (Khanh et al., "LPLD", WACV 2025)."""
SECOND_LOOK = 0.6
"""Boxes down to this part of what is shown get a second look."""
REGION_SIDE = 1024


@dataclass(frozen=True)
class Looked:
    """What a source says of one image, and the ``tiles`` of it that it looked at."""

    found: Found
    tiles: tuple[Bounds, ...] = ()


class Source(Protocol):
    """Looks at pictures."""

    model_id: str
    version: str
    labels: tuple[Label, ...]
    sure_from: float

    def open(self, pictures: Pictures, images: Sequence[Image]) -> Iterator[tuple[Image, Opened | None]]: ...

    def look(self, opened: Opened) -> Looked: ...


class HeadSource:
    """The head that the project has trained."""

    def __init__(self, parts: Parts, head: BoxHead, labels: Mapping[int, Label], device: str) -> None:
        self.model_id = "embedded"
        self.version = head.head.version[:16]
        self.labels = tuple(labels.get(i, Label(i, "")) for i in head.label_ids)
        self.sure_from = head.sure_from
        self._gone = np.asarray([i not in labels for i in head.label_ids], bool)
        self._head = head.head
        with parts.db.read() as reader:
            self._looks_twice = bool(reader.settings.get(BOX_SECOND_LOOK))
        self._cache = looking_cache(parts, device, head.head.canvas)

    def open(self, pictures: Pictures, images: Sequence[Image]) -> Iterator[tuple[Image, Opened | None]]:
        """Pictures as sharp as the head's views need."""
        return pictures.stream(images, self._head.canvas, self._head.scale)

    def look(self, opened: Opened) -> Looked:
        """Boxes from a little below the head's threshold on; on a second look also weaker ones that the mirror confirms."""
        canvas = self._head.canvas
        views, canvases, found = self._seen(opened)
        floor = self.sure_from * MAYBE_SHARE
        kept = found.pick(found.scores >= floor)
        rescued = found.pick(found.scores < 0)
        if self._looks_twice:
            rescued = self._rescued(found, kept, canvases, views, floor)
        tiles = tuple((v.left, v.top, v.left + canvas.width / v.scale, v.top + canvas.height / v.scale) for v in views)
        return Looked(decoding.joined([kept, rescued], self._head.n_classes), tiles)

    def everything(self, opened: Opened) -> Found:
        """All boxes down to the least score, for measuring."""
        return self._seen(opened)[2]

    def _seen(self, opened: Opened) -> tuple[list[View], list[RGBImage], Found]:
        """The views of a picture, what was drawn of them, and the boxes."""
        canvas = self._head.canvas
        views = views_of(opened.width, opened.height, canvas, self._head.scale)
        canvases = [draw(opened.pixels, opened.scale, view, canvas) for view in views]
        heat, sides = self._head.maps(self._cache.features(canvases))
        heat[:, self._gone] = 0
        size = opened.width, opened.height
        return views, canvases, decoding.decode(heat, sides, views, canvas, size, LEAST_SCORE)

    def _rescued(
        self, found: Found, kept: Found, canvases: Sequence[RGBImage], views: Sequence[View], floor: float
    ) -> Found:
        """Of weak boxes that nothing covers, those that the mirrored picture shows so well that the mean is enough."""
        left = found.pick((found.scores < floor) & (found.scores >= SECOND_LOOK * floor))
        left = left.pick(np.asarray([not (overlap(b, kept.boxes) > LEFTOVER_OVERLAP).any() for b in left.boxes], bool))
        if not len(left):
            return left
        canvas = self._head.canvas
        wanted = np.unique(left.tiles)
        turned = [np.ascontiguousarray(canvases[at][:, ::-1]) for at in wanted]
        heat, sides = self._head.maps(self._cache.fresh(turned))
        scores = left.scores.copy()
        for place, at in enumerate(wanted):
            seen = decoding.peaks(heat[place], sides[place], LEAST_SCORE)
            boxes = views[at].to_image(mirrored(seen.boxes, canvas.width))
            for row in np.flatnonzero(left.tiles == at):
                same = (overlap(left.boxes[row], boxes) >= 0.5) & (seen.classes == left.classes[row])
                best = float(seen.scores[same].max()) if same.any() else 0.0
                scores[row] = (left.scores[row] + best) / 2
        sure = scores >= floor
        return replace(left, scores=scores.astype(np.float32), rescued=np.ones(len(left), bool)).pick(sure)


class DetectorSource:
    """A model that was trained elsewhere. Its names mean labels of the project, or its boxes are named by what is in them."""

    def __init__(self, parts: Parts, chosen: Chosen, labels: Sequence[Label], device: str) -> None:
        model: Any = catalogue.load(chosen.model_id, weights=chosen.weights, device=device)
        if not isinstance(model, Detector | RegionProposer):
            raise UsageError(
                f"{chosen.model_id} does not find boxes.", "`annotator models list` names models for boxes."
            )
        self._model: Detector | RegionProposer = model
        info = getattr(model, "info", None)
        self.model_id = chosen.name
        self.version = "" if info is None else str(info.version)
        self.labels = tuple(labels)
        self.sure_from = FOREIGN_SURE
        self._namer = None
        self._classes: tuple[int | None, ...] = ()
        if isinstance(self._model, Detector) and not chosen.agnostic:
            column = {label.id: at for at, label in enumerate(labels)}
            mapped = map_names(self._model.names, labels, chosen.names)
            self._classes = tuple(None if i is None else column[i] for i in mapped)
        if not any(at is not None for at in self._classes):
            if not chosen.agnostic and isinstance(self._model, Detector) and chosen.names:
                raise UsageError(
                    f"None of the names of {chosen.name} means a label of this project.",
                    "Map some with --map NAME=LABEL, or use --class-agnostic.",
                )
            self._namer = RegionLabels(parts, labels, device)

    @property
    def names_by_look(self) -> bool:
        """Whether labels come from the crops and not from the model's own names."""
        return self._namer is not None

    def open(self, pictures: Pictures, images: Sequence[Image]) -> Iterator[tuple[Image, Opened | None]]:
        """Pictures as large as the model takes them."""
        return pictures.whole(images, int(getattr(self._model, "input_side", REGION_SIDE)))

    def look(self, opened: Opened) -> Looked:
        """Boxes whose label is known."""
        seen = self._detections(opened.pixels)
        if self._namer is not None:
            mixes = self._namer.name(opened.pixels, seen.boxes) * seen.scores[:, None]
            classes = mixes.argmax(axis=1) if len(mixes) else np.zeros(0, np.int64)
            keep = np.arange(len(classes))
        else:
            mapped = np.asarray([-1 if at is None else at for at in self._classes], np.int64)
            classes = mapped[seen.classes]
            mixes = np.zeros((len(classes), len(self.labels)), np.float32)
            keep = np.flatnonzero(classes >= 0)
            mixes[keep, classes[keep]] = seen.scores[keep]
        boxes = (seen.boxes / np.float32(opened.scale)).astype(np.float32)
        found = Found(
            boxes,
            seen.scores,
            classes.astype(np.int64),
            mixes.astype(np.float32),
            tiles=np.zeros(len(boxes), np.int64),
            jitters=np.full(len(boxes), np.nan, np.float32),
            rescued=np.zeros(len(boxes), bool),
        ).pick(keep)
        return Looked(found.pick(suppress(found.boxes, found.scores, OVERLAP, found.classes)))

    def _detections(self, pixels: RGBImage) -> Detections:
        if isinstance(self._model, Detector):
            return self._model.detect([pixels])[0]
        regions = self._model.regions(pixels)
        return Detections(regions.boxes, regions.scores, np.zeros(len(regions.boxes), np.int64))


@dataclass(frozen=True)
class Chosen:
    """A detector that a person has named: ``names`` maps its names to label ids or "ignore"; ``agnostic`` sets them aside."""

    model_id: str
    weights: Path | None
    names: Mapping[str, int | str]
    agnostic: bool

    @property
    def name(self) -> str:
        """What runs say they were made by."""
        return f"{self.model_id}:{self.weights.stem}" if self.weights is not None else self.model_id


def remembered_detector(parts: Parts) -> Chosen | None:
    """The detector that the project uses before it has a head of its own; None when nobody has named one."""
    with parts.db.read() as reader:
        values = [reader.settings.get(key) for key in (BOX_MODEL, BOX_WEIGHTS, BOX_MAP, BOX_AGNOSTIC)]
    model_id, weights, names, agnostic = values
    if not model_id:
        return None
    return Chosen(str(model_id), None if weights is None else Path(weights), dict(names or {}), bool(agnostic))


def remember_detector(parts: Parts, chosen: Chosen) -> None:
    """Later runs use this detector too. Called once it is loaded."""
    if parts.read_only or chosen == remembered_detector(parts):
        return
    with parts.db.write("suggest") as writer:
        writer.settings.set(BOX_MODEL, chosen.model_id)
        writer.settings.set(BOX_WEIGHTS, None if chosen.weights is None else str(chosen.weights.absolute()))
        writer.settings.set(BOX_MAP, dict(chosen.names))
        writer.settings.set(BOX_AGNOSTIC, chosen.agnostic)


def choices_by_label(pairs: Mapping[str, str], labels: Sequence[Label]) -> dict[str, int | str]:
    """``--map NAME=LABEL`` with labels as ids; "ignore" sets a name aside. Raises ``UsageError`` for unknown labels."""
    known = {label.name: label.id for label in labels}
    result: dict[str, int | str] = {}
    for name, label in pairs.items():
        if label in known:
            result[name] = known[label]
        elif label == IGNORE:
            result[name] = IGNORE
        else:
            raise UsageError(
                f"The project has no label {label!r}.", f"Its labels are: {', '.join(known) or 'none yet'}."
            )
    return result
