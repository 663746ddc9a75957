"""The "new?" pile: how far each open image is from anything labelled, kept beside the ranking; and a label made of some of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from annotator.domain.page import Page
from annotator.domain.records import Label
from annotator.edits import Edit, LabelChange, Vocabulary, create_label, tag_many
from annotator.edits.changes import batched

if TYPE_CHECKING:
    from annotator.usecases.parts import Parts

Ids = NDArray[np.int64]
FloatArray = NDArray[np.float32]

FILE = "novel.npz"


@dataclass(frozen=True)
class NovelPile:
    """``image_ids`` (n,) from the strangest, ``distances`` (n,) to what is labelled, and the distance from which an image counts
    as new: 99 of 100 labelled images lie nearer to the others."""

    image_ids: Ids
    distances: FloatArray
    threshold: float

    def __len__(self) -> int:
        return len(self.image_ids)


def write(parts: Parts, ids: Ids, distances: FloatArray, threshold: float) -> None:
    """Keep the distances of all images that were ranked."""
    folder = parts.cache / "queue"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{FILE}"
    with unfinished.open("wb") as file:
        np.savez(file, ids=ids, distances=np.asarray(distances, np.float32), threshold=np.float64(threshold))
    unfinished.replace(folder / FILE)


def read(parts: Parts, open_ids: Ids) -> NovelPile:
    """Those of ``open_ids`` that are new, the strangest first; empty before enough is labelled."""
    try:
        with (parts.cache / "queue" / FILE).open("rb") as file, np.load(file, allow_pickle=False) as kept:
            ids, distances, threshold = kept["ids"], kept["distances"], float(kept["threshold"])
    except (OSError, ValueError, EOFError, LookupError, BadZipFile):
        return NovelPile(np.zeros(0, np.int64), np.zeros(0, np.float32), float("inf"))
    keep = np.flatnonzero((distances >= threshold) & np.isin(ids, open_ids))
    keep = keep[np.argsort(-distances[keep], kind="stable")]
    return NovelPile(ids[keep], distances[keep], threshold)


def label_pile(
    pages: Iterable[Page],
    name: str,
    labels: Iterable[Label],
    vocabulary: Vocabulary,
    *,
    label_id: int,
    annotator: str,
    group_id: int | None = 1,
) -> Edit:
    """Make the label ``name`` (its id from ``History.next_label_id``) and give it to all ``pages`` as their tag: one edit.

    Raises ``UsageError`` when the name is taken or empty.
    """
    made = create_label(tuple(labels), name, label_id, annotator=annotator, group_id=group_id)
    label = next(c.after for c in made.changes if isinstance(c, LabelChange) and c.after is not None)
    known = Vocabulary({**vocabulary.labels, label.id: label}, vocabulary.groups)
    tagged = tag_many(pages, label.id, known, annotator=annotator)
    title = f'Make label "{label.name}" of {len({row.image_id for row in tagged.rows()})} images'
    return batched(replace(tagged, title=title, image_id=None, changes=(*made.changes, *tagged.changes)))
