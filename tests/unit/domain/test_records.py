"""What records say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from annotator.domain.geometry import Box
from annotator.domain.records import JITTER, STEADY_JITTER, Suggestion, new_id


@pytest.mark.parametrize(
    ("extra", "shaky"),
    [({}, False), ({JITTER: STEADY_JITTER}, False), ({JITTER: 0.021}, True), ({JITTER: None}, False)],
)
def test_a_box_is_shaky_when_it_moved_as_the_model_looked_again(extra: dict[str, Any], shaky: bool) -> None:
    assert Suggestion(new_id(), 1, 1, Box(0, 0, 9, 9), ((1, 0.9),), 0.9, 0.9, extra=extra).shaky is shaky
