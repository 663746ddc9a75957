"""The head learns drawn scenes, says without torch what it says with it, and stops when it is told to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotator.errors import JobCancelled, ModelError
from annotator.job_context import QuietContext
from annotator.learning.detection import training
from annotator.learning.detection.augment import Scene
from annotator.learning.detection.decode import decode
from annotator.learning.detection.feature_cache import FeatureCache
from annotator.learning.detection.head import FEATURES, STRIDES, DetectionHead
from annotator.learning.detection.scores import TrueBoxes, precision
from annotator.learning.detection.training import Sample
from annotator.learning.detection.views import Canvas, draw
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from tests.scenes import draw_scene

SMALL = Canvas(224, 160)


@pytest.fixture(scope="module")
def encoder() -> EmbeddedImageEncoder:
    return EmbeddedImageEncoder(threads=1)


@pytest.fixture(scope="module")
def cache(encoder: EmbeddedImageEncoder, tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    return FeatureCache(tmp_path_factory.mktemp("features"), encoder, SMALL)


def samples_of(cache: FeatureCache, seeds: range, copies: int) -> list[Sample]:
    scenes = {str(seed): Scene(str(seed), *_parts(seed)) for seed in seeds}
    made = training.make_samples(
        list(scenes), lambda key: [SMALL.whole(208, 160)] * copies, scenes.__getitem__, cache
    )  # fmt: skip
    return [sample for rows in made.values() for sample in rows]


@pytest.fixture(scope="module")
def head(cache: FeatureCache) -> DetectionHead:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "COPIES", 3)
        samples = samples_of(cache, range(10), 1)
    return training.train_head(samples, 2, cache, steps=110, n_images=10)


def score(head: DetectionHead, cache: FeatureCache, seeds: range) -> float:
    found, truth = [], []
    view = SMALL.whole(208, 160)
    for seed in seeds:
        pixels, boxes, classes = draw_scene(seed)
        heat, sides = head.maps(cache.features([draw(pixels, 1.0, view, SMALL)]))
        found.append(decode(heat, sides, [view], SMALL, (208, 160)))
        truth.append(TrueBoxes(boxes, classes))
    return precision(found, truth, 2).at_50


def test_a_head_learns_drawn_things_from_ten_pictures(head: DetectionHead, cache: FeatureCache) -> None:
    assert score(head, cache, range(100, 110)) > 0.9


def test_the_head_says_without_torch_what_the_network_says(head: DetectionHead, cache: FeatureCache) -> None:
    import torch

    from annotator.learning.detection.network import Network

    network = Network(2)
    network.load_state_dict({name: torch.from_numpy(np.array(values)) for name, values in head.weights.items()})
    pixels, *_ = draw_scene(50)
    maps = cache.features([draw(pixels, 1.0, SMALL.whole(208, 160), SMALL)] * 2)
    with torch.no_grad():
        logits, distances = network(*(torch.from_numpy(maps[s]) for s in STRIDES))
    heat, sides = head.maps(maps)
    np.testing.assert_allclose(heat, torch.sigmoid(logits).numpy(), atol=2e-4)
    np.testing.assert_allclose(sides, distances.numpy(), rtol=2e-3, atol=1e-2)


def test_a_saved_head_is_the_same(head: DetectionHead, tmp_path: Path) -> None:
    head.save(tmp_path / "head.safetensors")
    again = DetectionHead.load(tmp_path / "head.safetensors")
    assert (again.version, again.canvas, again.scale, again.n_images) == (head.version, SMALL, 0.0, 10)


@pytest.mark.parametrize("content", [b"", b"no head", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_damaged_head_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "head.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="Train again"):
        DetectionHead.load(path)


def test_the_same_seed_gives_the_same_head_and_a_start_is_taken_up(head: DetectionHead, cache: FeatureCache) -> None:
    samples = samples_of(cache, range(2), 1)[:8]
    twice = [training.train_head(samples, 2, cache, steps=2, seed=5).version for _ in range(2)]
    assert twice[0] == twice[1]
    assert training.train_head(samples, 2, cache, steps=2, seed=6).version != twice[0]
    resumed = training.train_head(samples, 2, cache, steps=1, start=head)
    maps = cache.features([draw(draw_scene(101)[0], 1.0, SMALL.whole(208, 160), SMALL)])
    assert np.abs(resumed.maps(maps)[0] - head.maps(maps)[0]).max() < 0.3


def test_training_stops_at_the_next_step(cache: FeatureCache) -> None:
    class Stopping(QuietContext):
        asked = 0

        def check_cancelled(self) -> None:
            self.asked += 1
            if self.asked > 2:
                raise JobCancelled

    samples = samples_of(cache, range(1), 1)[:8]
    steps: list[int] = []
    with pytest.raises(JobCancelled):
        training.train_head(
            samples, 2, cache, steps=50, context=Stopping(), progress=lambda done, total: steps.append(done)
        )
    assert steps == [1, 2]


def test_without_torch_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None)
    with pytest.raises(ModelError, match=r'needs torch.*pip install -c constraints.txt "\.\[torch\]"'):
        training.require_torch()


def test_features_come_from_disk_the_second_time_and_damage_is_mended(
    encoder: EmbeddedImageEncoder, tmp_path: Path
) -> None:
    canvas = draw(draw_scene(7)[0], 1.0, SMALL.whole(208, 160), SMALL)
    first = FeatureCache(tmp_path, encoder, SMALL)
    fresh = first.row(canvas)
    (file,) = tmp_path.glob("*/*.f16")
    assert file.stat().st_size == first.bytes_each == fresh.nbytes

    class Broken:
        info = encoder.info

        def feature_maps(self, *_: object) -> None:
            raise AssertionError("asked again")

    assert (FeatureCache(tmp_path, Broken(), SMALL).row(canvas) == fresh).all()  # type: ignore[arg-type]
    file.write_bytes(b"cut off")
    assert (FeatureCache(tmp_path, encoder, SMALL).row(canvas) == fresh).all()
    assert file.stat().st_size == fresh.nbytes


def test_the_cache_keeps_to_its_limit(encoder: EmbeddedImageEncoder, tmp_path: Path) -> None:
    size = FeatureCache(None, encoder, SMALL).bytes_each
    cache = FeatureCache(tmp_path / "young", encoder, SMALL, limit=2 * size)
    keeping = FeatureCache(tmp_path / "old", encoder, SMALL, limit=2 * size, keep_old=True)
    canvases = [np.full((160, 224, 3), value, np.uint8) for value in (10, 90, 200)]
    for canvas in canvases:
        cache.row(canvas)
        keeping.row(canvas)
    assert cache.prune() == 1
    assert len(list((tmp_path / "young").glob("*/*.f16"))) == 2
    assert len(list((tmp_path / "old").glob("*/*.f16"))) == 2
    assert sum(FEATURES.values()) == 472


def _parts(seed: int) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
    pixels, boxes, classes = draw_scene(seed)
    return pixels, 1.0, boxes, classes
