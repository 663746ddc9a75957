"""Names that tools give to splits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from annotator.domain.kinds import Split
from annotator.formats.report import Tally

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


def kept_apart(places: Sequence[tuple[str, Split | None]], tally: Tally) -> list[str]:
    """The names of (name, split) pairs; one that is in several splits gets its split in front, and that is said."""
    seen = Counter(name for name, _ in places)
    names = []
    for name, split in places:
        if seen[name] > 1 and split is not None:
            tally.warn(f"{name} is in several splits: named {split.value}/{name}")
            name = f"{split.value}/{name}"
        names.append(name)
    return names
