"""The text bridge: label names to ImageNet classes through sentence vectors, so that tags need no labelled image.

With e_t the vector of synset t (made by ``build_bridge``) and u_c that of a label's name and synonyms, both of length 1:

    M[t, c] = softmax_c(cos(e_t, u_c) / 0.05) · max(0, max_c cos(e_t, u_c) − 0.4) / 0.6,   M[:, c] /= √ΣM[:, c]
    p(c | image) = softmax(ImageNet logits) · M, normalised

In the spirit of ConSE (Norouzi et al., ICLR 2014), but the mapping is per synset and gated: a synset that resembles no
label counts for nothing, and a label that attracts many synsets is held down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from annotator.errors import ModelError
from annotator.models.embedded.assets import BRIDGE_FILE, REINSTALL, read_asset
from annotator.models.protocols import FloatArray, TextEncoder

TEMPERATURE = 0.05
MATCH_FLOOR = 0.4
CLASSES = 1000


class TextBridge:
    """``ZeroShotTagger`` over the 1,000 logits of ``EmbeddedImageEncoder``.

    ``text_encoder`` makes the encoder when the first labels come, since the tables of a project may already be there.
    Raises ModelError when the table is missing or damaged.
    """

    def __init__(self, text_encoder: Callable[[], TextEncoder], table: Path = BRIDGE_FILE) -> None:
        self._make_encoder = text_encoder
        self._encoder: TextEncoder | None = None
        self._synsets = load_table(table)

    def label_matrix(self, labels: Sequence[Sequence[str]]) -> FloatArray:
        """(1000, n) float32 matrix M of n labels, each its name then synonyms. The column of a label that resembles no
        synset (no cosine above 0.4) is zero."""
        if not labels:
            return np.zeros((CLASSES, 0), dtype=np.float32)
        return mapping(self.cosines(labels))

    def cosines(self, labels: Sequence[Sequence[str]]) -> FloatArray:
        """(1000, n) float32 cosines of the synsets and n labels, each its name then synonyms."""
        if self._encoder is None:
            self._encoder = self._make_encoder()
        return np.asarray(self._synsets @ self._encoder.encode([label_text(names) for names in labels]).T, np.float32)

    def zero_shot(self, vectors: FloatArray, matrix: FloatArray) -> FloatArray:
        """(n, labels) float32 probabilities, rows summing to 1, from (n, 1000) logits and the matrix of ``label_matrix``.

        The bridge knows nothing of a label whose column is zero: it gets 1/labels, and the others share the rest. An
        image whose synsets match no label gets the same everywhere.
        """
        if vectors.ndim != 2 or vectors.shape[1] != CLASSES:
            raise ValueError(f"expected (n, {CLASSES}) ImageNet logits, got {vectors.shape}")
        n_labels = matrix.shape[1]
        mass = softmax(vectors) @ matrix
        total = mass.sum(axis=1, keepdims=True)
        known = matrix.any(axis=0)
        share = np.float32(known.sum() / max(n_labels, 1))
        seen = total > np.finfo(np.float32).tiny
        spread = np.where(known, share / max(int(known.sum()), 1), 0).astype(np.float32)
        matched = np.where(seen, share * mass / np.where(seen, total, 1), spread)
        probabilities: FloatArray = np.where(known, matched, np.float32(1 / max(n_labels, 1))).astype(np.float32)
        return probabilities


def load_table(path: Path) -> FloatArray:
    """(1000, 384) float32 rows of length 1, in the order of the logits."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    content, _ = read_asset(path)
    try:
        table = load(content)["synsets"]
    except (SafetensorError, KeyError) as error:
        raise ModelError(f"The model file {path} is damaged ({error}).", REINSTALL, path=path) from error
    if table.ndim != 2 or len(table) != CLASSES:
        raise ModelError(
            f"The model file {path} holds a table {table.shape}, not one row for each of {CLASSES} classes.",
            REINSTALL,
            path=path,
        )
    rows: FloatArray = table.astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def label_text(names: Sequence[str]) -> str:
    """The sentence that stands for a label: its name and synonyms, underscores read as spaces."""
    return ", ".join(" ".join(name.replace("_", " ").split()) for name in names)


def mapping(cosines: FloatArray) -> FloatArray:
    """M of the module's docstring from (1000, n) cosines, in float32."""
    best = cosines.max(axis=1, keepdims=True)
    gate = np.maximum(0, best - MATCH_FLOOR) / (1 - MATCH_FLOOR)
    matrix = softmax(cosines / TEMPERATURE) * gate
    matrix[:, cosines.max(axis=0) <= MATCH_FLOOR] = 0
    column = matrix.sum(axis=0)
    balanced: FloatArray = (matrix / np.sqrt(np.where(column > 0, column, 1))).astype(np.float32)
    return balanced


def softmax(logits: FloatArray) -> FloatArray:
    """Softmax over the last axis, in float32."""
    shifted = np.exp(logits.astype(np.float32) - logits.max(axis=-1, keepdims=True).astype(np.float32))
    normalised: FloatArray = shifted / shifted.sum(axis=-1, keepdims=True)
    return normalised
