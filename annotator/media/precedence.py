"""Who goes first: pictures that nobody waits for yet give way to the one that somebody looks for.

Media room. Decoding is bound by processors: on two of them a thumbnail and a prefetched neighbour, decoded beside the image that
was just asked for, double the time until that one is sharp.
"""

from __future__ import annotations

import threading
from typing import Final

LONGEST_S: Final = 2.0
"""Even behind an image that takes long to decode others come to their turn."""


class Precedence:
    """Counts those who are waited for; the others ``give_way``. Safe for threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._urgent = 0

    def begin(self) -> None:
        """Somebody waits from now on; ``end`` follows in any case."""
        with self._changed:
            self._urgent += 1

    def end(self) -> None:
        """Nobody waits for that any more."""
        with self._changed:
            self._urgent -= 1
            self._changed.notify_all()

    def give_way(self, longest_s: float = LONGEST_S) -> None:
        """Returns when nobody waits, or after ``longest_s``."""
        with self._changed:
            self._changed.wait_for(lambda: not self._urgent, longest_s)


ON_SCREEN: Final = Precedence()
"""Of the image that is on screen, or about to be, in this process."""
