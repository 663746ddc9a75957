"""A quick look at a file, folder or zip for format detection: names, and the first bytes of a few of them."""

from __future__ import annotations

import itertools
import os
import zipfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from annotator.errors import FormatError

NAMES_SEEN = 5000
HEAD_BYTES = 65536
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})


def is_image_name(name: str) -> bool:
    """Whether the ending is that of a picture."""
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


class Peek:
    """``names`` are POSIX paths relative to the folder or zip (at most ``NAMES_SEEN``); a file has its own name only."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise FormatError(f"{path} does not exist.", "Check the path.", path=path)
        self.path = path
        self.is_zip = path.is_file() and path.suffix.lower() == ".zip"
        # Members of a zip as it writes them: some programs on Windows part folders by backslashes.
        self._written: dict[str, str] = {}

    @cached_property
    def names(self) -> tuple[str, ...]:
        try:
            if self.is_zip:
                with zipfile.ZipFile(self.path) as archive:
                    found = itertools.islice((i.filename for i in archive.infolist() if not i.is_dir()), NAMES_SEEN)
                    self._written = {name.replace("\\", "/"): name for name in found}
                    return tuple(sorted(self._written))
            if self.path.is_file():
                return (self.path.name,)
            return tuple(sorted(itertools.islice(_walk(self.path), NAMES_SEEN)))
        except (OSError, zipfile.BadZipFile) as error:
            raise FormatError(f"{self.path} cannot be listed: {error}.", path=self.path) from error

    def of(self, *suffixes: str) -> list[str]:
        """The names with one of these endings, lower case with the dot."""
        return [name for name in self.names if PurePosixPath(name).suffix.lower() in suffixes]

    def head(self, name: str, size: int = HEAD_BYTES) -> bytes:
        """The first bytes of a member; empty when it cannot be read."""
        try:
            if self.is_zip:
                with zipfile.ZipFile(self.path) as archive, archive.open(self._written.get(name, name)) as member:
                    return member.read(size)
            with (self.path if self.path.is_file() else self.path / name).open("rb") as file:
                return file.read(size)
        except (OSError, KeyError, zipfile.BadZipFile, RuntimeError, NotImplementedError):
            return b""  # an encrypted or odd member: it speaks for no format


def _walk(folder: Path) -> Iterator[str]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and not f.endswith(".annotator"))
        base = Path(where).relative_to(folder).as_posix()
        for name in files:
            yield name if base == "." else f"{base}/{name}"
