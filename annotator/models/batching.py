"""How many items go through a network at once: as many as the memory takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from annotator.errors import ModelError
from annotator.models.protocols import FloatArray

Item = TypeVar("Item")
Result = TypeVar("Result")


class BatchSizer:
    """Doubles the batch after each full one until ``limit`` or until memory says no; then halves it and goes on.

    ``is_out_of_memory`` tells an error of memory from others; ``release`` gives cached memory back before the next try.
    """

    def __init__(
        self,
        *,
        start: int,
        limit: int,
        is_out_of_memory: Callable[[BaseException], bool],
        release: Callable[[], Any] = lambda: None,
    ) -> None:
        self._size = start
        self._limit = max(start, limit)
        self._is_out_of_memory = is_out_of_memory
        self._release = release

    @property
    def size(self) -> int:
        """Items in the next batch."""
        return self._size

    def run(self, items: Sequence[Item], function: Callable[[Sequence[Item]], Result]) -> list[Result]:
        """The results of ``function`` on consecutive batches of ``items``.

        Raises ModelError when not even one item fits in memory; every other error of ``function`` passes through.
        """
        results: list[Result] = []
        start = 0
        while start < len(items):
            batch = items[start : start + self._size]
            try:
                results.append(function(batch))
            except Exception as error:  # ONNX Runtime's errors are of no narrower kind
                if not self._is_out_of_memory(error):
                    raise
                if len(batch) == 1:
                    raise ModelError(
                        "The model does not fit in the device's memory, even with one image at a time.",
                        "Close other programs that use the device, or choose --device cpu.",
                    ) from error
                self._size = self._limit = len(batch) // 2
                too_much = True
            else:
                too_much = False
                start += len(batch)
                if len(batch) == self._size:
                    self._size = min(2 * self._size, self._limit)
            # Outside the handler: while the error lives, its traceback keeps the tensors that did not fit.
            if too_much:
                self._release()
        return results


def stack(results: Sequence[FloatArray], width: int) -> FloatArray:
    """(n, width) rows of all batches; (0, width) when there were none."""
    return np.concatenate(results) if results else np.empty((0, width), dtype=np.float32)
