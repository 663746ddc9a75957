"""Tags taken away from photographs with several: how well the dense label map ranks them above labels that are not there, and
whether it points at the thing.

Needs ``ANNOTATOR_BENCH_DATA``/coco128 (YOLO boxes): the tags of a photograph are the labels of its boxes, and one in ten is taken
away, in so many draws. What is judged is what the audit does: the ten classes nearest to a label's name on every cell.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from sklearn.metrics import roc_auc_score

from annotator.audit.dense import seen
from annotator.media.pictures import decode
from annotator.models.embedded.model import EmbeddedModel
from annotator.usecases.audit_pictures import THERE
from tests.benchmarks.row import Row

SHARE = 0.1
DRAWS = 20


@dataclass(frozen=True)
class Photographs:
    """``tags`` (n, labels): what is there. ``whether`` the map's word on each and ``whole`` that of the mean over all cells.
    ``points`` and ``middles`` (n, labels): whether the middle of the map's box, and that of the square that it sees, lie in
    a box of the label."""

    tags: np.ndarray
    whether: np.ndarray
    whole: np.ndarray
    points: np.ndarray
    middles: np.ndarray


def rows(quick: bool) -> Iterator[Row]:
    folder = Path(os.environ.get("ANNOTATOR_BENCH_DATA", "")) / "coco128"
    if "ANNOTATOR_BENCH_DATA" not in os.environ or not folder.is_dir():
        yield Row("missing tags on photographs", None, 0, "", note="needs ANNOTATOR_BENCH_DATA/coco128")
        return
    found = looked_at(folder)
    draw = np.random.default_rng(0)
    dense, whole, pointed, middle = ([] for _ in range(4))
    for _ in range(DRAWS):
        gone = found.tags & (draw.random(found.tags.shape) < SHARE)
        asked = gone | ~found.tags
        dense.append(roc_auc_score(gone[asked], found.whether[asked]))
        whole.append(roc_auc_score(gone[asked], found.whole[asked]))
        pointed.append(found.points[gone].mean())
        middle.append(found.middles[gone].mean())
    listed = found.whether >= THERE
    note = f"{found.tags.sum()} tags of {found.tags.shape[1]} labels on {len(found.tags)} photographs; {SHARE:.0%} taken away"
    note += f", {DRAWS} draws; by the mean over all cells {np.mean(whole):.3f}; "
    note += f"the audit lists {listed[found.tags].mean():.0%} of those taken away, {listed[~found.tags].mean():.1%} of the others"
    yield Row("missing tags, AUROC against labels not there", float(np.mean(dense)), 0.75, "", at_least=True, note=note)
    note = f"the middle of the picture {np.mean(middle):.3f}"
    yield Row(
        "missing tags, pointed at in one of its boxes", float(np.mean(pointed)), 0.25, "share", at_least=True, note=note
    )


def looked_at(folder: Path) -> Photographs:
    """What the embedded model sees in every photograph, cell by cell."""
    names = yaml.safe_load((folder / "object_detection" / "config.yaml").read_text())
    labels = [name for _, name in sorted(names["names"].items())]
    model = EmbeddedModel(threads=1)
    classes = model.nearest_classes([(name,) for name in labels])
    files = sorted((folder / "images").rglob("*.jpg"))
    shape = len(files), len(labels)
    tags, points, middles = (np.zeros(shape, bool) for _ in range(3))
    whether, whole = np.zeros(shape), np.zeros(shape)
    for at, file in enumerate(files):
        picture = decode(file, min_side=model.input_size).rgb()
        (logits,) = model.cell_logits([picture])
        told = seen(logits, classes)
        whether[at] = told.whether
        whole[at] = seen(logits.mean(axis=(0, 1), keepdims=True), classes).whether
        for label, box in _boxes(folder, file, picture.shape[1], picture.shape[0]):
            tags[at, label] = True
            points[at, label] |= _holds(box, told.where[label])
            middles[at, label] |= _holds(box, np.asarray([0.0, 0.0, 1.0, 1.0]))
    occurs = tags.any(axis=0)
    return Photographs(*(each[:, occurs] for each in (tags, whether, whole, points, middles)))


def _boxes(folder: Path, file: Path, width: int, height: int) -> Iterator[tuple[int, np.ndarray]]:
    """Label and box of each thing, in shares of the middle square."""
    listed = folder / "object_detection" / "labels" / file.parent.name / f"{file.stem}.txt"
    side = min(width, height)
    corner = np.asarray([(width - side) / 2, (height - side) / 2])
    for line in listed.read_text().splitlines() if listed.is_file() else ():
        label, x, y, wide, high = (float(value) for value in line.split()[:5])
        middle, half = np.asarray([x * width, y * height]), np.asarray([wide * width, high * height]) / 2
        yield int(label), np.concatenate([middle - half - corner, middle + half - corner]) / side


def _holds(box: np.ndarray, other: np.ndarray) -> bool:
    """Whether the middle of ``other`` lies in ``box``."""
    x, y = (other[0] + other[2]) / 2, (other[1] + other[3]) / 2
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])
