"""Masks and polygons of an image as pictures of numbers, and back: one number a pixel, so what lies below is lost and said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from annotator.domain.geometry import Geometry, Mask, Polygon, from_json
from annotator.formats.dataset import DatasetAnnotation, DatasetImage
from annotator.formats.id_pictures import Ids, draw
from annotator.formats.labels import unknown
from annotator.formats.report import Tally
from annotator.formats.unheld import WHY, Unheld
from annotator.formats.writing import tell

BACKGROUND, IGNORE = 0, 255
IGNORED = "ignore"
"""The key, among the format's own fields of an image, of the mask of pixels that are not labelled."""

NO_SIZE = "its pixels need the image's size, which is not known"
_COVERED = "the part under other masks or outside the image is not kept, because each pixel has one label"
_HIDDEN = "it lies wholly under other masks or outside the image, and each pixel has one label"
_DRAWN = "written as the pixels whose centres it covers"


class MaskShapes:
    """The masks and polygons of one image; all else is reported as dropped, but for the kinds that the format has ``held``.

    ``ids`` has the number of each label; raises ``FormatError`` for an annotation whose label has none.
    """

    def __init__(
        self,
        image: DatasetImage,
        ids: Mapping[str, int],
        tally: Tally,
        unheld: Unheld,
        *,
        held: tuple[type[Geometry], ...] = (),
    ) -> None:
        self._image, self._ids, self._tally, self._unheld = image, ids, tally, unheld
        self._elsewhere = held
        self.shown: list[DatasetAnnotation] = []
        self._held = sorted((one for one in image.annotations if self._is_held(one)), key=lambda one: one.z_order)

    def __bool__(self) -> bool:
        return bool(self._held)

    def draw(self, ignored: Mapping[str, Any] | None) -> tuple[Ids, Ids]:
        """(h, w) label numbers and (h, w) instance numbers: places in ``shown`` from 1.

        ``ignored`` is the JSON of the mask of pixels that are not labelled; they get ``IGNORE`` and no instance.
        """
        numbers = np.zeros((self._image.height, self._image.width), np.uint16)
        covered = [draw(numbers, one.geometry, number) for number, one in enumerate(self._held, 1)]
        if ignored is not None:
            draw(numbers, from_json(ignored), 0)
        seen = np.bincount(numbers.ravel(), minlength=len(self._held) + 1)
        order = np.zeros(len(self._held) + 1, np.uint16)
        for number, one in enumerate(self._held, 1):
            kind = one.geometry.kind.value
            if not seen[number]:
                self._tally.dropped(one.label, kind, _HIDDEN, self._image.name)
                continue
            whole = seen[number] == covered[number - 1] and self._is_inside(one.geometry)
            how = (_DRAWN if isinstance(one.geometry, Polygon) else "", "" if whole else _COVERED)
            tell(self._tally, one, self._image, "; ".join(filter(None, how)))
            self._unheld.annotation(one, self._image)
            self.shown.append(one)
            order[number] = len(self.shown)
        instances = order[numbers]
        labels = np.asarray([0, *(self._ids[one.label] for one in self.shown)], np.uint16)[instances]
        if ignored is not None:
            draw(labels, from_json(ignored), IGNORE)
        return labels, instances

    @property
    def repeat(self) -> bool:
        """Whether a label has two instances in what was drawn."""
        return len({one.label for one in self.shown}) < len(self.shown)

    def _is_held(self, one: DatasetAnnotation) -> bool:
        if isinstance(one.geometry, Mask | Polygon):
            if one.label not in self._ids:
                raise unknown(one.label, self._image.name)
            if self._image.width and self._image.height:
                return True
            self._tally.dropped(one.label, one.geometry.kind.value, NO_SIZE, self._image.name)
        elif not isinstance(one.geometry, self._elsewhere):
            self._tally.dropped(one.label, one.geometry.kind.value, WHY, self._image.name)
        return False

    def _is_inside(self, geometry: Geometry) -> bool:
        if not isinstance(geometry, Mask):
            return True
        x1, y1, x2, y2 = geometry.bounds()
        return x1 >= 0 and y1 >= 0 and x2 <= self._image.width and y2 <= self._image.height


def masks_of(ids: Ids, order: Ids | None, names: Mapping[int, str]) -> dict[int, list[DatasetAnnotation]]:
    """The masks by instance number of ``order``, else one for each label under 0, in order.

    Raises ``ValueError`` for a number of a label without a name.
    """
    found: dict[int, list[DatasetAnnotation]] = {}
    skipped = {BACKGROUND} if IGNORE in names else {BACKGROUND, IGNORE}
    for label_id, number, mask in _pieces(ids, order):
        if label_id in skipped:
            continue
        if label_id not in names:
            raise ValueError(f"its pixels have the number {label_id}, which is no label's")
        found.setdefault(number, []).append(DatasetAnnotation(names[label_id], mask))
    return dict(sorted(found.items()))


def ignored_of(ids: Ids, names: Mapping[int, str]) -> dict[str, Any]:
    """The pixels that are not labelled, as the format's own fields of an image; empty where there are none."""
    mask = None if IGNORE in names else Mask.from_array(ids == IGNORE)
    return {} if mask is None else {IGNORED: mask.to_json()}


def _pieces(ids: Ids, order: Ids | None) -> list[tuple[int, int, Mask]]:
    """(label, instance, mask) of each region of one label and one instance; pixels of no instance count as one."""
    both = ids.astype(np.uint32) if order is None else ids.astype(np.uint32) | order.astype(np.uint32) << 16
    values, places = np.unique(both, return_inverse=True)
    places = places.reshape(both.shape)
    found = []
    for place, value in enumerate(values.tolist()):
        if value & 0xFFFF == BACKGROUND:
            continue
        mask = Mask.from_array(places == place)
        assert mask is not None
        found.append((value & 0xFFFF, value >> 16, mask))
    return found
