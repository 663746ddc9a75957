"""Which of the project's images a dataset means: by the file, by the path, or by the end of the path where that is unique."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from annotator.domain import uris
from annotator.domain.records import Image
from annotator.formats.dataset import DatasetImage
from annotator.usecases.image_view import ImageView
from annotator.usecases.parts import Parts


class ImageMatcher:
    """Finds images by what a dataset calls them. Made once per import; holds one entry per image."""

    def __init__(self, parts: Parts) -> None:
        view = ImageView(parts)
        self._by_path: dict[str, int] = {}
        self._by_uri: dict[str, int] = {}
        self._by_name: defaultdict[str, list[tuple[tuple[str, ...], int]]] = defaultdict(list)
        self._sizes: dict[int, tuple[int, int]] = {}
        self.uri_of: dict[int, str] = {}
        readable: dict[str, int] = {}
        for image in _all(view):
            key = _key(image.uri)
            self.uri_of[image.id] = image.uri
            self._sizes[image.id] = (image.width, image.height)
            self._by_path[str(view.path_of(image))] = image.id
            self._by_uri.setdefault(key, image.id)
            self._add_pieces(key, image.id)
            name = uris.readable(image.uri)
            if name != image.uri:
                readable.setdefault(_key(name), image.id)
        for key, image_id in readable.items():
            if key not in self._by_uri:  # a file that is really called so goes first
                self._by_uri[key] = image_id
                self._add_pieces(key, image_id)

    def _add_pieces(self, key: str, image_id: int) -> None:
        pieces = tuple(key.split("/"))
        for name in {pieces[-1], pieces[-1].rsplit(".", 1)[0]}:
            self._by_name[name].append((pieces, image_id))

    def find(self, image: DatasetImage) -> int | None:
        """The id of the image, None when there is none or when several fit equally well."""
        if image.path is not None:
            found = self._by_path.get(os.path.abspath(image.path))  # noqa: PTH100 - links in the path stay as they are
            if found is not None:
                return found
        return self.find_name(image.name)

    def find_name(self, name: str) -> int | None:
        """The id of the image called ``name``; its ending and leading folders may differ if it stays clear."""
        key = _key(name)
        exact = self._by_uri.get(key)
        if exact is not None:
            return exact
        wanted = tuple(key.split("/"))
        candidates = self._by_name.get(wanted[-1], [])
        scored = sorted(((_likeness(wanted, pieces), image_id) for pieces, image_id in candidates), reverse=True)
        if not scored or (len(scored) > 1 and scored[0][0] == scored[1][0]):
            return None
        return scored[0][1]

    def size(self, name: str) -> tuple[int, int] | None:
        """Oriented (width, height) by a dataset's name, for formats that need it."""
        image_id = self.find_name(name)
        if image_id is None:
            return None
        size = self._sizes[image_id]
        return size if size[0] else None


def _all(view: ImageView) -> Iterable[Image]:
    ids = view.ids().tolist()
    for at in range(0, len(ids), 5_000):
        yield from view.many(ids[at : at + 5_000])


def _key(name: str) -> str:
    """Names compare composed: a dataset written on one system is read on another."""
    return unicodedata.normalize("NFC", uris.decode(name).replace("\\", "/")).strip("/")


def _likeness(wanted: tuple[str, ...], pieces: tuple[str, ...]) -> tuple[int, bool]:
    """How many pieces agree from the end, and whether no folder of the image says otherwise."""
    count = 1
    for one, other in zip(reversed(wanted[:-1]), reversed(pieces[:-1]), strict=False):
        if one != other:
            break
        count += 1
    return count, count == len(pieces)
