"""Ids of the regions of one Label Studio task: foreign ones as they were, and no two alike in one person's or model's answers.

Results of one id are one region to Label Studio, so that a second region of that id would be lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from annotator.formats.dataset import DatasetAnnotation, DatasetImage
from annotator.formats.report import own


class RegionIds:
    """Gives ids in the order in which annotations are written."""

    def __init__(self, image: DatasetImage) -> None:
        self._foreign = {foreign_id(one) for one in image.annotations}
        self._taken: set[tuple[bool, str, str]] = set()

    def new(self, one: DatasetAnnotation, model: str, number: int, place: int) -> str:
        """The id of the annotation's region: its foreign one, or one by its number, with another ending where that is taken."""
        foreign = foreign_id(one)
        end = f"-{place + 1}" if place else ""
        wished = (foreign or f"r{number + 1}") + end
        whose = model if one.suggested else one.annotator
        name = next(
            name
            for name in _variants(wished)
            if (one.suggested, whose, name) not in self._taken and (name not in self._foreign or name == foreign)
        )
        self._taken.add((one.suggested, whose, name))
        return name


def foreign_id(one: DatasetAnnotation) -> str:
    """The id that Label Studio gave the region, empty for none."""
    return str(own(one.extra, "label_studio").get("id") or "")


def _variants(wished: str) -> Iterable[str]:
    yield wished
    yield from (f"{wished}.{again}" for again in count(2))
