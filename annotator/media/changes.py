"""What has happened to the folders since the last scan: new, changed, vanished and moved images.

Media room. A move is found by content: a new file with the hash of a vanished image is that image in another place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from annotator.domain.uris import to_path
from annotator.errors import ImageError
from annotator.job_context import QUIET, JobContext
from annotator.media.folders import ScannedImage, ScanProblem, scan
from annotator.media.hashing import hash_file

BATCH = 500


@dataclass(frozen=True, slots=True)
class KnownImage:
    """An image as the project remembers it. ``content_hash`` may be empty, ``size`` and ``mtime`` -1: not known."""

    id: int
    root: Path
    uri: str
    content_hash: str = ""
    size: int = -1
    mtime: int = -1

    @property
    def path(self) -> Path:
        return to_path(self.uri, self.root)


class KnownImages(Protocol):
    """What a project remembers, asked batch by batch, so that a million images need not stand in memory."""

    def find(self, batch: Sequence[ScannedImage]) -> list[KnownImage | None]:
        """The known image of each file, None for a new one; those found count as seen from now on."""
        ...

    def unseen(self) -> Iterator[KnownImage]:
        """The known images that ``find`` has not found, in any order."""
        ...


class _Listed:
    """Known images that stand in memory."""

    def __init__(self, known: Iterable[KnownImage]) -> None:
        self._left = {image.path: image for image in known}

    def find(self, batch: Sequence[ScannedImage]) -> list[KnownImage | None]:
        return [self._left.pop(image.path, None) for image in batch]

    def unseen(self) -> Iterator[KnownImage]:
        return iter(self._left.values())


@dataclass(frozen=True, slots=True)
class Rescan:
    """The difference between the project and the disk; a moved image is neither new nor vanished."""

    new: tuple[ScannedImage, ...]
    changed: tuple[tuple[KnownImage, ScannedImage], ...]
    vanished: tuple[KnownImage, ...]
    moved: tuple[tuple[KnownImage, ScannedImage], ...]
    problems: tuple[ScanProblem, ...]


def rescan(
    folders: Sequence[Path], known: Iterable[KnownImage] | KnownImages, *, context: JobContext = QUIET
) -> Rescan:
    """Compare ``known`` with what is in ``folders`` now. Only when hashed images have vanished are new files read."""
    memory: KnownImages = _Listed(known) if isinstance(known, Iterable) else known
    problems: list[ScanProblem] = []
    new: list[ScannedImage] = []
    changed: list[tuple[KnownImage, ScannedImage]] = []
    images, number = scan(folders, on_problem=problems.append), 0
    while batch := list(islice(images, BATCH)):
        context.check_cancelled()
        for image, old in zip(batch, memory.find(batch), strict=True):
            if old is None:
                new.append(image)
            elif old.size >= 0 and (old.size, old.mtime) != (image.size, image.mtime):
                changed.append((old, image))
        number += len(batch)
        context.progress(number, None, "Comparing with the folders")
    vanished = [old for old in memory.unseen() if not old.path.exists()]
    moved = _moved(vanished, new, problems, context)
    gone, come = {old.id for old, _ in moved}, {image.path for _, image in moved}
    return Rescan(
        tuple(image for image in new if image.path not in come),
        tuple(changed),
        tuple(old for old in vanished if old.id not in gone),
        tuple(moved),
        tuple(problems),
    )


def _moved(
    vanished: list[KnownImage], new: list[ScannedImage], problems: list[ScanProblem], context: JobContext
) -> list[tuple[KnownImage, ScannedImage]]:
    """Pairs of equal content; where several copies fit, one of the same file name is preferred."""
    lost: defaultdict[str, list[KnownImage]] = defaultdict(list)
    for old in vanished:
        if old.content_hash:
            lost[old.content_hash].append(old)
    if not lost:
        return []
    sizes = {old.size for group in lost.values() for old in group}
    found: defaultdict[str, list[ScannedImage]] = defaultdict(list)
    for number, image in enumerate(new):
        context.progress(number, len(new), "looking for moved images")
        context.check_cancelled()
        if -1 in sizes or image.size in sizes:
            try:
                found[hash_file(image.path)].append(image)
            except ImageError as error:
                problems.append(ScanProblem(image.path, error.reason))
    pairs: list[tuple[KnownImage, ScannedImage]] = []
    for digest, group in lost.items():
        candidates = found.get(digest, [])
        for old in sorted(group, key=lambda old: not any(c.path.name == old.path.name for c in candidates)):
            if candidates:
                best = next((c for c in candidates if c.path.name == old.path.name), candidates[0])
                candidates.remove(best)
                pairs.append((old, best))
    return pairs
