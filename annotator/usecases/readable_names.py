"""Names of files that are no text, as an export calls them: any format and any disk can hold them, and an import knows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from annotator.domain import uris
from annotator.formats.dataset import Dataset, DatasetImage
from annotator.formats.report import EXAMPLES_KEPT, Outcome, ReportRow
from annotator.formats.spec import FormatSpec

WHY = "renamed: its bytes are not UTF-8, so each such byte is written as % and two digits"


class ReadableNames:
    """Images whose names can be written. ``renamed`` fills while they go by: what they are called here to what there."""

    def __init__(self, images: Iterable[DatasetImage]) -> None:
        self._images = images
        self._taken: set[str] | None = None
        self.renamed: dict[str, str] = {}

    def __iter__(self) -> Iterator[DatasetImage]:
        return (self._named(image) if uris.MARK in image.name else image for image in self._images)

    def rows(self) -> tuple[ReportRow, ...]:
        """What the report says of them."""
        number, examples = len(self.renamed), tuple(self.renamed.values())[:EXAMPLES_KEPT]
        return (ReportRow("", "image name", Outcome.CONVERTED, WHY, number, number, examples),) if number else ()

    def _named(self, image: DatasetImage) -> DatasetImage:
        folder, mark, rest = image.name.partition(uris.MARK)
        free = folder + uris.readable(mark + rest).lstrip("/")
        if free == image.name or (folder and not folder.endswith("/")) or free in self._names():
            return image
        self.renamed[image.name] = free
        return replace(image, name=free)

    def _names(self) -> set[str]:
        """The names as they are, read when the first of them is not text."""
        if self._taken is None:
            self._taken = {image.name for image in self._images}
        return self._taken


def with_readable_names(dataset: Dataset, spec: FormatSpec) -> Dataset:
    """The dataset as ``spec`` writes it; our own archive keeps names as they are."""
    return dataset if spec.lossless else replace(dataset, images=ReadableNames(dataset.images))
