"""Where a dataset is read from: a file, a folder, or a zip that is unpacked safely for as long as the dataset lives."""

from __future__ import annotations

import shutil
import stat
import tempfile
import weakref
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from annotator.errors import FormatError

_BLOCK = 1 << 20


class Source:
    """``root`` is the folder or file to read; a zip's temporary folder goes away with this object.

    ``unwrap``: a single folder at the top of a zip is the root, for formats in which that folder's name says nothing.
    """

    def __init__(self, path: Path, *, unwrap: bool = True) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise FormatError(f"{path} does not exist.", "Check the path.", path=path)
        self.root = self.path
        if self.path.is_file() and self.path.suffix.lower() == ".zip":
            folder = Path(tempfile.mkdtemp(prefix="annotator-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            _unpack(self.path, folder)
            inside = [entry for entry in folder.iterdir() if entry.name != "__MACOSX"]
            self.root = inside[0] if unwrap and len(inside) == 1 and inside[0].is_dir() else folder

    @property
    def folder(self) -> Path:
        """The folder that relative names start from."""
        return self.root if self.root.is_dir() else self.root.parent


def _unpack(archive_path: Path, folder: Path) -> None:
    """Unpack plain files only; refuse members that climb out, links, and more bytes than the disk can take."""
    try:
        with zipfile.ZipFile(archive_path) as archive:
            free = shutil.disk_usage(folder).free // 2
            declared = sum(member.file_size for member in archive.infolist())
            if declared > free:
                raise FormatError(
                    f"{archive_path} declares {declared:,} bytes, more than half of what is free on disk.",
                    "Unpack it yourself where there is room and import the folder.",
                    path=archive_path,
                )
            for member in archive.infolist():
                if not member.filename.endswith(("/", "\\")):
                    _unpack_member(archive, member, folder, archive_path)
    except (
        zipfile.BadZipFile,
        zlib.error,
        RuntimeError,
        NotImplementedError,
        LookupError,
        EOFError,
        OSError,
        ValueError,
    ) as error:
        raise FormatError(f"{archive_path} cannot be unpacked: {error}.", path=archive_path) from error


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, archive_path: Path) -> None:
    name = member.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or (parts and ":" in parts[0]):
        raise FormatError(
            f"{archive_path}: its member {name!r} would be written outside its folder.", path=archive_path
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise FormatError(f"{archive_path}: its member {name!r} is a link, which is not followed.", path=archive_path)
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size
    with archive.open(member) as source, target.open("wb") as file:
        while block := source.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise FormatError(f"{archive_path}: its member {name!r} is larger than it declares.", path=archive_path)
            file.write(block)
