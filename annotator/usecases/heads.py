"""Trained tag heads in the project's ``models/`` folder: the head of each group, and what it said of answers it had not seen."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from annotator.domain.kinds import Task
from annotator.errors import ModelError
from annotator.learning.heads import TagHead
from annotator.learning.rounds import Basis, HeldOut, Previous
from annotator.pseudolabel.suggest import TagGroup
from annotator.usecases.parts import Parts
from annotator.usecases.space import Space


@dataclass(frozen=True)
class GroupHead:
    """The head in use for one group: ``label_ids`` in the order of its columns, and its record of the round it came from."""

    group_id: int | None
    label_ids: tuple[int, ...]
    previous: Previous

    @property
    def head(self) -> TagHead:
        """The head itself."""
        return self.previous.head

    def fits(self, group: TagGroup) -> bool:
        """Whether it still answers what the group asks: the same labels, and as exclusive as when it was trained."""
        return self.label_ids == group.label_ids and self.head.exclusive == group.exclusive


def load_released(parts: Parts, space: Space) -> dict[int | None, GroupHead]:
    """The heads in use, by group; none when they belong to another embedding space or their files are gone."""
    return {each.group_id: each for each in released(parts, space.store.space)}


def released(parts: Parts, space: str | None = None) -> list[GroupHead]:
    """The heads in use, whatever their embedding space unless one is named; none when their files are gone."""
    with parts.db.read() as reader:
        row = reader.runs.released_head(Task.TAGS)
    if row is None:
        return []
    folder = parts.folder / row.path
    try:
        description = json.loads((folder / "head.json").read_text(encoding="utf-8"))
        if space is not None and description["space"] != space:
            return []
        return [_read(folder, at, entry) for at, entry in enumerate(description["groups"])]
    except (OSError, ValueError, TypeError, EOFError, LookupError, BadZipFile, ModelError):
        return []


def _read(folder: Path, at: int, entry: Mapping[str, object]) -> GroupHead:
    head = TagHead.load(folder / f"group{at}.safetensors")
    with (folder / f"group{at}.npz").open("rb") as file, np.load(file, allow_pickle=False) as record:
        basis = Basis(str(record["basis"]))
        honest = record["honest"] if "honest" in record.files and record["honest"].ndim == 2 else None
        held_out = None if basis is Basis.UNTESTED else HeldOut(basis, record["ids"], record["said"], honest)
        trained = np.asarray(record["trained"], np.int64)
    group_id, labels = entry["id"], entry["labels"]
    if not (group_id is None or isinstance(group_id, int)) or not isinstance(labels, list):
        raise ValueError(f"{folder / 'head.json'} does not describe heads")
    return GroupHead(group_id, tuple(labels), Previous(head, held_out, trained))


def save(parts: Parts, name: str, space: Space, groups: list[GroupHead]) -> str:
    """Write heads under ``models/name`` in one step; returns the path relative to the project folder."""
    target = parts.models / name
    unfinished = parts.models / f".{name}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    entries = []
    for at, each in enumerate(groups):
        each.head.save(unfinished / f"group{at}.safetensors")
        held_out = each.previous.held_out
        trained = each.previous.trained_ids
        np.savez(
            unfinished / f"group{at}.npz",
            basis=np.str_((Basis.UNTESTED if held_out is None else held_out.basis).value),
            ids=np.zeros(0, np.int64) if held_out is None else held_out.ids,
            said=np.zeros(0, np.int64) if held_out is None else held_out.said,
            honest=np.zeros(0, np.float32)
            if held_out is None or held_out.probabilities is None
            else held_out.probabilities,
            trained=np.zeros(0, np.int64) if trained is None else trained,
        )
        entries.append({"id": each.group_id, "labels": list(each.label_ids)})
    description = {"space": space.store.space, "groups": entries}
    (unfinished / "head.json").write_text(json.dumps(description), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    os.replace(unfinished, target)  # noqa: PTH105 - a folder, put in place in one step
    return f"models/{name}"
