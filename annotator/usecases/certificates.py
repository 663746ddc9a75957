"""Signed certificates as people are told of them: who signed what, on which evidence, and what still stands under it.

An export takes along those that its annotations stand under: one JSON object a line in ``NAME.certificates.jsonl`` beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from annotator.store.session import Reader
from annotator.usecases.results import CertificateStats


def signed(reader: Reader, image_ids: NDArray[np.int64] | None = None) -> tuple[CertificateStats, ...]:
    """All signed certificates; with ``image_ids`` those under which annotations of these images stand, counted there."""
    found = [each for each in reader.runs.certificates() if each.signed_at]
    if not found:
        return ()
    rows = np.asarray(reader.annotations.certified(), np.int64).reshape(-1, 2)
    if image_ids is not None:
        rows = rows[np.isin(rows[:, 0], image_ids)]
    standing = Counter(rows[:, 1].tolist())
    return tuple(
        CertificateStats(
            id=each.id,
            task=each.task.value,
            annotator=each.annotator,
            signed_at=each.signed_at,
            model="" if each.run_id is None else reader.runs.get(each.run_id).model_id,
            model_version=each.model_version,
            seed=each.seed,
            max_error=each.max_error,
            audited=each.audited,
            errors=each.errors,
            bound=each.bound,
            accepted=each.accepted,
            annotations=standing[each.id],
            criterion=each.criterion,
        )
        for each in found
        if image_ids is None or standing[each.id]
    )


def write(signed_ones: Sequence[CertificateStats], export: Path) -> None:
    """Put certificates beside an export, through a temporary name; what an earlier export left there goes when there are none."""
    target = export.with_name(f"{export.name}.certificates.jsonl")
    if not signed_ones:
        target.unlink(missing_ok=True)
        return
    unfinished = target.with_name(f".{target.name}.part")
    unfinished.write_bytes(b"".join(orjson.dumps(asdict(each)) + b"\n" for each in signed_ones))
    unfinished.replace(target)
