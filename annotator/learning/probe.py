"""The linear probe: weighted softmax or sigmoid regression on frozen features, fitted by L-BFGS in well under a second.

Own code rather than scikit-learn's because targets are soft, rows weighted, some entries unknown, and the fit is warm-started
between rounds. The objective is scikit-learn's: ½‖W‖² + C Σ weight · loss, intercepts unpenalised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

ITERATIONS = 60
EARLY_ITERATIONS = 20
TOLERANCE = 1e-5
BASE_STRENGTH = 100.0


def strength(labels: int) -> float:
    """C for a number of labels: 100 up to 500, 30 up to 1,500, 10 above (measured, METHODS)."""
    return BASE_STRENGTH if labels <= 500 else 30.0 if labels <= 1500 else 10.0


def softmax(scores: NDArray[np.floating]) -> FloatArray:
    """Rows of (n, c) scores to probabilities."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return np.asarray(shifted, dtype=np.float32)


def sigmoid(scores: NDArray[np.floating]) -> FloatArray:
    """Entries of (n, c) scores to probabilities."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scores)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear map: ``weights`` (d, c), ``bias`` (c,). Scores are rows @ weights + bias."""

    weights: FloatArray
    bias: FloatArray

    def scores(self, rows: FloatArray) -> FloatArray:
        """(n, c) scores of (n, d) rows."""
        return np.asarray(rows @ self.weights + self.bias, dtype=np.float32)


def fit_softmax(
    rows: FloatArray,
    targets: FloatArray,
    weights: FloatArray,
    *,
    strength: float,
    start: Linear | None = None,
    iterations: int = ITERATIONS,
) -> Linear:
    """Multinomial regression of (n, c) soft ``targets`` (rows sum to 1) on (n, d) ``rows`` with (n,) sample weights."""

    def residual(scores: FloatArray) -> tuple[float, FloatArray]:
        top = scores.max(axis=1, keepdims=True)
        shifted = scores - top
        exponent = np.exp(shifted)
        total = exponent.sum(axis=1, keepdims=True)
        loss = float(np.dot(weights, np.log(total[:, 0]) - (targets * shifted).sum(axis=1)))
        return loss, (exponent / total - targets) * weights[:, None]

    return _fit(rows, targets.shape[1], residual, strength, start, iterations)


def fit_sigmoid(
    rows: FloatArray,
    targets: FloatArray,
    weights: FloatArray,
    *,
    strength: float,
    start: Linear | None = None,
    iterations: int = ITERATIONS,
) -> Linear:
    """One-vs-rest regression: (n, c) ``targets`` in [0, 1] with (n, c) ``weights``, 0 where the answer is unknown."""

    def residual(scores: FloatArray) -> tuple[float, FloatArray]:
        loss = np.logaddexp(np.float32(0.0), scores) - targets * scores
        return float((loss * weights).sum(dtype=np.float64)), (sigmoid(scores) - targets) * weights

    return _fit(rows, targets.shape[1], residual, strength, start, iterations)


def _fit(
    rows: FloatArray,
    classes: int,
    residual: Callable[[FloatArray], tuple[float, FloatArray]],
    strength: float,
    start: Linear | None,
    iterations: int,
) -> Linear:
    """Minimise ½‖W‖² + C · loss, where ``residual`` gives the loss of (n, c) scores and its derivative by them."""
    dimension = rows.shape[1]
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    transposed = np.ascontiguousarray(rows.T)

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        table = flat.astype(np.float32).reshape(dimension + 1, classes)
        loss, error = residual(rows @ table[:-1] + table[-1])
        gradient = np.empty((dimension + 1, classes), dtype=np.float64)
        gradient[:-1] = strength * (transposed @ error) + table[:-1]
        gradient[-1] = strength * error.sum(axis=0)
        return strength * loss + 0.5 * float(np.square(flat[: dimension * classes]).sum()), gradient.ravel()

    begin = np.zeros((dimension + 1, classes))
    if start is not None and start.weights.shape == (dimension, classes):
        begin[:-1], begin[-1] = start.weights, start.bias
    options = {"maxiter": iterations, "maxcor": 10, "gtol": 1e-4, "ftol": TOLERANCE}
    found = minimize(objective, begin.ravel(), jac=True, method="L-BFGS-B", options=options).x
    table = found.astype(np.float32).reshape(dimension + 1, classes)
    return Linear(np.ascontiguousarray(table[:-1]), table[-1])
