"""Tag predictions of one run: a float16 array of images x labels in the cache, read through a memory map.

Rows of the suggestion table are only written when a suggestion is shown and judged, audited or exported; until then it is made
from this array with an id that follows from the run, the image and the group alone, so that it is the same suggestion each time.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid5
from zipfile import BadZipFile

import numpy as np
from numpy.lib.format import open_memmap, read_array
from numpy.typing import NDArray

from annotator.domain.records import Suggestion
from annotator.pseudolabel.calibrate import Calibration
from annotator.pseudolabel.suggest import TagGroup, suggest_tags
from annotator.usecases.parts import Parts

Ids = NDArray[np.int64]
HalfArray = NDArray[np.float16]
FloatArray = NDArray[np.float32]

FORMAT = 1
_NAMES = UUID("6f0d3a0e-58a6-4a86-9b9c-0b5f3a6a7d11")


@dataclass(frozen=True)
class GroupTable:
    """One label group's part: ``probabilities`` (n, labels) float16, what was rejected or is answered already set to 0."""

    group: TagGroup
    probabilities: HalfArray
    calibration: Calibration

    def confidences(self, rows: NDArray[np.int64] | slice = slice(None)) -> FloatArray:
        """(m, labels) calibrated probabilities of some rows."""
        raw = np.asarray(self.probabilities[rows], np.float32)
        warm = self.calibration.apply(raw, exclusive=self.group.exclusive) if len(raw) else raw
        return np.where(raw > 0, warm, np.float32(0))


@dataclass(frozen=True)
class Evidence:
    """What the calibration of one group rests on: for each random verdict the image, the ``column`` that was judged, its ``raw``
    probability and its ``confidence``, both from a head that had not learned from the verdict, and whether it was right."""

    ids: Ids
    columns: Ids
    raw: FloatArray
    confidence: FloatArray
    right: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


def no_evidence() -> Evidence:
    """Of a group without random verdicts."""
    ints, floats = np.zeros(0, np.int64), np.zeros(0, np.float32)
    return Evidence(ints, ints, floats, floats, np.zeros(0, dtype=bool))


class TagTable:
    """The predictions of one run for the images ``ids`` (n,), ascending; ``key`` tells runs of different projects apart."""

    def __init__(self, run_id: int, key: str, ids: Ids, groups: Sequence[GroupTable]) -> None:
        self.run_id = run_id
        self.key = key
        self.ids = ids
        self.groups = tuple(groups)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def uncalibrated(self) -> bool:
        """Whether confidences are the model's own numbers."""
        return any(each.calibration.uncalibrated for each in self.groups)

    def rows(self, ids: Ids) -> NDArray[np.int64]:
        """Row of each id, -1 where the run has none."""
        if not len(self.ids):
            return np.full(len(ids), -1, np.int64)
        at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[at] == ids, at, -1)

    def suggestions(self, image_ids: Ids, group_ids: Sequence[int | None] | None = None) -> list[Suggestion]:
        """All suggestions for some images (and groups), whether written or not; images that the run has not seen get none."""
        rows = self.rows(np.asarray(image_ids, np.int64))
        rows = rows[rows >= 0]
        made: list[Suggestion] = []
        for each in self.groups:
            if group_ids is not None and each.group.group_id not in group_ids:
                continue
            raw = np.asarray(each.probabilities[rows], np.float32)
            fresh = suggest_tags(
                self.ids[rows], raw, each.group, run_id=self.run_id, calibration=each.calibration, excluded=raw == 0
            )
            made.extend(replace(s, id=self._suggestion_id(s, each.group)) for s in fresh)
        return made

    def _suggestion_id(self, suggestion: Suggestion, group: TagGroup) -> UUID:
        """One per image and group, or per label where a group is not exclusive."""
        which = "" if group.exclusive else str(suggestion.label_id)
        return uuid5(_NAMES, f"{self.key}/{self.run_id}/{suggestion.image_id}/{group.group_id}/{which}")


def _folder(parts: Parts, run_id: int) -> Path:
    return parts.cache / "tags" / f"{run_id:06d}"


def write(parts: Parts, table: TagTable, evidence: Sequence[Evidence] = ()) -> None:
    """Put a run's predictions, and what their calibration rests on, into the cache under a temporary name, then in place; only
    the run before it is kept."""
    target = _folder(parts, table.run_id)
    unfinished = target.with_name(f".{target.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    np.save(unfinished / "ids.npy", np.asarray(table.ids, np.int64))
    for at, each in enumerate(table.groups):
        np.save(unfinished / f"group{at}.npy", np.asarray(each.probabilities, np.float16))
    for at, found in enumerate(evidence):
        np.savez(
            unfinished / f"evidence{at}.npz",
            ids=found.ids,
            columns=found.columns,
            raw=found.raw,
            confidence=found.confidence,
            right=found.right,
        )
    groups = [
        {
            "id": each.group.group_id,
            "exclusive": each.group.exclusive,
            "labels": list(each.group.label_ids),
            "temperature": each.calibration.temperature,
            "verdicts": each.calibration.verdicts,
            "by_label": list(each.calibration.by_label),
            "label_verdicts": list(each.calibration.label_verdicts),
        }
        for each in table.groups
    ]
    description = {"format": FORMAT, "key": table.key, "groups": groups}
    (unfinished / "table.json").write_text(json.dumps(description), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    os.replace(unfinished, target)  # noqa: PTH105 - a folder, put in place in one step
    for older in sorted(p for p in target.parent.iterdir() if p.name.isdigit() and int(p.name) < table.run_id)[:-1]:
        shutil.rmtree(older, ignore_errors=True)


def read(parts: Parts, run_id: int | None) -> TagTable | None:
    """The predictions of a run, or None when there are none or the cache was cleared (suggesting again rebuilds them)."""
    if run_id is None:
        return None
    folder = _folder(parts, run_id)
    try:
        with (folder / "ids.npy").open("rb") as file:
            ids = read_array(file, allow_pickle=False)
        description = json.loads((folder / "table.json").read_text(encoding="utf-8"))
        if description["format"] != FORMAT:
            return None
        groups = []
        for at, entry in enumerate(description["groups"]):
            values = _group(folder / f"group{at}.npy", mapped=len(ids) > 0)
            group = TagGroup(tuple(entry["labels"]), entry["id"], entry["exclusive"])
            own = tuple(entry.get("by_label", ())), tuple(entry.get("label_verdicts", ()))
            groups.append(GroupTable(group, values, Calibration(entry["temperature"], entry["verdicts"], *own)))
    except (OSError, ValueError, TypeError, EOFError, LookupError):
        return None
    if any(each.probabilities.shape != (len(ids), len(each.group.label_ids)) for each in groups):
        return None
    return TagTable(run_id, description["key"], ids, groups)


def _group(path: Path, *, mapped: bool) -> HalfArray:
    """The predictions of one group; an empty array cannot be mapped."""
    if mapped:
        return open_memmap(path, mode="r")
    with path.open("rb") as file:
        return np.asarray(read_array(file, allow_pickle=False), np.float16)


def evidence(parts: Parts, run_id: int, group: int) -> Evidence:
    """What the calibration of a run's ``group``-th group rests on; empty when there is nothing, or the cache was cleared."""
    try:
        with (_folder(parts, run_id) / f"evidence{group}.npz").open("rb") as file, np.load(file) as kept:
            return Evidence(kept["ids"], kept["columns"], kept["raw"], kept["confidence"], kept["right"])
    except (OSError, ValueError, EOFError, LookupError, BadZipFile):
        return no_evidence()
