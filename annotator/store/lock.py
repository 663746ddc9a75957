"""One window per project: a lock of the operating system on a file in the project folder, with who holds it."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import sys
from io import FileIO
from pathlib import Path

import orjson

from annotator.domain.records import now
from annotator.errors import StoreError


class ProjectLock:
    """Held from construction until ``release`` or the end of the process, however it ends.

    Raises ``StoreError`` naming the holder when the project is taken.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "project.lock"
        try:
            self._file: FileIO | None = self.path.open("a+b", buffering=0)
        except OSError as error:
            what = f"{folder} cannot be written: {error.strerror}."
            raise StoreError(what, "Allow writing to it, or copy the project.", path=folder) from error
        if not _lock(self._file):
            holder = _holder(self.path)
            self._file.close()
            raise StoreError(
                f"{folder.name} is open in another window ({holder}).", "Close it there first.", path=folder
            )
        who = {"pid": os.getpid(), "host": socket.gethostname(), "user": _user(), "since": now()}
        # The first byte is what Windows locks; it is left alone so that others may read who holds the lock.
        with contextlib.suppress(OSError):  # a full disk: the lock holds all the same, it only does not say whose it is
            self._file.truncate(0)
            self._file.write(b"\n" + orjson.dumps(who))

    def release(self) -> None:
        """Give the project back. The file stays: removing it would let two holders lock two files of one name."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None

    def __enter__(self) -> ProjectLock:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return ""


def _holder(path: Path) -> str:
    try:
        who = orjson.loads(path.read_bytes().strip())
        elsewhere = "" if who["host"] == socket.gethostname() else f" on {who['host']}"
        return f"PID {who['pid']}{elsewhere}"
    except (OSError, ValueError, KeyError, TypeError):  # the holder is just writing its name
        return "another process"


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _lock(file: FileIO) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: FileIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
