"""The dense label map: whether a label is somewhere in the picture, and the box around where."""

from __future__ import annotations

import numpy as np

from annotator.audit.dense import seen


def test_a_label_is_found_where_its_classes_are_high() -> None:
    logits = np.zeros((7, 7, 50), np.float32)
    logits[1:3, 4:6, 10] = 9.0
    logits[5, 0, 30] = 2.0
    found = seen(logits, np.asarray([[10, 11], [30, 31], [40, 41]]))
    assert found.whether[0] > 0.9 and found.whether[2] < 0.1
    np.testing.assert_allclose(found.where[0] * 7, [4, 1, 6, 3], atol=1e-5)
    np.testing.assert_allclose(found.where[1] * 7, [0, 5, 1, 6], atol=1e-5)
    assert found.whether[0] > found.whether[1] > found.whether[2]
