"""Which pictures the project has: list the folders, follow moved files, note missing ones, then read sizes and hashes.

The listing streams: the first rows are committed after a few dozen files, so that a window can show the first picture while a
hundred thousand are still being found. Sizes, damage and hashes follow behind in the same job.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from annotator.domain import uris
from annotator.domain.kinds import ImageState
from annotator.domain.records import ImageFilter
from annotator.errors import ImageError, UsageError
from annotator.job_context import JobContext
from annotator.media import KnownImage, ScannedImage, ScanProblem, hash_file, probe, rescan
from annotator.media import scan as list_images
from annotator.store.database import Database
from annotator.store.images import NewImage, Root, Unread
from annotator.store.session import Writer
from annotator.usecases.opening import absolute, check_images
from annotator.usecases.parts import Parts
from annotator.usecases.results import Problem, ScanResult
from annotator.usecases.settings_view import REMOVED_ROOTS, STALE

FIRST_BATCH = 32
LARGEST_BATCH = 1_000
READ_BATCH = 128
READERS = 4
REMOVED = "Its folder was taken out of the project."
GONE = "is missing"


def scan(parts: Parts, context: JobContext) -> ScanResult:
    """Bring the project's list of images up to date with its folders."""
    started = time.monotonic()
    with parts.db.read() as reader:
        removed = set(reader.settings.get(REMOVED_ROOTS, []))
        roots = [root for root in reader.images.roots() if root.id not in removed]
        is_new = reader.images.count() == 0
    changes = _first_scan(parts, roots, context) if is_new else _rescan(parts, roots, context)
    _read_files(parts, context)
    with parts.db.read() as reader:
        count = reader.images.count()
        bad = reader.images.problems()
    problems = tuple(Problem(image.id, uris.printable(image.uri), image.reason) for image in bad)
    unreadable = sum(image.state is ImageState.UNREADABLE for image in bad)
    return ScanResult(count, unreadable, time.monotonic() - started, *changes, problems)


def add_folder(parts: Parts, folder: Path) -> int:
    """Register a folder of images, or take back its removal; returns its id."""
    check_images(folder)
    with parts.db.write("scan") as writer:
        root_id = writer.images.add_root(str(absolute(folder)))
        removed = [each for each in writer.settings.get(REMOVED_ROOTS, []) if each != root_id]
        writer.settings.set(REMOVED_ROOTS, removed)
    return root_id


def remove_folder(parts: Parts, root_id: int) -> int:
    """Stop showing a folder's images; rows and annotations stay, and come back with the folder."""
    with parts.db.write("scan") as writer:
        if root_id not in {root.id for root in writer.images.roots()}:
            raise UsageError(f"The project has no folder number {root_id}.", "`project.images.roots()` lists them.")
        removed = set(writer.settings.get(REMOVED_ROOTS, []))
        writer.settings.set(REMOVED_ROOTS, sorted(removed | {root_id}))
        ids = writer.images.ids(ImageFilter(roots=frozenset({root_id}))).tolist()
        writer.images.set_state(ids, ImageState.MISSING, REMOVED)
    return len(ids)


def restore(writer: Writer, ids: Sequence[int]) -> None:
    """Give images that are there again the state that their annotations and "done" marks imply."""
    shown = writer.images.shown_counts(ids)
    states: dict[ImageState, list[int]] = {}
    for image_id in ids:
        if writer.images.done(image_id):
            state = ImageState.DONE
        elif shown.get(image_id, (0, 0))[0]:
            state = ImageState.IN_PROGRESS
        else:
            state = ImageState.NEW
        states.setdefault(state, []).append(image_id)
    for state, members in states.items():
        writer.images.set_state(members, state)


# --- listing -----------------------------------------------------------------------------------------------------------


def _first_scan(parts: Parts, roots: Sequence[Root], context: JobContext) -> tuple[int, int, int]:
    """Stream the images of an empty project into it; returns how many were added, moved and missed."""
    by_path = {Path(root.path): root.id for root in roots}
    images = _listed(parts, roots, context)
    added, size = 0, FIRST_BATCH
    while batch := list(islice(images, size)):
        context.check_cancelled()
        with parts.db.write("scan") as writer:
            added += len(writer.images.add_many(_row(each, by_path[each.root]) for each in batch))
        context.progress(added, None, "Looking for pictures")
        size = min(2 * size, LARGEST_BATCH)
    return added, 0, 0


def _listed(parts: Parts, roots: Sequence[Root], context: JobContext) -> Iterator[ScannedImage]:
    def report(problem: ScanProblem) -> None:
        context.log(f"{problem}: left out.")

    for each in list_images([Path(root.path) for root in roots], on_problem=report):
        if not each.path.is_relative_to(parts.folder):
            yield each


def _row(each: ScannedImage, root_id: int) -> NewImage:
    return NewImage(each.uri, root_id, each.size, each.mtime)


def _rescan(parts: Parts, roots: Sequence[Root], context: JobContext) -> tuple[int, int, int]:
    """Compare the project with the disk; returns how many images were added, moved and missed."""
    folders = {root.id: Path(root.path) for root in roots}
    by_path = {path: root_id for root_id, path in folders.items()}
    found = rescan(list(folders.values()), StoredImages(parts.db, folders), context=context)
    for problem in found.problems:
        context.log(f"{problem}: left out.")
    fresh = [_row(each, by_path[each.root]) for each in found.new if not each.path.is_relative_to(parts.folder)]
    added = 0
    for at in range(0, len(fresh), LARGEST_BATCH):
        context.check_cancelled()
        with parts.db.write("scan") as writer:
            added += len(writer.images.add_many(fresh[at : at + LARGEST_BATCH]))
    vanished = np.asarray([old.id for old in found.vanished], np.int64)
    with parts.db.read() as reader:
        chosen = ImageFilter(roots=frozenset(folders), states=frozenset({ImageState.MISSING}))
        missing = reader.images.ids(chosen) if folders else vanished[:0]
    gone = np.setdiff1d(vanished, missing)
    back = np.setdiff1d(missing, vanished).tolist()
    lost = set(gone.tolist())
    with parts.db.write("scan") as writer:
        for old, each in found.moved:
            writer.images.relink(old.id, each.uri, by_path[each.root])
            writer.images.set_info([{"id": old.id, "file_size": each.size, "file_mtime": each.mtime}])
        for folder in folders.values():
            there = [old.id for old in found.vanished if old.root == folder and old.id in lost]
            reason = GONE if folder.is_dir() else f"{GONE} with its folder {uris.printable(str(folder))}"
            writer.images.set_state(there, ImageState.MISSING, reason)
        _note_changed(writer, [(old.id, each) for old, each in found.changed])
        restore(writer, back)
    return added, len(found.moved), len(gone)


class StoredImages:
    """What the store knows of the images in some folders, for ``rescan``: a mark per image in memory, the rest is asked for."""

    def __init__(self, db: Database, folders: Mapping[int, Path]) -> None:
        self._db = db
        self._folders = dict(folders)
        self._ids = {path: root_id for root_id, path in self._folders.items()}
        with db.read() as reader:
            chosen = ImageFilter(roots=frozenset(folders))
            self._left = reader.images.ids(chosen) if folders else np.empty(0, np.int64)
        self._seen = np.zeros(len(self._left), bool)

    def find(self, batch: Sequence[ScannedImage]) -> list[KnownImage | None]:
        """See ``KnownImages``. A file may be known by another of the folders, when one lies in the other."""
        found = self._look_up(batch, {root: [image for image in batch if image.root == root] for root in self._ids})
        for root in self._ids:
            others = [i for i in batch if i.path not in found and i.root != root and i.path.is_relative_to(root)]
            found |= self._look_up(batch, {root: others})
        return [found.get(image.path) for image in batch]

    def unseen(self) -> Iterator[KnownImage]:
        """See ``KnownImages``."""
        left = self._left[~self._seen].tolist()
        for at in range(0, len(left), LARGEST_BATCH):
            with self._db.read() as reader:
                images = reader.images.many(left[at : at + LARGEST_BATCH])
                stamps = reader.images.stamps([image.id for image in images])
            for image in images:
                yield KnownImage(
                    image.id, self._folders[image.root_id], image.uri, image.content_hash, *stamps[image.id]
                )

    def _look_up(
        self, batch: Sequence[ScannedImage], by_root: Mapping[Path, Sequence[ScannedImage]]
    ) -> dict[Path, KnownImage]:
        found: dict[Path, KnownImage] = {}
        for root, images in by_root.items():
            if not images:
                continue
            names = {_uri_in(root, image): image.path for image in images}
            with self._db.read() as reader:
                known = reader.images.known(self._ids[root], names)
            for uri, (image_id, size, moment) in known.items():
                found[names[uri]] = KnownImage(image_id, root, uri, "", size, moment)
        self._seen[np.searchsorted(self._left, [each.id for each in found.values()])] = True
        return found


def _uri_in(root: Path, image: ScannedImage) -> str:
    return image.uri if image.root == root else uris.to_uri(image.path, root)


def _note_changed(writer: Writer, changed: Sequence[tuple[int, ScannedImage]]) -> None:
    """Files with other bytes than before are read and looked at again."""
    writer.images.set_info(
        [
            {"id": i, "file_size": each.size, "file_mtime": each.mtime, "width": 0, "height": 0, "content_hash": ""}
            for i, each in changed
        ]
    )
    images = writer.images.many(i for i, _ in changed)
    restore(writer, [image.id for image in images if image.state is ImageState.UNREADABLE])
    if changed:
        stale = set(writer.settings.get(STALE, []))
        writer.settings.set(STALE, sorted(stale | {i for i, _ in changed}))


# --- reading -----------------------------------------------------------------------------------------------------------


def _read_files(parts: Parts, context: JobContext) -> None:
    """Sizes of all images that have none yet, then hashes."""
    with parts.db.read() as reader:
        roots = {root.id: Path(root.path) for root in reader.images.roots()}
    with parts.db.read() as reader:
        unsized = reader.images.unread(Unread.SIZE)
    _in_batches(parts, roots, unsized.tolist(), context, "Reading sizes", _probe)
    with parts.db.read() as reader:
        unhashed = reader.images.unread(Unread.HASH)
    _in_batches(parts, roots, unhashed.tolist(), context, "Fingerprinting", _hash)


def _probe(path: Path) -> dict[str, Any]:
    info = probe(path)
    return {
        "width": info.width,
        "height": info.height,
        "orientation": info.orientation,
        "bit_depth": info.bit_depth,
        "channels": info.channels,
    }


def _hash(path: Path) -> dict[str, Any]:
    return {"content_hash": hash_file(path)}


def _in_batches(
    parts: Parts,
    roots: dict[int, Path],
    ids: list[int],
    context: JobContext,
    message: str,
    read: Callable[[Path], dict[str, Any]],
) -> None:
    """Read the files of these images and store what ``read`` tells, or why it could not."""
    with ThreadPoolExecutor(READERS, thread_name_prefix="scan") as readers:
        for at in range(0, len(ids), READ_BATCH):
            context.progress(at, len(ids), message)
            context.check_cancelled()
            with parts.db.read() as reader:
                images = reader.images.many(ids[at : at + READ_BATCH])
            paths = [uris.to_path(image.uri, roots.get(image.root_id, Path("/"))) for image in images]
            told = list(readers.map(lambda path: _attempt(read, path), paths))
            rows = [
                {"id": image.id, **facts} for image, facts in zip(images, told, strict=True) if isinstance(facts, dict)
            ]
            bad = [(image, facts) for image, facts in zip(images, told, strict=True) if isinstance(facts, ImageError)]
            with parts.db.write("scan") as writer:
                writer.images.set_info(rows)
                for image, error in bad:
                    writer.images.set_state([image.id], ImageState.UNREADABLE, error.reason)
            for _, error in bad:
                context.log(str(error))
        context.progress(len(ids), len(ids), message)


def _attempt(read: Callable[[Path], dict[str, Any]], path: Path) -> dict[str, Any] | ImageError:
    try:
        return read(path)
    except ImageError as error:
        return error
