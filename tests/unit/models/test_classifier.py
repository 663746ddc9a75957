"""The classifier that is read from the model file gives the logits that the model itself gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotator.errors import ModelError
from annotator.models.embedded.classifier import classifier
from annotator.models.embedded.model import EmbeddedModel
from annotator.models.protocols import DenseTagger


def test_cells_average_to_the_logits_of_the_picture() -> None:
    model = EmbeddedModel(threads=1)
    assert isinstance(model, DenseTagger)
    image = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    _, logits = model.embed_with_logits([image])
    np.testing.assert_allclose(model.cell_logits([image]).mean(axis=(1, 2)), logits, atol=1e-3)


def test_the_nearest_classes_of_a_label_are_those_of_its_name() -> None:
    model = EmbeddedModel(threads=1)
    dogs, boats = model.nearest_classes([("dog",), ("sailboat",)])
    # ImageNet's classes 151 to 268 are breeds of dogs; 914 is the yawl, 871 the trimaran, 484 the catamaran, 780 the schooner.
    assert ((dogs >= 151) & (dogs <= 275)).mean() >= 0.7
    assert {914, 871, 484, 780} & set(boats.tolist())


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(b"\x08\x01\x12\x02ab")
    with pytest.raises(ModelError):
        classifier(path)
