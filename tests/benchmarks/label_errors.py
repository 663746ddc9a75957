"""Errors planted in boxes that people drew on blood smears: moved, called something else, forgotten and made up.

Needs ``ANNOTATOR_BENCH_DATA``/bccd (Pascal VOC). A head is trained first, so it takes minutes; with ``--quick`` it is left out.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from sklearn.metrics import roc_auc_score

from annotator.domain.kinds import Task
from annotator.project import Project
from annotator.usecases.results import Finding
from tests.benchmarks.row import Row

PICTURES = 30
SHARE = 0.05
MOVED, SWAPPED, EXTRA, MISSING, CLEAN = "moved", "swapped", "extra", "missing", "clean"
WORDS = {MOVED: "take the model's outline", SWAPPED: "call it", EXTRA: "delete it", MISSING: "draw"}

Bounds = tuple[float, float, float, float]


@dataclass
class Planted:
    """``boxes``: picture to (label, bounds, what was done to it); ``forgotten``: picture to the bounds of what was left out."""

    boxes: dict[str, list[tuple[str, Bounds, str]]] = field(default_factory=dict)
    forgotten: dict[str, list[Bounds]] = field(default_factory=dict)


def rows(quick: bool) -> Iterator[Row]:
    folder = Path(os.environ.get("ANNOTATOR_BENCH_DATA", ""))
    if quick or not (folder / "bccd").is_dir():
        why = "left out of the quick run" if quick else "needs ANNOTATOR_BENCH_DATA/bccd"
        yield Row("errors planted in boxes", None, 0, "", note=why)
        return
    yield from box_rows(folder / "bccd")


def box_rows(folder: Path) -> Iterator[Row]:
    """Each kind of error against boxes that nobody touched, by the score of the finding about it (0 where there is none)."""
    with tempfile.TemporaryDirectory(prefix="annotator-errors-") as work:
        planted = plant(folder, PICTURES, seed=0)
        project = labelled(folder, planted, Path(work))
        with project:
            project.train("boxes")
            started = time.process_time()
            found = project.audit(parts=("shapes",)).findings
            spent = time.process_time() - started
            yield from _scored(project, planted, found, f"{spent:,.0f} CPU s")


def plant(folder: Path, pictures: int, seed: int) -> Planted:
    """Take some pictures' boxes and spoil one in twenty in each way."""
    draw = np.random.default_rng(seed)
    names = (folder / "train.txt").read_text().split()
    chosen = sorted(draw.permutation(names)[:pictures].tolist())
    planted = Planted()
    for name in chosen:
        root = ElementTree.parse(folder / "annotations" / f"{name}.xml").getroot()
        width, height = (float(root.findtext(f"size/{side}") or 0) for side in ("width", "height"))
        given: list[tuple[str, Bounds, str]] = []
        forgotten: list[Bounds] = []
        labels = sorted({each.findtext("name") or "" for each in root.iter("object")})
        for each in root.iter("object"):
            label = each.findtext("name") or ""
            x1, y1, x2, y2 = (float(each.findtext(f"bndbox/{side}") or 0) for side in ("xmin", "ymin", "xmax", "ymax"))
            if x2 - x1 < 4 or y2 - y1 < 4:
                continue
            what = str(draw.choice([MOVED, SWAPPED, EXTRA, MISSING, CLEAN], p=[SHARE] * 4 + [1 - 4 * SHARE]))
            box = x1, y1, x2, y2
            if what == MISSING:
                forgotten.append(box)
                continue
            if what == MOVED:
                box = _moved(box, (width, height), draw)
            if what == SWAPPED and len(labels) > 1:
                label = str(draw.choice([other for other in labels if other != label]))
            elif what in (SWAPPED, EXTRA):
                what = CLEAN if what == SWAPPED else what
            if what == EXTRA:
                given.append((label, box, CLEAN))
                box = _elsewhere(box, (width, height), [b for _, b, _ in given], draw)
            given.append((label, box, what))
        planted.boxes[name], planted.forgotten[name] = given, forgotten
    return planted


def _moved(box: Bounds, size: tuple[float, float], draw: np.random.Generator) -> Bounds:
    """The box by .35 to .5 of its size to some side; its IoU with what it was is about .3 to .5."""
    by = draw.uniform(0.35, 0.5) * np.asarray([box[2] - box[0], box[3] - box[1]]) * draw.choice([-1, 1], 2)
    by *= draw.permutation([1.0, 0.0])
    x = float(np.clip(by[0], -box[0], size[0] - box[2]))
    y = float(np.clip(by[1], -box[1], size[1] - box[3]))
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def _elsewhere(box: Bounds, size: tuple[float, float], taken: list[Bounds], draw: np.random.Generator) -> Bounds:
    """A box of the same size where it overlaps the others least, of some places tried."""
    wide, high = box[2] - box[0], box[3] - box[1]
    places = draw.uniform(0, 1, (50, 2)) * np.maximum(0, [size[0] - wide, size[1] - high])

    def covered(corner: np.ndarray) -> float:
        left, top = corner
        across = [
            max(0.0, min(left + wide, b[2]) - max(left, b[0])) * max(0.0, min(top + high, b[3]) - max(top, b[1]))
            for b in taken
        ]
        return sum(across)

    left, top = min(places, key=covered)
    return float(left), float(top), float(left + wide), float(top + high)


def labelled(folder: Path, planted: Planted, work: Path) -> Project:
    """A project whose pictures carry the planted boxes and are done for them."""
    pictures = work / "pictures"
    pictures.mkdir(parents=True)
    names = sorted({label for boxes in planted.boxes.values() for label, _, _ in boxes})
    images, annotations = [], []
    for at, (name, boxes) in enumerate(planted.boxes.items(), start=1):
        source = next((folder / "images").glob(f"{name}.*"))
        (pictures / source.name).symlink_to(source.resolve())
        images.append({"id": at, "file_name": source.name, "width": 640, "height": 480})
        for label, (x1, y1, x2, y2), _ in boxes:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": at,
                    "category_id": names.index(label) + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": at, "name": name} for at, name in enumerate(names, start=1)]
    truth = work / "given.json"
    truth.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    project = Project.create(work / "cells", pictures, names)
    project.import_dataset(truth, format="coco")
    with project._parts.db.write("benchmark") as writer:
        writer.images.set_done(project.images.ids().tolist(), Task.BOXES)
    return project


def _scored(project: Project, planted: Planted, found: tuple[Finding, ...], note: str) -> Iterator[Row]:
    of = {each.annotation: each for each in found if each.annotation}
    kinds, scores, named = [], [], []
    for image in project.images.many(project.images.ids().tolist()):
        what = {_key(box): kind for _, box, kind in planted.boxes[Path(image.uri).stem]}
        for annotation in project.history.page(image.id).annotations:
            bounds = annotation.geometry.bounds()
            assert bounds is not None
            kinds.append(what[_key(bounds)])
            finding = of.get(str(annotation.id))
            scores.append(0.0 if finding is None else finding.score)
            named.append("" if finding is None else finding.fix)
    kind, score = np.asarray(kinds), np.asarray(scores)
    for each, budget in ((MOVED, 0.75), (SWAPPED, 0.8), (EXTRA, 0.75)):
        asked = (kind == each) | (kind == CLEAN)
        auroc = float(roc_auc_score(kind[asked] == each, score[asked]))
        right = np.mean([named[at].startswith(WORDS[each]) for at in np.flatnonzero(kind == each)])
        listed = float((score[kind == each] > 0).mean())
        words = f"{(kind == each).sum()} of {len(kind):,}; {listed:.0%} listed, {right:.0%} by the right name; {note}"
        yield Row(f"boxes {each}, AUROC against clean ones", auroc, budget, "", at_least=True, note=words)
    yield Row("clean boxes listed as wrong", float((score[kind == CLEAN] > 0).mean()), 0.1, "share")
    yield from _missing(project, planted, found)


def _missing(project: Project, planted: Planted, found: tuple[Finding, ...]) -> Iterator[Row]:
    """Forgotten boxes that a finding stands at, and how many such findings are about one."""
    names = {image.id: Path(image.uri).stem for image in project.images.many(project.images.ids().tolist())}
    claims = [each for each in found if each.fix.startswith(WORDS[MISSING]) and each.where is not None]
    hit = {
        (names[each.image_id], box)
        for each in claims
        for box in planted.forgotten[names[each.image_id]]
        if each.where is not None and _overlap(each.where, box) >= 0.5
    }
    total = sum(map(len, planted.forgotten.values()))
    right = sum(
        any(_overlap(each.where, box) >= 0.5 for box in planted.forgotten[names[each.image_id]])
        for each in claims
        if each.where is not None
    )
    note = f"{len(claims)} listed, {right / max(1, len(claims)):.0%} of them at one that was taken away"
    yield Row("boxes taken away, found", len(hit) / max(1, total), 0.5, "share", at_least=True, note=note)


def _key(bounds: Bounds) -> tuple[int, ...]:
    return tuple(round(value) for value in bounds)


def _overlap(a: Bounds, b: Bounds) -> float:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(0.0, wide) * max(0.0, high)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
