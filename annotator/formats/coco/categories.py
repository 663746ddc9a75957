"""COCO categories as labels: ids kept, names made unique, skeletons from one-based pairs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from annotator.domain.records import Skeleton
from annotator.formats.coco.files import APART, IN_FILES, CocoFile, Record, whole_number
from annotator.formats.dataset import DatasetLabel
from annotator.formats.findings import Findings

_OURS = frozenset({"id", "name", "supercategory", "keypoints", "skeleton"})


class LabelTable:
    """The labels of several files in order of first sight; files may number the same name differently."""

    def __init__(self, files: list[CocoFile], findings: Findings) -> None:
        self._labels: dict[str, DatasetLabel] = {}
        self._names: dict[int, dict[int, str]] = {}
        self._kinds: dict[str, dict[str, None]] = {}
        for file in files:
            self._names[id(file)] = self._add(file, findings)
        self._every = {file.kind for file in files if file.categories}
        merged: dict[int, str] = {}
        for names in self._names.values():
            for number, name in names.items():
                merged.setdefault(number, name)
        self._merged = merged

    @property
    def labels(self) -> tuple[DatasetLabel, ...]:
        """In order of first sight; where files list different ones, each knows which kinds of files list it."""
        alike = all(kinds.keys() == self._every for kinds in self._kinds.values())
        if alike and not self._every & APART:
            return tuple(self._labels.values())
        return tuple(self._marked(label) for label in self._labels.values())

    def _marked(self, label: DatasetLabel) -> DatasetLabel:
        kept = {**label.extra.get("coco", {}), IN_FILES: list(self._kinds[label.name])}
        return replace(label, extra={"coco": kept})

    def name_of(self, file: CocoFile, record: Record) -> str:
        """The label's name of a record, empty when it names none; raises ``ValueError`` for a category that is not there."""
        number = record.get("category_id")
        names = self._names.get(id(file), self._merged)
        name = names.get(number) if isinstance(number, int) else None
        if name is not None:
            return name
        if number is None or "caption" in record:
            return ""
        raise ValueError(f"category_id {number!r} is not among the categories")

    def _add(self, file: CocoFile, findings: Findings) -> dict[int, str]:
        names: dict[int, str] = {}
        for index, category in enumerate(file.categories):
            number, name = whole_number(category.get("id")), category.get("name")
            if number is None or not isinstance(name, str) or not name:
                findings.bad(file.path, f"categories[{index}]", "a category needs a whole id and a name")
                continue
            if number in names:
                findings.bad(file.path, f"categories[{index}]", f"the id {number} was used before")
                continue
            if name in names.values():
                renamed = f"{name} ({number})"
                findings.tally.converted(name, "label", f"a second category of this name became {renamed}", "")
                name = renamed
            names[number] = name
            self._kinds.setdefault(name, {})[file.kind] = None
            label = _label(category, number, name, findings)
            known = self._labels.get(name)
            if known is not None:
                fields = {**label.extra.get("coco", {}), **known.extra.get("coco", {})}
                extra = {"coco": fields} if fields else {}
                label = replace(known, skeleton=known.skeleton or label.skeleton, extra=extra)
            self._labels[name] = label
        return names


def _label(category: dict[str, Any], number: int, name: str, findings: Findings) -> DatasetLabel:
    foreign = {key: value for key, value in category.items() if key not in _OURS}
    skeleton = None
    points, pairs = category.get("keypoints"), category.get("skeleton") or []
    if isinstance(points, list) and points:
        edges = _edges(pairs, len(points))
        if edges is None:
            findings.tally.converted(name, "skeleton", "its lines do not fit its points and were left out", "")
            foreign["skeleton"] = pairs
        skeleton = Skeleton(tuple(str(point) for point in points), edges or ())
    elif pairs:
        foreign["skeleton"] = pairs
        if points is not None:
            foreign["keypoints"] = points
    parent = category.get("supercategory")
    if parent is not None and not isinstance(parent, str):
        foreign["supercategory"] = parent
        parent = ""
    return DatasetLabel(
        name, number, parent=parent or "", skeleton=skeleton, extra={"coco": foreign} if foreign else {}
    )


def _edges(pairs: Any, points: int) -> tuple[tuple[int, int], ...] | None:
    """Zero-based edges; None when they are not pairs of one-based numbers."""
    if not isinstance(pairs, list):
        return None
    edges = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            return None
        a, b = whole_number(pair[0]), whole_number(pair[1])
        if a is None or b is None or not (1 <= a <= points and 1 <= b <= points):
            return None
        edges.append((a - 1, b - 1))
    return tuple(edges)
