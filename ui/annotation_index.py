"""The annotations of the page by id, kept from page to page: an edit beside thousands asks for one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from annotator.domain.records import Annotation
from ui.differences import difference


class AnnotationIndex:
    """Made when it is first asked about a page; after an edit only what changed is taken in.

    The keys are the numbers of the ids, because the hash of an id is worked out in Python.
    """

    def __init__(self) -> None:
        self._shown: Sequence[Annotation] = ()
        self._by_id: dict[int, Annotation] = {}

    def find(self, annotations: Sequence[Annotation], ids: Iterable[UUID]) -> list[Annotation]:
        """Those of ``annotations`` that have ``ids``, in the order of ``ids``."""
        self._follow(annotations)
        found = (self._by_id.get(each.int) for each in ids)
        return [annotation for annotation in found if annotation is not None]

    def _follow(self, annotations: Sequence[Annotation]) -> None:
        if annotations is self._shown:
            return
        span = difference(self._shown, annotations)
        if len(span) > len(annotations):
            self._by_id = {annotation.id.int: annotation for annotation in annotations}
        else:
            for annotation in span.before:
                self._by_id.pop(annotation.id.int, None)
            self._by_id.update((annotation.id.int, annotation) for annotation in span.after)
        self._shown = annotations
