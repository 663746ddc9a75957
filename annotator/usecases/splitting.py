"""Images without a split get one: stratified by label, sequences and copies of a picture together, others left as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from scipy.sparse import csr_matrix

from annotator.domain.kinds import Split
from annotator.edits.changes import Edit
from annotator.edits.history import History
from annotator.edits.images import divide
from annotator.errors import AnnotatorError, UsageError
from annotator.job_context import JobContext
from annotator.learning.splits import stratified
from annotator.usecases.parts import Parts
from annotator.usecases.results import LabelSplit, SplitResult

SPLITS = tuple(Split)
PAGE = 5_000


@dataclass(frozen=True)
class SplitPlan:
    """Which images would get which split, and how it would then stand."""

    of_image: Mapping[int, Split]
    result: SplitResult


def split(
    parts: Parts, history: History, fractions: Mapping[Split, float], seed: int, anew: bool, context: JobContext
) -> SplitResult:
    """Carry out the plan as one edit, which can be undone."""
    planned = plan(parts, fractions, seed, anew, context)
    history.perform(split_edit(parts, planned, context)).future.result()
    return planned.result


def split_edit(parts: Parts, planned: SplitPlan, context: JobContext) -> Edit:
    """The edit that puts images where the plan wants them."""
    ids, images = list(planned.of_image), []
    for at in range(0, len(ids), PAGE):
        context.check_cancelled()
        context.progress(at, len(ids), "Splitting")
        with parts.db.read() as reader:
            images += reader.images.many(ids[at : at + PAGE])
    return divide(images, planned.of_image, annotator=parts.annotator)


def plan(parts: Parts, fractions: Mapping[Split, float], seed: int, anew: bool, context: JobContext) -> SplitPlan:
    """A split for every image that has none, or with ``anew`` for all. Raises ``UsageError`` for fractions that cannot be."""
    share = [fractions.get(one, 0.0) for one in SPLITS]
    if min(share) < 0 or not sum(share) > 0:
        raise UsageError(
            "The parts of a split must not be negative, and one must be more than 0.", "Give e.g. .8 .1 .1."
        )
    context.progress(0, None, "Splitting")
    with parts.db.read() as reader:
        images = reader.images.for_splitting()
        pairs = reader.annotations.labels_on()
        names = {label.id: label.name for label in reader.labels.all()}
    if not images:
        raise AnnotatorError("The project has no pictures to split.", "Add a folder of them first.")
    keys = [_key(sequence, content, root, uri) for _, root, uri, _, sequence, content in images]
    groups = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    of_image = np.asarray([groups[key] for key in keys])
    current = np.full(len(groups), -1, np.int64)
    for at, (_, _, _, name, _, _) in enumerate(images):
        if name and not anew:
            current[of_image[at]] = SPLITS.index(Split(name))
    context.check_cancelled()
    matrix, columns = _matrix(images, of_image, pairs, len(groups))
    chosen = stratified(matrix, np.bincount(of_image, minlength=len(groups)), current, share, list(groups), seed=seed)
    context.check_cancelled()
    # An image that stands apart from its group, as a person put it there, stays where it is.
    kept = [i[3] if not anew else "" for i in images]
    final = np.asarray(
        [SPLITS.index(Split(kept[at])) if kept[at] else chosen[of_image[at]] for at in range(len(images))]
    )
    moved = {i[0]: SPLITS[final[at]] for at, i in enumerate(images) if i[3] != SPLITS[final[at]].value}
    counts = np.bincount(final, minlength=len(SPLITS))
    result = SplitResult(
        added=len(moved),
        groups=len(groups),
        splits={one.value: int(counts[at]) for at, one in enumerate(SPLITS)},
        labels=_by_label(images, pairs, final, columns, names),
    )
    return SplitPlan(moved, result)


def _key(sequence: str, content: str, root: int, uri: str) -> str:
    """What may not be torn apart: a sequence, copies of one picture, else the image itself."""
    if sequence:
        return f"sequence {root} {sequence}"
    return f"content {content}" if content else f"image {root} {PurePosixPath(uri)}"


def _matrix(
    images: list[tuple[int, int, str, str, str, str]], of_image: np.ndarray, pairs: list[tuple[int, int]], groups: int
) -> tuple[csr_matrix, dict[int, int]]:
    """(groups, labels) how many images of a group have a label, and the column of each label's id."""
    places = {row[0]: at for at, row in enumerate(images)}
    columns = {label: number for number, label in enumerate(sorted({label for _, label in pairs}))}
    known = [(of_image[places[image]], columns[label]) for image, label in pairs if image in places]
    at = np.asarray(known, np.int64).reshape(-1, 2)
    matrix = csr_matrix((np.ones(len(at), np.int64), (at[:, 0], at[:, 1])), shape=(groups, len(columns)))
    matrix.sum_duplicates()
    return matrix, columns


def _by_label(
    images: list[tuple[int, int, str, str, str, str]],
    pairs: list[tuple[int, int]],
    final: np.ndarray,
    columns: dict[int, int],
    names: dict[int, str],
) -> tuple[LabelSplit, ...]:
    places = {row[0]: at for at, row in enumerate(images)}
    counts = Counter((label, int(final[places[image]])) for image, label in pairs if image in places)
    return tuple(
        LabelSplit(names[label], *(counts[label, number] for number in range(len(SPLITS))))
        for label in sorted(columns)
        if label in names
    )
