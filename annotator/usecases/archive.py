"""A whole project in one file: what its archive carries beside the dataset, and a project made from it again.

The dataset of an archive can be imported anywhere. The rows below ``project/`` bring back all the rest: suggestions, verdicts,
every edit with its undo, certificates, findings, runs, with their ids and times. What can be made again (thumbnails, embeddings)
and trained heads stay behind.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from annotator.errors import AnnotatorError, FormatError, StoreError
from annotator.formats.archive.reader import read_manifest
from annotator.formats.archive.spec import PICTURES
from annotator.formats.source import Source
from annotator.job_context import JobContext
from annotator.store import schema, transfer
from annotator.store.database import FILE_NAME, Database
from annotator.store.lane import WriteLane
from annotator.store.lock import ProjectLock
from annotator.usecases.image_view import ImageView, root_names
from annotator.usecases.opening import absolute, check_new, login_name
from annotator.usecases.parts import Parts

FOLDER = "project"
SCHEMA = f"{FOLDER}/schema.txt"


def attachments(connection: Connection) -> Mapping[str, Callable[[], Iterable[bytes]]]:
    """The members that hold the project's rows, read while they are written from the one snapshot of ``connection``."""
    members: dict[str, Callable[[], Iterable[bytes]]] = {SCHEMA: lambda: [schema.REVISIONS[-1].encode()]}
    for name in transfer.tables():
        members[f"{FOLDER}/{name}.jsonl"] = partial(transfer.dump, connection, name)
    return members


def restore(folder: Path, archive: Path, images: Path | None, annotator: str | None, context: JobContext) -> Parts:
    """Make the project ``folder`` from an archive; ``images`` is where its pictures are now, or where to unpack those it holds.

    Raises ``FormatError`` for a file that is no archive of a project, and ``StoreError`` when ``folder`` holds one already;
    nothing is left behind then.
    """
    source = Source(archive)
    read_manifest(source.folder, archive)
    if not (source.folder / SCHEMA).is_file():
        what = f"{archive} holds a dataset and no project."
        raise FormatError(what, "Make a project of its pictures, and import it there.", path=archive)
    pictures = source.folder / PICTURES
    if images is None and pictures.is_dir():
        raise FormatError(f"{archive} holds pictures.", "Say with --images where to put them.", path=archive)
    check_new(folder)
    existed = folder.exists()
    revision = (source.folder / SCHEMA).read_text("utf-8", "replace").strip()
    context.progress(0, None, "Restoring")
    try:
        lines_of = partial(_lines, source.folder)
        db = Database.create(folder, lambda connection: transfer.fill(connection, revision, lines_of))
        try:
            parts = Parts(absolute(folder), db, WriteLane(db), annotator or login_name(), ProjectLock(folder))
        except BaseException:
            db.close()
            (folder / FILE_NAME).unlink(missing_ok=True)
            raise
    except BaseException as error:
        if not existed:
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, StoreError) and not existed:
            raise FormatError(f"{archive}: {error.what}", error.cure, path=archive) from error
        raise
    try:
        if images is not None:
            _place_pictures(parts, pictures, absolute(images), context)
    except BaseException:
        parts.close()
        raise
    return parts


def _lines(folder: Path, name: str) -> Iterator[bytes]:
    """The lines of a table; none for one that the archive, of an older version, does not have."""
    file = folder / FOLDER / f"{name}.jsonl"
    if file.is_file():
        with file.open("rb") as lines:
            yield from lines


def _place_pictures(parts: Parts, pictures: Path, images: Path, context: JobContext) -> None:
    """Unpack the pictures that the archive holds, and let the project's folders be where they are now."""
    if pictures.is_dir():
        if images.exists() and any(images.iterdir()):
            raise AnnotatorError(
                f"{images} holds files already.", "Name a new folder for the archive's pictures.", path=images
            )
        context.progress(0, None, "Unpacking pictures")
        shutil.copytree(pictures, images, dirs_exist_ok=True)
    names = root_names(ImageView(parts))
    with parts.db.write("restore") as writer:
        used = [root for root in writer.images.roots() if root.path]
        for root in used:
            place = images / names.get(root.id, "").rstrip("/") if len(names) > 1 else images
            if place.is_dir() and (len(used) == 1 or root.id in names):
                writer.images.move_root(root.id, str(place))
