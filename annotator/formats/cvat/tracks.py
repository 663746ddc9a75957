"""Frames of one sequence as tracks: the shapes of a track in order, and where it goes out of sight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from annotator.domain.geometry import Tag
from annotator.formats.cvat.elements import Elements, outside
from annotator.formats.cvat.shapes import Written
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.report import Tally, own
from annotator.formats.xml_text import attributes_of, holds

_NO_TAGS = "CVAT's XML for video has no tags"
_OF_TRACK = ("group_id", "source", "subset")
_INDENT = "    "


def sequences_of(dataset: Dataset) -> tuple[str, ...]:
    """The sequences that CVAT can have as videos, in order: each frame once, and some annotation with a track."""
    frames: dict[str, set[int]] = {}
    tracked: dict[str, None] = {}
    unfit: set[str] = set()
    for image in dataset.images:
        name = image.sequence
        if not name:
            continue
        known = frames.setdefault(name, set())
        if image.frame in known or image.frame < 0 or not holds(image.name):
            unfit.add(name)
        known.add(image.frame)
        if any(one.track_id is not None for one in image.annotations) or own(image.extra, "cvat").get("outside"):
            tracked[name] = None
    return tuple(name for name in tracked if name not in unfit)


@dataclass
class _Track:
    label: str
    values: dict[str, str]
    shapes: dict[int, str] = field(default_factory=dict)
    last: tuple[int, Written, DatasetAnnotation, DatasetImage] | None = None


class Tracks:
    """Gathers the shapes of all frames, which must come in order, and writes the tracks."""

    def __init__(self, elements: Elements, tally: Tally) -> None:
        self._elements, self._tally = elements, tally
        self._tracks: dict[int, _Track] = {}
        self._singles: list[_Track] = []

    def add(self, image: DatasetImage) -> None:
        """Take in one frame."""
        seen: set[int] = set()
        for one in image.annotations:
            if isinstance(one.geometry, Tag):
                self._tally.dropped(one.label, "tag", _NO_TAGS, image.name)
                continue
            found = self._elements.shape(one, image)
            if found is not None:
                self._shape(one, found, image, seen)
        kept = own(image.extra, "cvat").get("outside")
        for each in kept if isinstance(kept, list) else ():
            track = self._tracks.get(int(each.get("track", -1))) if isinstance(each, Mapping) else None
            if track is not None and image.frame not in track.shapes:
                track.shapes[image.frame] = outside(each, _INDENT)
        for track in (*self._tracks.values(), *self._singles):
            self._hide(track, image.frame)

    def _shape(self, one: DatasetAnnotation, found: Written, image: DatasetImage, seen: set[int]) -> None:
        foreign = own(one.extra, "cvat")
        values = {key: str(foreign[key]) for key in _OF_TRACK if isinstance(foreign.get(key), str)}
        values.setdefault("source", "auto" if one.suggested else "manual")
        number = one.track_id
        track = self._tracks.get(number) if number is not None else None
        if number is None or number < 0 or number in seen or (track is not None and track.label != one.label):
            if number is not None:
                why = "the track has another label or a second place in the frame: written as a track of its own"
                self._tally.converted(one.label, "track id", why, image.name)
            track = _Track(one.label, values)
            self._singles.append(track)
        else:
            seen.add(number)
            if track is None:
                track = self._tracks[number] = _Track(one.label, values)
        first = {"frame": str(image.frame)}
        if found.tag != "skeleton":
            first["outside"] = "0"
        first["keyframe"] = "0" if foreign.get("keyframe") == "0" else "1"
        bare = _without(one, _OF_TRACK)
        track.shapes[image.frame] = self._elements.text(found, bare, image, first, _INDENT)
        track.last = (image.frame, found, bare, image)

    def _hide(self, track: _Track, frame: int) -> None:
        """Where a track was in the frame before and is not in this one, say that it is out of sight."""
        if track.last is None or track.last[0] == frame:
            return
        _, found, one, image = track.last
        track.last = None
        if frame not in track.shapes and found.tag != "skeleton":
            first = {"frame": str(frame), "outside": "1", "keyframe": "1"}
            track.shapes[frame] = self._elements.text(found, one, image, first, _INDENT)

    def lines(self) -> str:
        """All tracks; those without a number of their own get one above the others."""
        numbered = dict(self._tracks)
        following = max(numbered, default=-1) + 1
        numbered |= {following + at: track for at, track in enumerate(self._singles)}
        text = []
        for number, track in numbered.items():
            values = {"id": str(number), "label": track.label, **track.values}
            text.append(f"  <track{attributes_of(values)}>\n")
            text += [track.shapes[frame] for frame in sorted(track.shapes)]
            text.append("  </track>\n")
        return "".join(text)


def _without(one: DatasetAnnotation, keys: tuple[str, ...]) -> DatasetAnnotation:
    extra: dict[str, Any] = dict(one.extra)
    extra["cvat"] = {key: value for key, value in own(one.extra, "cvat").items() if key not in keys}
    return replace(one, extra=extra)
