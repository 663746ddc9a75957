"""The report of an import: what the reader found, less what the project left out, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from annotator.formats.dataset import DatasetAnnotation, DatasetImage
from annotator.formats.report import Outcome, Report, ReportRow, Tally, in_order

_Key = tuple[str, str]
ABSENT = "its picture is not in the project"
TWICE = "it was there already"
ANSWERED = "its picture has another tag of an exclusive group"
ANNOTATED = "its picture has annotations already"
NOT_WANTED = "its label was left out"


class LeftOut:
    """Counts what the project did not take over. Readers count all of that as kept, which ``report`` mends."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._counts: Counter[_Key] = Counter()
        self._images: Counter[_Key] = Counter()

    def image(self, image: DatasetImage) -> None:
        """A picture that is not in the project, with all that was on it."""
        self._tally.dropped("", "image", ABSENT, image.name)
        self.annotations(image, [(one, ABSENT) for one in image.annotations])

    def annotations(self, image: DatasetImage, lost: Iterable[tuple[DatasetAnnotation, str]]) -> None:
        """Annotations of one image with the reason why each stayed out; call it once for an image."""
        counts: Counter[_Key] = Counter()
        for one, why in lost:
            self._tally.dropped(one.label, one.geometry.kind.value, why, image.name)
            counts[_key(one)] += 1
        if counts:
            every = Counter(map(_key, image.annotations))
            self._counts.update(counts)
            self._images.update(key for key, count in counts.items() if count == every[key])

    def field(self, kind: str, why: str, image: str) -> None:
        """A field of an image that the project did not take over."""
        self._tally.dropped("", kind, why, image)

    def report(self, read: Report, renamed: Mapping[str, str]) -> Report:
        """``read`` with the rows of what was left out, and of what came under another label: name there to name here."""
        dropped = self._tally.report(read.format, Path()).rows
        taken = (_under(row, renamed.get(row.label, row.label)) for row in self._less(read))
        return replace(read, rows=in_order((*dropped, *taken)))

    def _less(self, read: Report) -> Iterator[ReportRow]:
        for row in read.rows:
            gone = self._counts[row.label, row.kind] if row.outcome is Outcome.KEPT else 0
            if not gone:
                yield row
            elif row.count > gone:
                yield replace(
                    row, count=row.count - gone, images=row.images - self._images[row.label, row.kind], examples=()
                )


def _under(row: ReportRow, name: str) -> ReportRow:
    if row.outcome is not Outcome.KEPT or name == row.label:
        return row
    return replace(row, outcome=Outcome.CONVERTED, detail=f"its label became {name}")


def _key(one: DatasetAnnotation) -> _Key:
    return one.label, one.geometry.kind.value
