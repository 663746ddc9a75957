"""``project.images``: the pictures of a project, where their files are, and what is wrong with some of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.domain import uris
from annotator.domain.kinds import ImageState, Task
from annotator.domain.records import Image, ImageFilter
from annotator.errors import AnnotatorError
from annotator.events import ChangeSet, Table
from annotator.store import ImageOrder, Root, tallies
from annotator.store.counters import IMAGE_SPLIT, IMAGE_STATE
from annotator.store.id_arrays import among
from annotator.store.tallies import Tallies
from annotator.usecases.parts import Parts
from annotator.usecases.review_view import ReviewView

Ids = NDArray[np.int64]


class ImageView:
    """Reads of images, each from the store; ids are int64 arrays, so that a million of them cost eight megabytes.

    ``review`` knows the suggestions; ``live`` as in ``ReviewView``.
    """

    def __init__(self, parts: Parts, review: ReviewView | None = None, *, live: bool = False) -> None:
        self._parts = parts
        self._review = review or ReviewView(parts)
        self._roots: dict[int, Path] = {}
        if live:
            parts.db.subscribe(self._forget_roots)

    def ids(self, wanted: ImageFilter | None = None, order: ImageOrder = ImageOrder.ADDED) -> Ids:
        """Ids of the images that pass the filter, in the order of adding unless told otherwise.

        Suggestions count whether they have rows or, as tags do until they are judged, only a place in the array of their run.
        """
        wanted = wanted or ImageFilter()
        by_confidence = wanted.min_confidence is not None or wanted.max_confidence is not None
        if wanted.suggested is None and not by_confidence:
            return self._ids(wanted, order)
        of_images = replace(wanted, suggested=None, min_confidence=None, max_confidence=None)
        if wanted.suggested:
            of_images = replace(of_images, label_ids=frozenset())
        passing = self._ids(of_images, order)
        if wanted.suggested is False:
            passing = passing[~among(self._review.suggested_ids(ImageFilter()), passing)]
        if wanted.suggested or by_confidence:
            passing = passing[among(self._review.suggested_ids(wanted), passing)]
        return passing

    def _ids(self, wanted: ImageFilter, order: ImageOrder) -> Ids:
        with self._parts.db.read() as reader:
            return reader.images.ids(wanted, order)

    def get(self, image_id: int) -> Image:
        """One image; raises ``StoreError`` when there is none."""
        with self._parts.db.read() as reader:
            return reader.images.get(image_id)

    def many(self, ids: Iterable[int]) -> list[Image]:
        """The images in the order of ``ids``; unknown ids are left out."""
        with self._parts.db.read() as reader:
            return reader.images.many(ids)

    def count(self) -> int:
        """How many images there are."""
        with self._parts.db.read() as reader:
            return reader.images.count()

    def counts(self) -> dict[ImageState, int]:
        """How many images are in each state."""
        with self._parts.db.read() as reader:
            found = reader.counters.of(IMAGE_STATE)
        return {state: found.get(state.value, 0) for state in ImageState}

    def split_counts(self) -> dict[str, int]:
        """How many images belong to each split; those without one are left out."""
        with self._parts.db.read() as reader:
            return {name: number for name, number in sorted(reader.counters.of(IMAGE_SPLIT).items()) if name}

    def annotators(self) -> list[str]:
        """Who has annotations in force, by name."""
        with self._parts.db.read() as reader:
            return Tallies(reader.connection).keys(tallies.ANNOTATOR)

    def attributes(self) -> list[tuple[str, Any]]:
        """Names and values of attributes that annotations in force have, by name; cut off after a hundred."""
        with self._parts.db.read() as reader:
            return [tallies.attribute_of(key) for key in Tallies(reader.connection).keys(tallies.ATTRIBUTE)]

    def open_on(self, ids: Iterable[int]) -> dict[int, int]:
        """Image id to its number of open suggestions but for tags: those the review counts, written or not."""
        wanted = list(ids)
        with self._parts.db.read() as reader:
            tags = reader.suggestions.counts_on(wanted, Task.TAGS)
            every = reader.images.open_on(wanted)
        return {image: number - tags.get(image, 0) for image, number in every.items()}

    def tags(self, ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
        """Image id to the labels of its tags; untagged images are left out."""
        with self._parts.db.read() as reader:
            return reader.annotations.tags_on(ids)

    def problems(self) -> list[Image]:
        """Missing and unreadable images, each with its reason."""
        with self._parts.db.read() as reader:
            return reader.images.problems()

    def roots(self) -> tuple[Root, ...]:
        """The folders that images come from."""
        with self._parts.db.read() as reader:
            return reader.images.roots()

    def path(self, image_id: int) -> Path:
        """Where the image's file is."""
        return self.path_of(self.get(image_id))

    def path_of(self, image: Image) -> Path:
        """Where the file of an image already at hand is; touches no disk."""
        if image.root_id == 0:
            return Path(uris.decode(image.uri))
        root = self._roots.get(image.root_id)
        if root is None:
            self._roots = {each.id: Path(each.path) for each in self.roots()}
            root = self._roots.get(image.root_id)
        if root is None:
            raise AnnotatorError(
                f"{image.name} belongs to a folder that the project does not know.", "Add the folder again."
            )
        return uris.to_path(image.uri, root)

    def set_aside(self, ids: Iterable[int], reason: str) -> None:
        """List images as unreadable, so that no job touches them again until their file changes."""
        with self._parts.db.write("engine") as writer:
            writer.images.set_state(ids, ImageState.UNREADABLE, reason)

    def _forget_roots(self, changes: ChangeSet) -> None:
        if changes.touches(Table.IMAGE) and changes.everything:
            self._roots = {}


def root_names(view: ImageView) -> dict[int, str]:
    """What stands before an image's path in a dataset of several folders: the folder's name, numbered if it repeats."""
    roots = [root for root in view.roots() if len(view.ids(ImageFilter(roots=frozenset({root.id}))))]
    if len(roots) < 2:
        return {}
    used: Counter[str] = Counter()
    names: dict[int, str] = {}
    for root in roots:
        name = Path(root.path).name or "root"
        used[name] += 1
        names[root.id] = f"{name}/" if used[name] == 1 else f"{name}-{used[name]}/"
    return names
