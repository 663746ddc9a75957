"""Merging into a dataset that keeps many images in one file: what stands there and is not written anew passes the writer too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from annotator.formats.dataset import Dataset, DatasetImage
from annotator.formats.report import Tally


def joined(dataset: Dataset, standing: Dataset, tally: Tally) -> Dataset:
    """``dataset`` and the images of ``standing`` that it does not name; labels that stand keep their ids and order."""
    ours = {label.name: label for label in dataset.labels}
    labels = [
        replace(ours[old.name], foreign_id=old.foreign_id) if old.name in ours else old for old in standing.labels
    ]
    known = {label.name for label in labels}
    labels += [replace(label, foreign_id=None) for label in dataset.labels if label.name not in known]
    images = _Joined(dataset.images, standing.images, tally)
    return replace(dataset, labels=tuple(labels), images=images, extra={**standing.extra, **dataset.extra})


class _Joined:
    """First our images, then the ones that stood there; re-iterable as both are."""

    def __init__(self, ours: Iterable[DatasetImage], standing: Iterable[DatasetImage], tally: Tally) -> None:
        self._ours, self._standing, self._tally = ours, standing, tally

    def __iter__(self) -> Iterator[DatasetImage]:
        written: set[str] = set()
        for image in self._ours:
            written.add(image.name)
            yield image
        kept = 0
        for image in self._standing:
            if image.name not in written:
                kept += 1
                yield image
        if kept:
            self._tally.note(f"{kept:,} images that stood in the target were kept with their annotations")
