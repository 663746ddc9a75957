"""What an annotator's hands do, counted: each key, click and drag is one action."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actions:
    """Counts that add up."""

    keys: int = 0
    clicks: int = 0
    drags: int = 0

    def __add__(self, other: Actions) -> Actions:
        return Actions(self.keys + other.keys, self.clicks + other.clicks, self.drags + other.drags)

    def __mul__(self, times: int) -> Actions:
        return Actions(self.keys * times, self.clicks * times, self.drags * times)

    @property
    def total(self) -> int:
        """All of them together."""
        return self.keys + self.clicks + self.drags
