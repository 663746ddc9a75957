"""Names that tools give to splits."""

from __future__ import annotations

import re

from annotator.domain.kinds import Split

_NAMES = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "val": Split.VAL,
    "valid": Split.VAL,
    "validation": Split.VAL,
    "test": Split.TEST,
    "testing": Split.TEST,
}


def split_named(name: str) -> Split | None:
    """The split of a folder or list that bears exactly this name (in any case)."""
    return _NAMES.get(name.lower())


def split_in(path: str) -> Split | None:
    """The split that a file name tells, e.g. ``instances_val2017.json`` or ``train/labels.json``; the last word counts."""
    words = [word for word in re.split(r"[^a-z]+", path.lower()) if word in _NAMES]
    return _NAMES[words[-1]] if words else None
