"""From probabilities to suggestions, without what people have rejected."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.pseudolabel.calibrate import Calibration
from annotator.pseudolabel.suggest import TagGroup, suggest_tags, without

GROUP = TagGroup((10, 20, 30), group_id=4)
OPEN = TagGroup((10, 20, 30), group_id=5, exclusive=False)
SURE = np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7]], np.float32)


def test_an_exclusive_group_gets_one_suggestion_an_image_with_its_best_labels_first() -> None:
    one, two = suggest_tags(np.array([7, 8]), SURE, GROUP, run_id=3, top=2)
    assert (one.image_id, one.run_id, one.group_id, one.label_id) == (7, 3, 4, 10)
    assert [label for label, _ in one.distribution] == [10, 20]
    assert one.confidence == one.score == pytest.approx(0.6)
    assert two.label_id == 30 and two.uncalibrated


def test_what_was_rejected_is_not_proposed_and_its_part_goes_to_the_others() -> None:
    excluded = np.array([[True, False, False], [False, False, False]])
    kept = without(SURE, excluded)
    assert kept[0] == pytest.approx([0, 0.75, 0.25])
    assert kept[1] == pytest.approx(SURE[1])
    one, _ = suggest_tags(np.array([7, 8]), SURE, GROUP, run_id=1, excluded=excluded)
    assert 10 not in {label for label, _ in one.distribution}
    assert without(SURE, excluded, exclusive=False)[0] == pytest.approx([0, 0.3, 0.1])
    assert suggest_tags(np.array([7, 8]), SURE, GROUP, run_id=1, excluded=np.ones((2, 3), dtype=bool)) == []


def test_nothing_is_proposed_where_none_of_them_is_likelier() -> None:
    doubtful = np.array([[0.3, 0.1, 0.0], [0.5, 0.1, 0.0]], np.float32)
    assert [s.image_id for s in suggest_tags(np.array([7, 8]), doubtful, GROUP, run_id=1)] == [8]


def test_other_groups_get_one_for_each_likely_label() -> None:
    sure = np.array([[0.9, 0.5, 0.49], [0.1, 0.2, 0.3]], np.float32)
    made = suggest_tags(np.array([7, 8]), sure, OPEN, run_id=1)
    assert [(s.image_id, s.label_id, len(s.distribution)) for s in made] == [(7, 10, 1), (7, 20, 1)]


def test_score_is_raw_and_confidence_is_calibrated() -> None:
    (one, _) = suggest_tags(np.array([7, 8]), SURE, GROUP, run_id=1, calibration=Calibration(2.0, 150))
    assert one.score == pytest.approx(0.6)
    roots = np.sqrt(SURE[0])
    assert one.confidence == pytest.approx(roots[0] / roots.sum(), abs=1e-5)
    assert not one.uncalibrated
