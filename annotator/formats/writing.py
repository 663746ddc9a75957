"""What every writer does image by image: progress and cancelling, names that must not share a file, the words of the report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.names import without_suffix
from annotator.formats.report import Tally
from annotator.formats.unheld import Unheld
from annotator.job_context import JobContext

SUGGESTION = "a suggestion, written like an annotation"


def passing(
    dataset: Dataset, unheld: Unheld, context: JobContext, title: str, *, every: int = 64
) -> Iterator[DatasetImage]:
    """The images that can be written at all, with progress and cancelling; what an image loses is said on the way."""
    for done, image in enumerate(dataset.images):
        if done % every == 0:
            context.check_cancelled()
            context.progress(done, None, f"writing {title}")
        if unheld.image(image):
            yield image


class FreeStems:
    """Names for formats that drop a picture's ending, where a.jpg and a.png would share one file of ``title``."""

    def __init__(self, tally: Tally, title: str) -> None:
        self._tally, self._title = tally, title
        self._taken: set[str] = set()

    @property
    def taken(self) -> frozenset[str]:
        """The stems given out, each with the folder that it is free in."""
        return frozenset(self._taken)

    def free(self, name: str, folder: str = "") -> str:
        """``name``, numbered where its stem is taken in ``folder`` (and that is reported)."""
        stem, suffix = without_suffix(name), PurePosixPath(name).suffix
        free, count = stem, 1
        while folder + free in self._taken:
            count += 1
            free = f"{stem}_{count}"
        self._taken.add(folder + free)
        if free != stem:
            why = f"another picture of that name has a different ending, and {self._title} would give both one file"
            self._tally.renamed(name, free + suffix, why)
        return free + suffix


def tell(tally: Tally, one: DatasetAnnotation, image: DatasetImage, how: str = "") -> None:
    """Count an annotation that was written: converted if ``how`` says so or it was a suggestion, else kept."""
    tally.annotations += 1
    said = "; ".join(filter(None, (how, SUGGESTION if one.suggested else "")))
    if said:
        tally.converted(one.label, one.geometry.kind.value, said, image.name)
    else:
        tally.kept(one.label, one.geometry.kind.value, image.name)
