"""Runs inside an environment that has datumaro, never in ours: what datumaro reads, as JSON, or what it writes.

``python datumaro_dump.py read FORMAT PATH`` prints items; ``convert FORMAT PATH TARGET`` reads Datumaro JSON and exports it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import datumaro as dm
import numpy as np


def plain(one: Any, labels: Any) -> dict[str, Any]:
    """An annotation as type, label name and numbers; masks as the numbers of their set pixels."""
    kind = one.type.name
    label = getattr(one, "label", None)
    found: dict[str, Any] = {"type": kind, "label": "" if label is None else labels[label].name}
    if kind == "bbox":
        x, y, w, h = one.get_bbox()
        found["numbers"] = [x, y, x + w, y + h]
    elif kind == "mask":
        found["numbers"] = np.flatnonzero(np.asarray(one.image)).tolist()
    elif kind == "caption":
        found["label"] = one.caption
    elif kind == "rotated_bbox":
        corners = np.asarray(one.as_polygon()).reshape(-1, 2)
        found["numbers"] = corners.ravel().tolist()
    elif kind == "points":
        shown = [v.value for v in one.visibility]
        pairs = np.asarray(one.points).reshape(-1, 2).tolist()
        found["numbers"] = [value for pair, seen in zip(pairs, shown, strict=True) for value in (*pair, seen)]
    elif hasattr(one, "points"):
        found["numbers"] = list(one.points)
    found["numbers"] = [float(value) for value in found.get("numbers", [])]
    found["attributes"] = {k: v for k, v in one.attributes.items() if isinstance(v, bool | int | float | str)}
    return found


def main() -> None:
    """See the module."""
    command, form, path, *target = sys.argv[1:]
    if command == "convert":
        dm.Dataset.import_from(path, "datumaro").export(target[0], form, save_media=True)
        return
    dataset = dm.Dataset.import_from(path, form)
    labels = dataset.categories().get(dm.AnnotationType.label, [])
    items = [
        {"id": item.id, "subset": item.subset, "annotations": [plain(one, labels) for one in item.annotations]}
        for item in dataset
    ]
    print("ITEMS " + json.dumps({"items": items, "labels": [label.name for label in labels]}))


main()
