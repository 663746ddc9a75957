"""The ranking on disk: an array of image ids, best first, and the reasons of its head; rebuilt by every round."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.lib.format import read_array
from numpy.typing import NDArray

from annotator.events import ChangeSet, Table
from annotator.usecases.parts import Parts

Ids = NDArray[np.int64]


def _folder(parts: Parts) -> Path:
    return parts.cache / "queue"


def write(parts: Parts, ids: Ids, reasons: Mapping[int, str], initiator: str) -> None:
    """Replace the ranking and tell everybody."""
    folder = _folder(parts)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "order.part"
    with unfinished.open("wb") as file:
        np.save(file, np.asarray(ids, np.int64))
        file.flush()
        os.fsync(file.fileno())
    words = folder / "reasons.part"
    words.write_text(json.dumps({str(key): value for key, value in reasons.items()}), encoding="utf-8")
    words.replace(folder / "reasons.json")
    unfinished.replace(folder / "order.npy")
    parts.db.publish(ChangeSet(frozenset({Table.QUEUE}), initiator=initiator))


def read(parts: Parts) -> tuple[Ids, dict[int, str]]:
    """The ranking and its reasons; empty before the first round, and when the cache is damaged (the next round rebuilds it)."""
    folder = _folder(parts)
    try:
        with (folder / "order.npy").open("rb") as file:
            ids = read_array(file, allow_pickle=False)
        words = json.loads((folder / "reasons.json").read_text(encoding="utf-8"))
        ids, reasons = np.asarray(ids, np.int64), {int(key): str(value) for key, value in words.items()}
    except (OSError, ValueError, TypeError, AttributeError, EOFError):
        return np.zeros(0, np.int64), {}
    return (ids, reasons) if ids.ndim == 1 else (np.zeros(0, np.int64), {})
