"""Making and finding projects: where the folder belongs, the lock, the database, the first labels."""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from annotator.domain.names import label_name
from annotator.domain.palette import label_color
from annotator.domain.records import Label
from annotator.domain.uris import printable
from annotator.errors import AnnotatorError, StoreError, UsageError
from annotator.store.database import FILE_NAME, Database, OlderDatabase
from annotator.store.lane import WriteLane
from annotator.store.lock import ProjectLock
from annotator.usecases.parts import Parts

SUFFIX = ".annotator"
REMAINS = frozenset({"cache", "models", "project.lock", f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"})
"""What is left of a project whose database is gone; a new one may be made among it."""


def absolute(path: Path) -> Path:
    """``path`` from the root, without ``.`` and ``..``; a link keeps the name that it was given, as in a scan."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def folder_for(images: Path) -> Path:
    """NAME.annotator beside the folder of images, or in the user's data directory where that cannot be written."""
    folder = absolute(images)
    name = folder.name or "pictures"
    beside = folder.parent / f"{name}{SUFFIX}"
    if is_project(beside) or os.access(folder.parent, os.W_OK):
        return beside
    mark = hashlib.blake2b(os.fsencode(folder), digest_size=6).hexdigest()
    return Path(platformdirs.user_data_dir("annotator", appauthor=False)) / "projects" / f"{name}-{mark}{SUFFIX}"


def login_name() -> str:
    """The name of the person at this machine, or "annotator" where the system does not tell."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "annotator"


def is_project(path: Path) -> bool:
    """Whether ``path`` is a project folder."""
    return (path / FILE_NAME).is_file()


def find(path: Path) -> Path:
    """The project folder that ``path`` names: itself, or the one that belongs to a folder of images."""
    if is_project(path):
        return path
    shown = printable(str(path))
    if not path.exists():
        raise StoreError(
            f"There is no project at {shown}.", "`annotator new PROJECT --images DIR` makes one.", path=path
        )
    if path.is_file():
        raise StoreError(
            f"{shown} is a file, not a project folder.", "Give the folder that holds project.db.", path=path
        )
    belonging = folder_for(path)
    if is_project(belonging):
        return belonging
    raise StoreError(f"{shown} holds no project.", "`annotator new PROJECT --images DIR` makes one.", path=path)


def check_images(images: Path) -> None:
    """Raise ``AnnotatorError`` unless ``images`` is a folder that can be listed."""
    shown = printable(str(images))
    if not images.exists():
        raise AnnotatorError(f"There is no folder {shown}.", "Check the name.", path=images)
    if not images.is_dir():
        raise AnnotatorError(f"{shown} is not a folder.", "Give the folder that holds the pictures.", path=images)
    if not os.access(images, os.R_OK | os.X_OK):
        raise AnnotatorError(
            f"The folder {shown} may not be read.", "Give yourself permission to read it.", path=images
        )


def check_new(folder: Path) -> None:
    """Raise ``StoreError`` unless a project can be made at ``folder``: nothing but the remains of a project may lie there."""
    shown = printable(str(folder))
    if folder.is_file():
        raise StoreError(f"{shown} is a file.", "Choose another name for the project's folder.", path=folder)
    if is_project(folder) or not folder.exists():
        return
    if any(entry.name not in REMAINS and not entry.name.startswith(".") for entry in folder.iterdir()):
        cure = f"Choose a name that is not taken, such as {printable(folder.name or 'pictures')}{SUFFIX}."
        raise StoreError(f"{shown} holds other files already.", cure, path=folder)


def create(
    folder: Path, images: Path | None, labels: Sequence[str], annotator: str | None, *, exclusive: bool = True
) -> Parts:
    """A new project with its first folder of images and labels, one group; leaves nothing behind when it fails."""
    names = [label_name(name) for name in labels]
    for at, name in enumerate(names):
        if not name:
            raise UsageError("A label has no name.", "Leave out the empty one.")
        if name in names[:at]:
            raise UsageError(f'The label "{name}" is given twice.', "Give each label once.")
    if images is not None:
        check_images(images)
    check_new(folder)
    existed = folder.exists()
    db = Database.create(folder)
    try:
        lock = ProjectLock(folder)
    except BaseException:
        db.close()
        if not existed:
            (folder / FILE_NAME).unlink(missing_ok=True)
        raise
    parts = Parts(absolute(folder), db, WriteLane(db), annotator or login_name(), lock)
    try:
        with db.write("new") as writer:
            if images is not None:
                writer.images.add_root(str(absolute(images)))
            groups = writer.labels.groups()
            group = writer.labels.add_group(groups[0].name if groups else "labels", exclusive)
            for position, name in enumerate(names):
                writer.labels.add(Label(0, name, label_color(position), position, group_id=group))
    except BaseException:
        parts.close()
        raise
    return parts


def open_parts(path: Path, annotator: str | None, *, lock: bool, read_only: bool) -> Parts:
    """Open the project that ``path`` names; the lock comes first, so that two windows never migrate one database."""
    folder = absolute(find(path))
    held = ProjectLock(folder) if lock else None
    try:
        db = _open_current(folder) if read_only else Database.open(folder)
    except BaseException:
        if held is not None:
            held.release()
        raise
    return Parts(folder, db, WriteLane(db), annotator or login_name(), held, read_only)


def _open_current(folder: Path) -> Database:
    """The database for reading; one of an older version is brought up to date first, under the lock."""
    try:
        return Database.open(folder, read_only=True)
    except OlderDatabase:
        with ProjectLock(folder):
            Database.open(folder).close()
        return Database.open(folder, read_only=True)
