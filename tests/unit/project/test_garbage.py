"""Python's collector runs rarely during an import, and as before afterwards, also after an error."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from annotator.usecases.garbage import rarely_collected


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_it_runs_rarely_inside_and_as_before_afterwards() -> None:
    gc.set_threshold(700, 10, 10)
    with pytest.raises(KeyError), rarely_collected():
        assert gc.get_threshold() == (200_000, 10, 10)
        raise KeyError
    assert gc.get_threshold() == (700, 10, 10)


def test_who_never_collects_or_even_more_rarely_is_left_in_peace() -> None:
    for first in (0, 1_000_000):
        gc.set_threshold(first, 10, 10)
        with rarely_collected():
            assert gc.get_threshold() == (first, 10, 10)
