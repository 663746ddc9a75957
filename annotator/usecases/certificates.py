"""Signed certificates as people are told of them: who signed what, on which evidence, and what still stands under it."""

from __future__ import annotations

from collections import Counter

import numpy as np
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
        )
        for each in found
        if image_ids is None or standing[each.id]
    )
