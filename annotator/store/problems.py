"""What can be wrong with a database file, said in one line with its cure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sqlalchemy.exc import DBAPIError, IntegrityError

from annotator.errors import StoreError

_SQLITE_HEADER = b"SQLite format 3\x00"
_RESTORE = "Restore the project folder from a backup."

# What SQLite says -> what we say. The first match counts.
_CAUSES = (
    ("database is locked", "{name} is locked by another program.", "Close the other program and try again."),
    ("database table is locked", "{name} is locked by another program.", "Close the other program and try again."),
    ("disk is full", "There is no room left on the disk of {name}.", "Free some space; nothing already saved is lost."),
    ("readonly database", "{name} cannot be written.", "Allow writing to it, or copy the project to another folder."),
    ("not a database", "{name} is not a project database.", _RESTORE),
    ("malformed", "{name} is damaged.", _RESTORE),
    (
        "unable to open",
        "{name} cannot be opened.",
        "Check that its folder exists and that you may read and write there.",
    ),
    (
        "disk i/o error",
        "The disk of {name} reports an error.",
        "Check the disk and its cable; copy the project elsewhere.",
    ),
    ("no such table", "{name} is not a project database.", _RESTORE),
)


@contextmanager
def explained(path: Path | str) -> Iterator[None]:
    """Turn failures of the database at ``path`` that a person can act on into ``StoreError``; our own mistakes pass through."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise explain(error, path) from error


def explain(error: DBAPIError, path: Path | str) -> Exception:
    """The ``StoreError`` for a driver's error, or the error itself when it is our own mistake."""
    said = str(error.orig)
    before = error.__context__
    while "no such savepoint" in said and before is not None:
        # A full disk has ended the transaction, and the savepoint with it: the first failure is the one to tell.
        if isinstance(before, DBAPIError):
            said = str(before.orig)
        before = before.__context__
    for mark, what, cure in _CAUSES:
        if mark in said.lower():
            return StoreError(what.format(name=path), cure, path=path)
    if error.connection_invalidated or "connection" in said.lower():
        return StoreError(
            f"The database {path} does not answer: {said.splitlines()[0]}", "Check that it runs.", path=path
        )
    return error


def check_header(path: Path) -> None:
    """Raise ``StoreError`` unless ``path`` begins like a SQLite database."""
    if not path.exists():
        cure = "Choose a folder that Annotator has made, or make a new project."
        raise StoreError(f"There is no project in {path.parent}: {path.name} is missing.", cure, path=path)
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.", path=path) from error
    if len(header) == 0:
        raise StoreError(f"{path} is empty.", _RESTORE, path=path)
    if not header.startswith(_SQLITE_HEADER):
        raise StoreError(f"{path} is not a project database.", _RESTORE, path=path)
    if len(header) < 100:
        raise StoreError(f"{path} is cut off after {len(header)} bytes.", _RESTORE, path=path)
    wal = path.with_name(path.name + "-wal")
    if not wal.exists() or wal.stat().st_size == 0:  # else the header may be ahead of the file
        (page_size,) = struct.unpack(">H", header[16:18])
        (pages,) = struct.unpack(">I", header[28:32])
        check_length(path, pages, 65_536 if page_size == 1 else page_size)


def check_length(path: Path, pages: int, page_size: int) -> None:
    """Raise ``StoreError`` when the file at ``path`` is shorter than its ``pages``."""
    size = path.stat().st_size
    if size < pages * page_size:
        raise StoreError(f"{path} is cut off: {size} of {pages * page_size} bytes are there.", _RESTORE, path=path)


def committed_frames(wal: Path) -> int | None:
    """How many frames of a write-ahead log belong to commits that it claims to hold, checksums unread.

    None when the log is there but its header is not one. SQLite replays frames up to the first wrong checksum; when that is
    fewer than this number, saved work was in the part that is damaged. Layout: https://sqlite.org/fileformat2.html#walformat
    """
    try:
        size = wal.stat().st_size
    except FileNotFoundError:
        return 0
    if size < 32:
        return 0 if size == 0 else None
    with wal.open("rb") as file:
        header = file.read(32)
    magic, _version, page_size = struct.unpack(">III", header[:12])
    if magic not in (0x377F0682, 0x377F0683) or page_size < 512:
        return None
    frame = 24 + page_size
    count = (size - 32) // frame
    if count == 0:
        return 0
    data = np.memmap(wal, dtype=np.uint8, mode="r", offset=32, shape=(count, frame))
    fields = np.array(data[:, :16]).view(">u4")
    del data
    salt = np.frombuffer(header[16:24], dtype=">u4")
    current = (fields[:, 2] == salt[0]) & (fields[:, 3] == salt[1])
    ends = np.flatnonzero(current & (fields[:, 1] != 0))
    return int(ends[-1]) + 1 if ends.size else 0
