"""Merging into a dataset that keeps many images in one file: what stands there and is not written anew passes the writer too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from annotator.formats.dataset import Dataset, DatasetImage, DatasetLabel
from annotator.formats.report import Tally


def joined(dataset: Dataset, standing: Dataset, tally: Tally) -> Dataset:
    """``dataset`` and the images of ``standing`` that it does not name; labels that stand keep their ids and order."""
    images = _Joined(dataset.images, standing.images, tally)
    labels = with_standing(dataset.labels, standing.labels)
    return replace(dataset, labels=labels, images=images, extra={**standing.extra, **dataset.extra})


def with_standing(ours: Iterable[DatasetLabel], standing: Iterable[DatasetLabel]) -> tuple[DatasetLabel, ...]:
    """The labels that stand with their ids and order, new ones behind them."""
    new = {label.name: label for label in ours}
    first = [replace(new.pop(old.name, old), foreign_id=old.foreign_id) for old in standing]
    return (*first, *(replace(label, foreign_id=None) for label in new.values()))


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
