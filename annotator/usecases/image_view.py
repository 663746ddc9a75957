"""``project.images``: the pictures of a project, where their files are, and what is wrong with some of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotator.domain import uris
from annotator.domain.kinds import ImageState
from annotator.domain.records import Image, ImageFilter
from annotator.errors import AnnotatorError
from annotator.events import ChangeSet, Table
from annotator.store import ImageOrder, Root
from annotator.store.counters import IMAGE_SPLIT, IMAGE_STATE
from annotator.usecases.parts import Parts

Ids = NDArray[np.int64]


class ImageView:
    """Reads of images, each from the store; ids are int64 arrays, so that a million of them cost eight megabytes.

    ``live`` as in ``ReviewView``.
    """

    def __init__(self, parts: Parts, *, live: bool = False) -> None:
        self._parts = parts
        self._roots: dict[int, Path] = {}
        if live:
            parts.db.subscribe(self._forget_roots)

    def ids(self, wanted: ImageFilter | None = None, order: ImageOrder = ImageOrder.ADDED) -> Ids:
        """Ids of the images that pass the filter, in the order of adding unless told otherwise."""
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

    def shown_counts(self, ids: Iterable[int]) -> dict[int, tuple[int, int]]:
        """Image id to its number of annotations and of open suggestions that are written."""
        with self._parts.db.read() as reader:
            return reader.images.shown_counts(ids)

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
