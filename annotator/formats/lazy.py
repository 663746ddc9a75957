"""Images that are read when they are iterated, for formats with one file per image: counts, progress and cancelling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from annotator.formats.dataset import DatasetImage
from annotator.formats.findings import Findings
from annotator.formats.report import Report
from annotator.job_context import JobContext

T = TypeVar("T")


class LazyImages(Generic[T]):
    """``read_one`` turns an item into its image, or None when it is skipped. Each iteration counts afresh.

    ``keep`` is held as long as the images are, e.g. the unpacked folder of a zip.
    """

    def __init__(
        self,
        format_id: str,
        path: Path,
        items: Sequence[T],
        read_one: Callable[[T, Findings], DatasetImage | None],
        loaded: Findings,
        context: JobContext,
        keep: object = None,
    ) -> None:
        self._format, self._path, self._items, self._read = format_id, path, items, read_one
        self._loaded, self._context, self._keep = loaded, context, keep
        self._tally = loaded.tally

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[DatasetImage]:
        self._tally = self._loaded.tally.copy()
        findings = Findings(self._tally, skip_bad=self._loaded.skip_bad)
        for done, item in enumerate(self._items):
            if done % 64 == 0:
                self._context.check_cancelled()
                self._context.progress(done, len(self._items), f"reading {self._format}")
            image = self._read(item, findings)
            if image is None:
                continue
            self._tally.images += 1
            self._tally.annotations += len(image.annotations)
            for one in image.annotations:
                self._tally.kept(one.label, one.geometry.kind.value, image.name)
                if findings.spills(one.geometry, image.width, image.height):
                    kind = one.geometry.kind.value
                    self._tally.converted(one.label, kind, "kept, though it leaves the image", image.name)
            yield image

    def report(self) -> Report:
        """What the latest iteration found."""
        return self._tally.report(self._format, self._path)
