"""The catalogue: its data, what it says of models that cannot run here, and loading by id."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from annotator.domain.kinds import Task
from annotator.errors import ModelError, UsageError, install_again
from annotator.models import catalogue
from annotator.models.embedded.model import EmbeddedModel
from annotator.models.embedded.text import MiniLM


@pytest.fixture(autouse=True)
def empty_models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weights"
    monkeypatch.setenv("ANNOTATOR_MODELS", str(folder))
    return folder


def test_data_is_well_formed() -> None:
    ids = [entry.id for entry in catalogue.entries()]
    assert len(ids) == len(set(ids))
    assert {"embedded", "minilm", "open_clip", "sam-vit-b", "sam-vit-l", "sam-vit-h"} <= set(ids)
    for entry in catalogue.entries():
        assert entry.title and entry.licence
        assert re.fullmatch(r"annotator(\.\w+)+:\w+", entry.factory)
        assert all(isinstance(task, Task) for task in entry.tasks)
        if entry.weights:
            assert entry.weights.url.startswith("https://")
            assert re.fullmatch(r"[0-9a-f]{64}", entry.weights.sha256)
            assert Path(entry.weights.file).name == entry.weights.file


def test_files_of_one_name_are_one_file() -> None:
    files = [entry.weights.file for entry in catalogue.entries() if entry.weights]
    assert len(files) == len(set(files))


def test_embedded_loads_and_tags() -> None:
    assert catalogue.available("embedded") == catalogue.Availability(True)
    model = catalogue.load("embedded", device="cpu")
    assert isinstance(model, EmbeddedModel)
    scores = model.zero_shot(
        model.embed_with_logits([np.zeros((5, 5, 3), np.uint8)])[1], model.label_matrix([["a"], ["b"]])
    )
    assert scores.shape == (1, 2)
    assert isinstance(catalogue.load("minilm"), MiniLM)


@pytest.mark.parametrize("model_id", ["embedded", "minilm"])
def test_shipped_models_take_no_weights(model_id: str, tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="no weights file"):
        catalogue.load(model_id, weights=path)


@pytest.mark.parametrize(
    ("model_id", "cure"),
    [("embeded", "Did you mean embedded"), ("nothing", "Known models"), ("embedded:x", ""), ("open_clip:", "")],
)
def test_unknown_ids(model_id: str, cure: str) -> None:
    for function in (catalogue.find, catalogue.available, catalogue.load):
        with pytest.raises(UsageError, match="no model") as raised:
            function(model_id)
        assert cure in raised.value.cure


@pytest.mark.parametrize(
    ("model_id", "options"),
    [
        ("open_clip:ViT-B-32", {"model": "ViT-B-32"}),
        ("open_clip:ViT-B-32:openai", {"model": "ViT-B-32", "tag": "openai"}),
        (r"open_clip:C:\m\tiny.json", {"model": r"C:\m\tiny.json"}),
    ],
)
def test_ids_with_a_name(model_id: str, options: dict[str, str]) -> None:
    entry = catalogue.find(model_id)
    assert entry.id == model_id and entry.options == options
    assert catalogue.find("open_clip").options == {}


def test_missing_weights_name_the_command(empty_models_folder: Path) -> None:
    state = catalogue.available("openclip-vit-b-32")
    assert not state.ready
    assert state.cure == "Run: annotator models pull openclip-vit-b-32"
    assert str(empty_models_folder / "vit_b_32-laion2b_e16-af8dbd0c.pth") in state.reason
    with pytest.raises(ModelError, match="are not here"):
        catalogue.load("openclip-vit-b-32")


def test_pulled_weights_make_it_ready(empty_models_folder: Path) -> None:
    empty_models_folder.mkdir()
    (empty_models_folder / "vit_b_32-laion2b_e16-af8dbd0c.pth").write_bytes(b"damaged")
    assert catalogue.available("openclip-vit-b-32").ready
    with pytest.raises(ModelError, match=r"af8dbd0c\.pth cannot be loaded"):
        catalogue.load("openclip-vit-b-32", device="cpu")


def test_missing_weights_file(tmp_path: Path) -> None:
    assert not catalogue.available("openclip-vit-b-32", weights=tmp_path / "none").ready


def test_missing_packages_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    importable = catalogue._importable
    monkeypatch.setattr(catalogue, "_importable", lambda name: name not in ("torch", "open_clip") and importable(name))
    state = catalogue.available("openclip-vit-b-32")
    assert not state.ready
    assert state.reason == "openclip-vit-b-32 needs open_clip, torch, not installed here."
    assert state.cure == install_again("torch")


def test_a_backend_that_is_not_in_this_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_importable", lambda name: not name.startswith("annotator.models.segment_anything"))
    assert "cannot run sam-vit-b yet" in catalogue.available("sam-vit-b").reason


def test_the_bare_backend_asks_for_a_name() -> None:
    assert "needs the name of a model" in catalogue.available("open_clip").reason


def test_models_folder_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANNOTATOR_MODELS")
    assert catalogue.models_folder().parts[-2:] == ("annotator", "models")


def test_the_config_of_a_model_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert catalogue.with_absolute_path("open_clip:tiny.json") == f"open_clip:{tmp_path / 'tiny.json'}"
    assert catalogue.with_absolute_path("open_clip:missing.json") == "open_clip:missing.json"
    assert catalogue.with_absolute_path("open_clip:ViT-B-32:laion2b") == "open_clip:ViT-B-32:laion2b"
