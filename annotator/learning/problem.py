"""What is known of one label group over a pool of images, and what a fit gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from annotator.learning.guesses import first_guesses
from annotator.learning.heads import TagHead
from annotator.learning.pool import Pool

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

NONE_OF_THEM = -1
UNKNOWN = -1.0
CERTIFIED_WEIGHT = 0.5


class Recipe(StrEnum):
    """How a head came to be."""

    GUESSES = "guesses"
    LOW_LABEL = "low-label"
    PROBE = "probe"
    GATED = "gated"
    LOOK_AHEAD = "look-ahead"
    TRIMMED = "trimmed"
    CONSTANT = "constant"


@dataclass(frozen=True)
class TagProblem:
    """What is known of one label group over a pool.

    ``zero_shot`` (n, c) probabilities of the pool's images from a model that saw no label, or None.
    ``labelled`` (m,) rows of the pool, each at most once. For an exclusive group ``classes`` (m,) is the label's column, or
    ``NONE_OF_THEM`` for a done image without a tag of the group. For a non-exclusive group ``targets`` (m, c) is 1, 0 (the
    image is done and has no such tag) or ``UNKNOWN``.
    ``weights`` (m,) defaults to 1; give certified annotations ``CERTIFIED_WEIGHT``. ``certified`` (m,) marks these: nobody has
    looked at them one by one, so that they train a head but do not test it. ``gate`` is the confidence from which the head's own
    words about open images may train it, None while the gate is shut.
    """

    pool: Pool
    n_classes: int
    zero_shot: FloatArray | None = None
    labelled: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    classes: IntArray | None = None
    targets: FloatArray | None = None
    weights: FloatArray | None = None
    certified: NDArray[np.bool_] | None = None
    gate: float | None = None

    def __post_init__(self) -> None:
        if self.zero_shot is not None and self.zero_shot.shape != (len(self.pool), self.n_classes):
            raise ValueError(
                f"expected zero-shot probabilities of {(len(self.pool), self.n_classes)}, got {self.zero_shot.shape}"
            )
        if self.classes is not None and self.targets is not None:
            raise ValueError("a group is exclusive (classes) or not (targets), never both")
        for name in ("classes", "targets", "weights", "certified"):
            given = getattr(self, name)
            if given is not None and len(given) != len(self.labelled):
                raise ValueError(f"{len(self.labelled)} labelled rows but {len(given)} {name}")
        if (
            self.classes is not None
            and len(self.classes)
            and not (-1 <= self.classes.min() <= self.classes.max() < self.n_classes)
        ):
            raise ValueError(f"a class is outside 0 … {self.n_classes - 1}")

    @property
    def exclusive(self) -> bool:
        return self.targets is None

    @property
    def n_labelled(self) -> int:
        return len(self.labelled)

    def known_classes(self) -> IntArray:
        """(m,) classes of the labelled rows (empty when nothing is labelled)."""
        return np.zeros(0, dtype=np.int64) if self.classes is None else np.asarray(self.classes, dtype=np.int64)

    def known_weights(self) -> FloatArray:
        """(m,) weights of the labelled rows."""
        if self.weights is None:
            return np.ones(self.n_labelled, dtype=np.float32)
        return np.asarray(self.weights, dtype=np.float32)

    def testable(self) -> NDArray[np.bool_]:
        """(m,) which of the labelled rows a head may be tested on: answers that a person gave."""
        return np.ones(self.n_labelled, dtype=bool) if self.certified is None else ~self.certified

    def subset(self, keep: NDArray[np.bool_]) -> TagProblem:
        """The same problem with only some of its labels; the pool, graph and guesses are shared."""
        part = TagProblem(
            self.pool,
            self.n_classes,
            self.zero_shot,
            self.labelled[keep],
            None if self.classes is None else self.classes[keep],
            None if self.targets is None else self.targets[keep],
            None if self.weights is None else self.weights[keep],
            None if self.certified is None else self.certified[keep],
            self.gate,
        )
        part.__dict__["guesses"] = self.guesses
        return part

    @cached_property
    def guesses(self) -> FloatArray | None:
        """(n, c) zero-label probabilities of the pool, or None without a zero-shot model."""
        if self.zero_shot is None:
            return None
        return first_guesses(self.pool, self.zero_shot) if self.exclusive else np.asarray(self.zero_shot, np.float32)


@dataclass(frozen=True)
class TagFit:
    """A head, and the probabilities it and the pool's graph give the pool's images (rows as in the pool)."""

    head: TagHead
    probabilities: FloatArray
