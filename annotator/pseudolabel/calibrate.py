"""From a model's probability to the confidence that its suggestion would be accepted as it is.

One temperature, fitted on verdicts about randomly drawn images: at least 100 of them, because a temperature fitted on the
images that active learning chose misleads. Until then confidence is the probability itself, and is called uncalibrated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

MIN_VERDICTS = 100
REJECTED = -1
COLDEST, HOTTEST = 0.05, 20.0
SMALLEST = 1e-7


@dataclass(frozen=True)
class Calibration:
    """``temperature`` from ``verdicts`` random verdicts; uncalibrated (temperature 1) with too few."""

    temperature: float = 1.0
    verdicts: int = 0

    @property
    def uncalibrated(self) -> bool:
        return self.verdicts < MIN_VERDICTS

    def apply(self, probabilities: FloatArray, *, exclusive: bool = True) -> FloatArray:
        """(n, c) calibrated probabilities. Where an exclusive row sums to less than 1, the rest is "none of them"."""
        return tempered(probabilities, self.temperature, exclusive=exclusive)


def tempered(probabilities: FloatArray, temperature: float, *, exclusive: bool = True) -> FloatArray:
    """Divide the logits behind ``probabilities`` by ``temperature``."""
    given = np.asarray(probabilities, dtype=np.float32)
    if temperature == 1.0:
        return given
    power = 1.0 / temperature
    if not exclusive:
        yes, no = np.maximum(given, SMALLEST) ** power, np.maximum(1.0 - given, SMALLEST) ** power
        return np.asarray(yes / (yes + no), dtype=np.float32)
    rest = np.maximum(1.0 - given.sum(axis=1, keepdims=True), 0.0)
    rest[rest < 1e-5] = 0.0
    raised, rest = np.maximum(given, SMALLEST) ** power, rest**power
    return np.asarray(raised / (raised.sum(axis=1, keepdims=True) + rest), dtype=np.float32)


def _minimum(loss: Callable[[float], float], bounds: tuple[float, float]) -> float:
    """Where ``loss`` is least. SciPy is imported here, because the window shows confidences long before it fits any."""
    from scipy.optimize import minimize_scalar

    return float(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-3}).x)


def calibrate(probabilities: FloatArray, shown: IntArray, truth: IntArray) -> Calibration:
    """Fit the temperature of an exclusive group by maximum likelihood on verdicts about randomly drawn images.

    ``probabilities`` (m, c) as they were when the verdict was given, ``shown`` (m,) the suggested column, ``truth`` (m,) the
    column that the person chose, or ``REJECTED`` when only the suggestion was said to be wrong.
    """
    if len(truth) < MIN_VERDICTS:
        return Calibration(1.0, len(truth))
    rows = np.arange(len(truth))
    known = truth != REJECTED

    def loss(log_temperature: float) -> float:
        warm = tempered(probabilities, float(np.exp(log_temperature)))
        likelihood = np.where(known, warm[rows, np.where(known, truth, 0)], 1.0 - warm[rows, shown])
        return float(-np.log(np.maximum(likelihood, SMALLEST)).sum())

    bounds = (float(np.log(COLDEST)), float(np.log(HOTTEST)))
    best = _minimum(loss, bounds)
    return Calibration(float(np.exp(best)), len(truth))


def calibrate_independent(probabilities: FloatArray, correct: NDArray[np.bool_]) -> Calibration:
    """The same for labels of a non-exclusive group: (m,) probabilities of what was shown, and whether each was accepted."""
    if len(correct) < MIN_VERDICTS:
        return Calibration(1.0, len(correct))

    def loss(log_temperature: float) -> float:
        warm = tempered(probabilities, float(np.exp(log_temperature)), exclusive=False)
        return float(-np.log(np.maximum(np.where(correct, warm, 1.0 - warm), SMALLEST)).sum())

    bounds = (float(np.log(COLDEST)), float(np.log(HOTTEST)))
    best = _minimum(loss, bounds)
    return Calibration(float(np.exp(best)), len(correct))


@dataclass(frozen=True)
class Reliability:
    """The reliability diagram: per bin the mean confidence, the share that was right, and how many verdicts it holds."""

    confidence: NDArray[np.float64]
    correct: NDArray[np.float64]
    count: IntArray

    @property
    def error(self) -> float:
        """Expected calibration error; nan without verdicts."""
        if not self.count.sum():
            return float("nan")
        filled = self.count > 0
        gap = np.abs(self.confidence[filled] - self.correct[filled])
        return float(np.average(gap, weights=self.count[filled]))


def reliability(confidence: NDArray[np.floating], correct: NDArray[np.bool_], *, bins: int = 10) -> Reliability:
    """Bins of equal width over [0, 1]; empty bins are nan."""
    bin_of = np.clip((np.asarray(confidence) * bins).astype(np.int64), 0, bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(bin_of, np.asarray(confidence, dtype=np.float64), minlength=bins) / count
        right = np.bincount(bin_of, np.asarray(correct, dtype=np.float64), minlength=bins) / count
    return Reliability(mean, right, count)
