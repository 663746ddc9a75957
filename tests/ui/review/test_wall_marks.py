"""What a mark makes the wall do: the cells that it is on are painted, and the figures follow, whatever the size of the pile."""

from __future__ import annotations

from typing import Any

import pytest

from annotator.domain.kinds import Task
from tests.ui.review.conftest import choose
from ui.review.review_screen import ReviewScreen


def test_a_mark_paints_its_own_cell_and_no_other(
    review: ReviewScreen, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = choose(review, Task.BOXES, 0, qtbot)
    everything: list[bool] = []
    cells: list[int] = []
    with (
        monkeypatch.context() as patch
    ):  # what a mark asks for, at once; paint events of other causes may come at any time
        patch.setattr(wall, "refresh", lambda: everything.append(True))
        patch.setattr(wall, "_update_place", cells.append)
        review.wall.marks.toggle([int(wall.rows[2])])
        assert (cells, everything) == ([2], [])
        review.wall.marks.select([int(wall.rows[4])])
        assert (cells, everything) == ([2, 4], [])
        review.wall.marks.clear()
        assert everything == [True]


def test_the_figures_follow_marks_that_are_shown(review: ReviewScreen, qtbot: Any) -> None:
    wall = choose(review, Task.BOXES, 0, qtbot)
    pile = review.wall.pile
    assert pile is not None
    review.wall.marks.toggle([int(wall.rows[0]), int(wall.rows[5])])
    judgement = review.wall.marks.judgement(wall.rows, rest=True)
    assert len(judgement.accepted) == 16
    wrong = float((1.0 - pile.confidences[judgement.accepted]).sum())
    assert f"about {wrong:.1f} of the rest wrong" in review.wall.header.figures.text()
    assert "2 marked" in review.wall.header.figures.text()
