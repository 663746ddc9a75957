"""Images without a split get one: stratified by label, sequences and copies of a picture together, others left as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

import numpy as np
from scipy.sparse import csr_matrix

from annotator.domain.kinds import Split
from annotator.errors import AnnotatorError, UsageError
from annotator.job_context import JobContext
from annotator.learning.splits import stratified
from annotator.usecases.parts import Parts
from annotator.usecases.results import LabelSplit, SplitResult

SPLITS = tuple(Split)


def split(parts: Parts, fractions: Mapping[Split, float], seed: int, context: JobContext) -> SplitResult:
    """Assign every image that has no split; one transaction. Raises ``UsageError`` for fractions that cannot be."""
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
        if name:
            current[of_image[at]] = SPLITS.index(Split(name))
    context.check_cancelled()
    matrix, columns = _matrix(images, of_image, pairs, len(groups))
    chosen = stratified(matrix, np.bincount(of_image, minlength=len(groups)), current, share, list(groups), seed=seed)
    context.check_cancelled()
    added: dict[Split, list[int]] = {}
    for at, (image_id, _, _, name, _, _) in enumerate(images):
        if not name:
            added.setdefault(SPLITS[chosen[of_image[at]]], []).append(image_id)
    with parts.db.write("split") as writer:
        for one, ids in added.items():
            writer.images.set_split(ids, one)
    counts = Counter(name or SPLITS[chosen[of_image[at]]].value for at, (_, _, _, name, _, _) in enumerate(images))
    final = np.asarray([SPLITS.index(Split(i[3])) if i[3] else chosen[of_image[at]] for at, i in enumerate(images)])
    return SplitResult(
        added=sum(map(len, added.values())),
        groups=len(groups),
        splits={one.value: counts.get(one.value, 0) for one in SPLITS},
        labels=_by_label(images, pairs, final, columns, names),
    )


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
