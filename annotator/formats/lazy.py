"""Images that are read when they are iterated: counts of what was found, progress and cancelling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from annotator.formats.dataset import DatasetImage
from annotator.formats.findings import Findings
from annotator.formats.report import Report
from annotator.job_context import JobContext

T = TypeVar("T")


class StreamedImages:
    """``produce`` yields the images of one pass over a file, or of ``total`` files. Each iteration counts afresh.

    ``keep`` is held as long as the images are, e.g. the unpacked folder of a zip.
    """

    def __init__(
        self,
        format_id: str,
        path: Path,
        produce: Callable[[Findings], Iterator[DatasetImage | None]],
        loaded: Findings,
        context: JobContext,
        *,
        total: int | None = None,
        keep: object = None,
    ) -> None:
        self._format, self._path, self._produce = format_id, path, produce
        self._loaded, self._context, self._total, self._keep = loaded, context, total, keep
        self._tally = loaded.tally

    def __iter__(self) -> Iterator[DatasetImage]:
        self._tally = self._loaded.tally.copy()
        findings = Findings(self._tally, skip_bad=self._loaded.skip_bad)
        for done, image in enumerate(self._produce(findings)):
            if done % 64 == 0:
                self._context.check_cancelled()
                self._context.progress(done, self._total, f"reading {self._format}")
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


class LazyImages(StreamedImages, Generic[T]):
    """``read_one`` turns each of ``items`` into its image, or None when it is skipped."""

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
        def produce(findings: Findings) -> Iterator[DatasetImage | None]:
            return (read_one(item, findings) for item in items)

        super().__init__(format_id, path, produce, loaded, context, total=len(items), keep=keep)
        self._items = items

    def __len__(self) -> int:
        return len(self._items)
