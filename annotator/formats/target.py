"""Where a dataset is written: a temporary sibling that is moved into place when everything is on disk.

An existing target is refused unless it is to be merged into (our files are added or overwritten, nothing else is touched)
or replaced (exchanged as a whole, after the new one is complete). A folder whose name ends in .zip is packed into one file.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from uuid import uuid4

from annotator.errors import FormatError
from annotator.formats.names import clean_name
from annotator.formats.report import Tally
from annotator.formats.spec import ImagesMode

_SYNC_ONE_BY_ONE = 500
_BEGINNING = (1980, 1, 1, 0, 0, 0)


class Target:
    """A context manager: ``root`` is the folder to write in (for a one-file target, ``file`` inside it); leaving it without an
    error moves the result into place, leaving it with one removes the temporary files and touches nothing else."""

    def __init__(self, path: Path, *, merge: bool, replace: bool, is_file: bool = False) -> None:
        if merge and replace:
            raise FormatError("A target is merged into or replaced, not both.", "Choose one.")
        self.path = Path(os.path.abspath(path))  # noqa: PTH100  (keeps links in the path as they are)
        self.is_file, self.merge, self.replace = is_file, merge, replace
        self.zipped = not is_file and self.path.suffix.lower() == ".zip" and not self.path.is_dir()
        if self.zipped and merge:
            raise FormatError(f"{path} is a zip, which is not merged into.", "Unpack it, or --replace it.", path=path)
        if os.path.lexists(self.path):
            if not (merge or replace) and not self._empty_folder():
                raise FormatError(f"{path} exists already.", "Choose another, or --merge or --replace it.", path=path)
            if self.path.is_dir() == (is_file or self.zipped):
                kind = "a folder" if is_file else "a file"
                raise FormatError(f"{path} is {kind}, which this export cannot replace.", path=path)
        self.root = Path()

    @property
    def file(self) -> Path:
        """The temporary file of a one-file target."""
        return self.root / self.path.name

    def __enter__(self) -> Target:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.root = self._sibling("partial")
        except OSError as error:
            raise FormatError(f"{self.path.parent} cannot be written: {error.strerror}.", path=self.path) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._commit()
        except OSError as failure:
            raise FormatError(f"{self.path} cannot be written: {failure.strerror}.", path=self.path) from failure
        finally:
            shutil.rmtree(self.root, ignore_errors=True)
        if isinstance(error, OSError):
            raise FormatError(f"{self.path} cannot be written: {error.strerror or error}.", path=self.path) from error

    def open(self, relative: str) -> BinaryIO:
        """A new binary file under ``root``, its folders made; the name must stay inside."""
        path = self._inside(relative)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")

    def write(self, relative: str, data: bytes) -> None:
        """One small file."""
        with self.open(relative) as file:
            file.write(data)

    def add_image(self, source: Path | None, relative: str, mode: ImagesMode, tally: Tally, name: str) -> None:
        """Copy or link a picture to ``relative``; a missing one is said and does not stop the export."""
        if mode is ImagesMode.NONE:
            return
        if source is None or not source.is_file():
            tally.dropped("", "image file", "the picture is missing", name)
            return
        path = self._inside(relative)
        if self.merge and source.absolute() == self.path / relative:
            return  # it stands there already
        path.parent.mkdir(parents=True, exist_ok=True)
        if mode is ImagesMode.LINK:
            try:
                path.symlink_to(source.resolve())
            except OSError:
                os.link(source, path)
        else:
            shutil.copyfile(source, path)

    def _inside(self, relative: str) -> Path:
        if not relative or clean_name(relative) != relative or "\x00" in relative:
            raise FormatError(f"{relative!r} is no path inside the export.", path=self.path)
        return self.root / relative

    def _empty_folder(self) -> bool:
        return not self.is_file and self.path.is_dir() and not any(self.path.iterdir())

    def _commit(self) -> None:
        files = [Path(where) / name for where, _, names in os.walk(self.root) for name in names]
        _sync([file for file in files if not file.is_symlink()])
        if self.zipped:
            self._pack(sorted(files))
        elif self.is_file:
            os.replace(self.file, self.path)  # noqa: PTH105
        elif self.path.is_dir() and self.merge:
            for file in files:
                place = self.path / file.relative_to(self.root)
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, place)  # noqa: PTH105
        elif self.path.is_dir() and self.replace:
            old = self._sibling("old")
            os.replace(self.path, old / self.path.name)  # noqa: PTH105
            try:
                self._move_folder()
            except OSError:
                os.replace(old / self.path.name, self.path)  # noqa: PTH105
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            self._move_folder()
        _sync_folder(self.path.parent)

    def _pack(self, files: list[Path]) -> None:
        """One zip of the files, the same bytes for the same content."""
        place = self._sibling("packed")
        try:
            packed = place / self.path.name
            with zipfile.ZipFile(packed, "x", zipfile.ZIP_DEFLATED) as archive:
                for file in files:
                    info = zipfile.ZipInfo(file.relative_to(self.root).as_posix(), _BEGINNING)
                    info.compress_type = zipfile.ZIP_DEFLATED
                    info.external_attr = 0o644 << 16
                    with file.open("rb") as source, archive.open(info, "w", force_zip64=True) as member:
                        shutil.copyfileobj(source, member)
            _sync([packed])
            os.replace(packed, self.path)  # noqa: PTH105
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _move_folder(self) -> None:
        if self.path.is_dir():
            self.path.rmdir()  # an empty one: Windows does not move onto it
        os.replace(self.root, self.path)  # noqa: PTH105

    def _sibling(self, purpose: str) -> Path:
        folder = self.path.with_name(f".{self.path.name[:40]}.{purpose}-{uuid4().hex[:8]}")
        folder.mkdir()
        return folder


def _sync(files: list[Path]) -> None:
    if len(files) > _SYNC_ONE_BY_ONE and hasattr(os, "sync"):
        os.sync()
        return
    for file in files:
        with file.open("rb+") as opened:
            os.fsync(opened.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
