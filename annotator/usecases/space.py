"""The embedding space that tags are learned in: the model, loaded once per process, and its vectors on disk."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.domain.records import Label
from annotator.errors import UsageError
from annotator.learning.features import EmbeddingStore
from annotator.models import catalogue
from annotator.models.protocols import Embedder, LogitEmbedder, ZeroShotTagger
from annotator.usecases.parts import Parts
from annotator.usecases.settings_view import TAG_MODEL, TAG_WEIGHTS

FloatArray = NDArray[np.float32]
Ids = NDArray[np.int64]

DEFAULT_MODEL = "embedded"
BLOCK = 4096


@dataclass(frozen=True)
class Space:
    """A loaded model and the store of its vectors."""

    model_id: str
    model: Any
    store: EmbeddingStore

    @property
    def embedder(self) -> Embedder:
        """The model as one that embeds."""
        embedder: Embedder = self.model
        return embedder

    def zero_shot(self, ids: Ids, labels: list[Label]) -> FloatArray | None:
        """(n, labels) probabilities without any answer from the project; None when the model does not know text."""
        if not isinstance(self.model, ZeroShotTagger):
            return None
        matrix = self.model.label_matrix([(label.name, *label.synonyms) for label in labels])
        get = self.store.get_logits if self.store.n_logits else self.store.get
        parts = [
            self.model.zero_shot(np.asarray(get(ids[at : at + BLOCK]), np.float32), matrix)
            for at in range(0, len(ids), BLOCK)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(labels)), np.float32)


def choose_model(parts: Parts, model_id: str | None, weights: Path | None) -> tuple[str, Path | None]:
    """The model and the weights file that are asked for, or those that the project remembers, or the built-in one."""
    remembered, file = _remembered(parts)
    model_id = None if model_id is None else catalogue.with_absolute_path(model_id)
    if weights is None and model_id in (None, remembered):
        return remembered, None if file is None else Path(file)
    return model_id or remembered, weights


def remember_model(parts: Parts, name: str, weights: Path | None) -> None:
    """Later rounds use this model too. Called once it is loaded: a name that leads nowhere must not stick to the project."""
    chosen = name, None if weights is None else str(weights.absolute())
    if chosen != _remembered(parts) and not parts.read_only:
        with parts.db.write("suggest") as writer:
            writer.settings.set(TAG_MODEL, chosen[0])
            writer.settings.set(TAG_WEIGHTS, chosen[1])


def _remembered(parts: Parts) -> tuple[str, str | None]:
    with parts.db.read() as reader:
        return reader.settings.get(TAG_MODEL, DEFAULT_MODEL), reader.settings.get(TAG_WEIGHTS)


@functools.lru_cache(maxsize=2)
def _load(name: str, weights: Path | None, device: str) -> Any:
    return catalogue.load(name, weights=weights, device=device)


def open_space(
    parts: Parts, model_id: str | None = None, *, weights: Path | None = None, device: str = "auto"
) -> Space:
    """Load the model (once per process) and open its store; raises ``ModelError`` when it cannot run here."""
    name = model_id or DEFAULT_MODEL
    model = _load(name, weights, device)
    if not isinstance(model, Embedder):
        raise UsageError(f"{name} does not look at whole pictures.", "`annotator models list` names those for tags.")
    info = model.info
    folder = parts.cache / "embeddings" / re.sub(r"[^A-Za-z0-9._-]+", "_", info.space)
    n_logits = int(getattr(model, "n_logits", 0)) if isinstance(model, LogitEmbedder) else 0
    store = EmbeddingStore(folder, info.space, model.dimension, n_logits)
    return Space(name, model, store)
