"""A round that changed nothing is told in words that a newcomer understands."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotator.learning.rounds import Basis, Decision
from annotator.project import Project
from annotator.usecases import tag_train
from annotator.usecases.round_words import rolled_back


def change_after(previous: float | None, accuracy: float | None, *, against_guesses: bool = False) -> str:
    decision = Decision(False, Basis.VALIDATION, 20, accuracy, 20, previous, 0.1, against_guesses)
    change = tag_train.change_of_nothing(decision, 3)
    assert change.rolled_back
    assert change.round == 3
    assert change.accuracy_gain is None
    return change.message


def test_a_head_that_did_worse_leaves_the_one_before_in_use() -> None:
    assert change_after(0.95, 0.5) == (
        "The new head did worse on 20 answers held out (−45.0 points), so the one before stays in use"
    )
    assert change_after(0.8, 0.7, against_guesses=True).endswith("(−10.0 points), so the first guesses stay in use")


@pytest.mark.parametrize("gain", [None, 0.01])
def test_boxes_say_no_points_where_these_do_not_show_the_loss(gain: float | None) -> None:
    change = rolled_back(2, "14 pictures", gain, head="head for boxes")
    assert change.message == "The new head for boxes did worse on 14 pictures held out, so the one before stays in use"


def test_the_first_head_in_use_is_not_told_as_rolled_back(project: Project, tmp_path: Path) -> None:
    """Labels came from a file: nothing was suggested before, so that there is nothing to compare with."""
    images = project.images.many(project.images.ids().tolist())[::2]
    table = tmp_path / "tags.csv"
    table.write_text("\n".join(["image,label", *(f"{each.uri},{each.uri.split('/')[0]}" for each in images)]))
    project.import_dataset(table, format="csv")
    result = project.train()
    assert result.released and result.round is not None
    assert not result.round.rolled_back
    assert result.round.message.startswith("Round 1:") and result.round.message.endswith(" the first suggestions")
