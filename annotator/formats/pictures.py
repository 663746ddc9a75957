"""The pictures behind names without an ending, for formats that name an image by its stem only."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from annotator.formats.dataset import ImageSize
from annotator.formats.names import without_suffix
from annotator.formats.peek import IMAGE_SUFFIXES, is_image_name


class Pictures:
    """Pictures below some folders by their path without ending; each folder is listed once."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._exact: dict[str, Path] = {}
        self._composed: dict[str, Path] = {}
        for folder in folders:
            for file in sorted(folder.rglob("*")):
                if is_image_name(file.name) and file.is_file():
                    stem = without_suffix(file.relative_to(folder).as_posix())
                    self._exact.setdefault(stem, file)
                    self._composed.setdefault(unicodedata.normalize("NFC", stem), file)

    @property
    def stems(self) -> tuple[str, ...]:
        """All of them, in the order of their folders."""
        return tuple(self._exact)

    def find(self, stem: str) -> Path | None:
        """The picture of this stem, also under its other Unicode form."""
        return self._exact.get(stem) or self._composed.get(unicodedata.normalize("NFC", stem))

    def named(self, stem: str, image_size: ImageSize | None, ending: str) -> tuple[str, Path | None]:
        """(name with ending, file): of the file that is there, else of the ending whose size is known, else ``ending``."""
        file = self.find(stem)
        if file is not None:
            return stem + file.suffix, file
        if image_size is not None:
            for suffix in sorted(IMAGE_SUFFIXES, key=lambda one: (one != ending, one != ".jpg", one)):
                if image_size(stem + suffix):
                    return stem + suffix, None
        return stem + ending, None
