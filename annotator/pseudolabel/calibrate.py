"""From a model's probability to the confidence that its suggestion would be accepted as it is.

One temperature for a group, fitted on verdicts about randomly drawn images: at least 100 of them, because a temperature fitted
on the images that active learning chose misleads. Until then confidence is the probability itself, and is called uncalibrated.
A label of which 50 suggestions were judged gets a temperature of its own. Either is only taken when the verdicts speak clearly
against doing without it: a probe's numbers are often right as they are, and a temperature is then nothing but noise. A weak prior
keeps it finite where all verdicts are right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MIN_VERDICTS = 100
MIN_LABEL_VERDICTS = 50
REJECTED = -1
COLDEST, HOTTEST = 0.05, 20.0
SMALLEST = 1e-7
GAIN = 4.5
"""How much log-likelihood a temperature must gain: three standard errors, half the square of 3."""
PRIOR = 0.5
"""The standard deviation of the logarithm of a temperature around that of what it replaces."""


@dataclass(frozen=True)
class Calibration:
    """``temperature`` from ``verdicts`` random verdicts; uncalibrated (temperature 1) with too few.

    ``by_label`` (c,) are the temperatures of rows whose best label is that column (of a non-exclusive group: of the column),
    from ``label_verdicts`` (c,) verdicts on suggestions of it; empty: all as the group's.
    """

    temperature: float = 1.0
    verdicts: int = 0
    by_label: tuple[float, ...] = ()
    label_verdicts: tuple[int, ...] = ()

    @property
    def uncalibrated(self) -> bool:
        return self.verdicts < MIN_VERDICTS

    def apply(self, probabilities: FloatArray, *, exclusive: bool = True) -> FloatArray:
        """(n, c) calibrated probabilities. Where an exclusive row sums to less than 1, the rest is "none of them"."""
        if not self.by_label or not len(probabilities):
            return tempered(probabilities, self.temperature, exclusive=exclusive)
        own = np.asarray(self.by_label, dtype=np.float32)
        if not exclusive:
            return tempered(probabilities, own, exclusive=False)
        return tempered(probabilities, own[np.asarray(probabilities).argmax(axis=1)][:, None])


def tempered(
    probabilities: FloatArray, temperature: float | NDArray[np.floating], *, exclusive: bool = True
) -> FloatArray:
    """Divide the logits behind ``probabilities`` by ``temperature``, a number or an array that broadcasts against them."""
    given = np.asarray(probabilities, dtype=np.float32)
    if isinstance(temperature, float | int) and temperature == 1.0:
        return given
    power = np.asarray(1.0 / np.asarray(temperature), dtype=np.float32)
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
    """Fit the temperatures of an exclusive group by maximum likelihood on verdicts about randomly drawn images.

    ``probabilities`` (m, c) of a head that did not learn from these verdicts, ``shown`` (m,) the suggested column, ``truth`` (m,)
    the column that the person chose, or ``REJECTED`` when only the suggestion was said to be wrong.
    """
    columns = probabilities.shape[1] if probabilities.ndim == 2 else 0
    known = truth != REJECTED

    def losses(temperature: float, rows: IntArray) -> NDArray[np.float64]:
        warm = tempered(probabilities[rows], temperature)
        at = np.arange(len(rows))
        right = warm[at, np.where(known[rows], truth[rows], 0)]
        likelihood = np.where(known[rows], right, 1.0 - warm[at, shown[rows]])
        return -np.log(np.maximum(likelihood, SMALLEST)).astype(np.float64)

    return _fitted(losses, shown, columns)


def calibrate_independent(
    probabilities: FloatArray, correct: BoolArray, columns: IntArray | None = None, n_labels: int = 0
) -> Calibration:
    """The same for labels of a non-exclusive group: (m,) probabilities of what was shown, whether each was accepted, and
    (m,) the column of each among ``n_labels``, where labels are to have temperatures of their own."""
    shown = np.zeros(len(correct), dtype=np.int64) if columns is None else columns

    def losses(temperature: float, rows: IntArray) -> NDArray[np.float64]:
        warm = tempered(probabilities[rows], temperature, exclusive=False)
        likelihood = np.where(correct[rows], warm, 1.0 - warm)
        return -np.log(np.maximum(likelihood, SMALLEST)).astype(np.float64)

    return _fitted(losses, shown, n_labels)


def _fitted(losses: Callable[[float, IntArray], NDArray[np.float64]], shown: IntArray, columns: int) -> Calibration:
    """The temperature of all verdicts, then of each column that was ``shown`` often enough, where they gain enough."""
    verdicts = len(shown)
    counts = np.bincount(shown, minlength=columns)[:columns] if columns else np.zeros(0, dtype=np.int64)
    if verdicts < MIN_VERDICTS:
        return Calibration(1.0, verdicts, (), tuple(counts.tolist()))
    together = _better(losses, np.arange(verdicts), 1.0)
    own = [together] * columns
    for column in np.flatnonzero(counts >= MIN_LABEL_VERDICTS).tolist():
        own[column] = _better(losses, np.flatnonzero(shown == column), together)
    differ = any(each != together for each in own)
    return Calibration(together, verdicts, tuple(own) if differ else (), tuple(counts.tolist()))


def _better(losses: Callable[[float, IntArray], NDArray[np.float64]], rows: IntArray, without: float) -> float:
    """The temperature of ``rows``, or ``without`` where it would not explain them better by ``GAIN``."""
    centre = float(np.log(without))

    def loss(log_temperature: float) -> float:
        surprise = (log_temperature - centre) ** 2 / (2.0 * PRIOR**2)
        return float(losses(float(np.exp(log_temperature)), rows).sum()) + surprise

    best = _minimum(loss, (float(np.log(COLDEST)), float(np.log(HOTTEST))))
    return float(np.exp(best)) if loss(centre) - loss(best) > GAIN else without


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


def reliability(confidence: NDArray[np.floating], correct: BoolArray, *, bins: int = 10) -> Reliability:
    """Bins of equal width over [0, 1]; empty bins are nan."""
    bin_of = np.clip((np.asarray(confidence) * bins).astype(np.int64), 0, bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(bin_of, np.asarray(confidence, dtype=np.float64), minlength=bins) / count
        right = np.bincount(bin_of, np.asarray(correct, dtype=np.float64), minlength=bins) / count
    return Reliability(mean, right, count)
