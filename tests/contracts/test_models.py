"""What every backend promises: each capability has one suite, and a backend's test class inherits those it implements.

Subclasses give a ``model`` fixture; ``TestX`` classes of the backends stand at the end.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from annotator.models.embedded.decoder import EmbeddedSegmenter
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.models.embedded.model import EmbeddedModel
from annotator.models.embedded.text import MiniLM
from annotator.models.protocols import (
    Candidates,
    DenseEmbedder,
    Detector,
    Embedder,
    LogitEmbedder,
    PromptSegmenter,
    RegionProposer,
    RGBImage,
    ScalableSegmenter,
    TextEncoder,
    ZeroShotTagger,
)


def noise(height: int, width: int, seed: int = 0) -> RGBImage:
    """A picture with structure at several scales."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), dtype=np.float64)
    for cell in (1, 8, 64):
        coarse = rng.uniform(0, 85, (height // cell + 1, width // cell + 1, 3))
        picture += np.kron(coarse, np.ones((cell, cell, 1)))[:height, :width]
    return picture.astype(np.uint8)


ODD_SIZES = [(1, 1), (1, 5000), (5000, 1), (7, 3), (223, 225), (224, 224), (480, 640)]


class EmbedderContract:
    """Promises of ``Embedder``."""

    def test_implements_the_protocol(self, model: Embedder) -> None:
        assert isinstance(model, Embedder)
        assert model.info.id and model.info.space and model.info.device
        assert int(model.info.version, 16) >= 0, "the version is a hex content hash"
        assert model.input_size > 0
        assert re.fullmatch(r"[\w.-]+", model.info.space), "the space names a folder of the cache on every system"

    def test_vectors_have_the_promised_shape(self, model: Embedder) -> None:
        vectors = model.embed([noise(50, 60), noise(300, 200, 1)])
        assert vectors.shape == (2, model.dimension)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()

    def test_no_images_give_no_rows(self, model: Embedder) -> None:
        vectors = model.embed([])
        assert vectors.shape == (0, model.dimension)
        assert vectors.dtype == np.float32

    @pytest.mark.parametrize(("height", "width"), ODD_SIZES)
    def test_every_size_embeds(self, model: Embedder, height: int, width: int) -> None:
        assert np.isfinite(model.embed([noise(height, width)])).all()

    def test_the_same_image_gives_the_same_vector(self, model: Embedder) -> None:
        image = noise(120, 90)
        np.testing.assert_array_equal(model.embed([image]), model.embed([image]))

    def test_different_images_give_different_vectors(self, model: Embedder) -> None:
        first, second = model.embed([noise(120, 90, 1), noise(120, 90, 2)])
        assert not np.allclose(first, second, atol=1e-4)

    def test_a_vector_does_not_depend_on_its_batch(self, model: Embedder) -> None:
        images = [noise(60 + 10 * i, 90, i) for i in range(11)]
        together = model.embed(images)
        alone = np.concatenate([model.embed([image]) for image in images])
        np.testing.assert_allclose(together, alone, atol=2e-5, rtol=1e-4)

    def test_the_image_is_left_alone(self, model: Embedder) -> None:
        image = noise(300, 200)
        before = image.copy()
        image.setflags(write=False)
        model.embed([image])
        np.testing.assert_array_equal(image, before)

    def test_a_view_embeds_like_its_copy(self, model: Embedder) -> None:
        view = noise(300, 200)[::-1, 20:180:2]
        np.testing.assert_array_equal(model.embed([view]), model.embed([view.copy()]))

    def test_channels_are_not_interchangeable(self, model: Embedder) -> None:
        image = noise(120, 90)
        image[..., 0] = 255
        assert not np.allclose(model.embed([image]), model.embed([image[..., ::-1]]), atol=1e-4)

    @pytest.mark.parametrize(
        "wrong",
        [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)],
    )
    def test_what_is_no_rgb_image_is_refused(self, model: Embedder, wrong: np.ndarray) -> None:
        with pytest.raises(ValueError, match="expected an RGB image"):
            model.embed([wrong])


class LogitEmbedderContract:
    """Promises of ``LogitEmbedder``."""

    def test_vectors_agree_with_embed_and_logits_with_the_rows(self, model: LogitEmbedder) -> None:
        assert isinstance(model, LogitEmbedder) and isinstance(model, Embedder)
        images = [noise(50, 60), noise(300, 200, 1), noise(10, 10, 2)]
        vectors, logits = model.embed_with_logits(images)
        np.testing.assert_allclose(vectors, model.embed(images), atol=1e-6)
        assert logits.ndim == 2 and len(logits) == 3 and logits.dtype == np.float32
        np.testing.assert_allclose(model.embed_with_logits(images[1:2])[1][0], logits[1], atol=1e-4)

    def test_no_images_give_no_rows(self, model: LogitEmbedder) -> None:
        vectors, logits = model.embed_with_logits([])
        some = model.embed_with_logits([noise(9, 9)])
        assert vectors.shape == (0, some[0].shape[1]) and logits.shape == (0, some[1].shape[1])


class DenseEmbedderContract:
    """Promises of ``DenseEmbedder``."""

    def test_cells_have_the_promised_shape(self, model: DenseEmbedder) -> None:
        assert isinstance(model, DenseEmbedder)
        dense = model.embed_dense([noise(50, 60), noise(300, 200, 1)])
        assert dense.ndim == 4 and len(dense) == 2 and dense.dtype == np.float32
        assert model.embed_dense([]).shape == (0, *dense.shape[1:])

    def test_what_changes_in_a_corner_changes_most_there(self, model: DenseEmbedder) -> None:
        image = np.full((224, 224, 3), 128, dtype=np.uint8)
        changed = image.copy()
        changed[:64, :64] = noise(64, 64)
        before, after = model.embed_dense([image, changed])
        moved = np.abs(after - before).sum(axis=2)
        assert moved[0, 0] > 2 * moved[-1, -1]


class TextEncoderContract:
    """Promises of ``TextEncoder``."""

    TEXTS: Sequence[str] = (
        "dog",
        "a very long sleeve on a shirt",
        "",
        "  ",
        "Ünï 猫 🐈",
        "dog " * 2000,
        "CamelCase_name",
    )

    def test_vectors_have_length_one(self, model: TextEncoder) -> None:
        assert isinstance(model, TextEncoder)
        vectors = model.encode(self.TEXTS)
        assert vectors.dtype == np.float32 and len(vectors) == len(self.TEXTS)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_no_texts_give_no_rows(self, model: TextEncoder) -> None:
        assert model.encode([]).shape == (0, model.encode(["a"]).shape[1])

    def test_a_vector_does_not_depend_on_its_batch_or_place(self, model: TextEncoder) -> None:
        texts = [f"thing number {i} {'x ' * (i % 7)}" for i in range(70)]
        together = model.encode(texts)
        for index in (0, 33, 69):
            np.testing.assert_allclose(together[index], model.encode([texts[index]])[0], atol=1e-5)

    def test_different_texts_differ(self, model: TextEncoder) -> None:
        first, second = model.encode(["dog", "spanner"])
        assert first @ second < 0.999


class ZeroShotTaggerContract:
    """Promises of ``ZeroShotTagger``. ``inputs`` makes what ``zero_shot`` reads of images."""

    def inputs(self, model: ZeroShotTagger, images: Sequence[RGBImage]) -> np.ndarray:
        if isinstance(model, LogitEmbedder):
            return model.embed_with_logits(images)[1]
        assert isinstance(model, Embedder)
        return model.embed(images)

    def test_rows_are_probabilities(self, model: ZeroShotTagger) -> None:
        assert isinstance(model, ZeroShotTagger)
        matrix = model.label_matrix([["cat", "kitten"], ["dog"], ["a red bus"]])
        assert matrix.ndim == 2 and matrix.shape[1] == 3 and matrix.dtype == np.float32
        scores = model.zero_shot(self.inputs(model, [noise(50, 60, i) for i in range(4)]), matrix)
        assert scores.shape == (4, 3) and scores.dtype == np.float32
        assert (scores >= 0).all()
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)

    def test_one_label_gets_everything(self, model: ZeroShotTagger) -> None:
        scores = model.zero_shot(self.inputs(model, [noise(50, 60)]), model.label_matrix([["dog"]]))
        np.testing.assert_allclose(scores, [[1]], atol=1e-5)

    def test_equal_labels_share_equally(self, model: ZeroShotTagger) -> None:
        scores = model.zero_shot(self.inputs(model, [noise(50, 60)]), model.label_matrix([["dog"], ["dog"], ["car"]]))
        assert scores[0, 0] == pytest.approx(scores[0, 1], abs=1e-6)

    def test_label_order_only_permutes(self, model: ZeroShotTagger) -> None:
        labels, order = [["dog"], ["car"], ["tree", "oak"]], [2, 0, 1]
        vectors = self.inputs(model, [noise(50, 60, i) for i in range(3)])
        straight = model.zero_shot(vectors, model.label_matrix(labels))
        turned = model.zero_shot(vectors, model.label_matrix([labels[i] for i in order]))
        np.testing.assert_allclose(straight[:, order], turned, atol=1e-5)

    def test_nothing_in_nothing_out(self, model: ZeroShotTagger) -> None:
        assert model.zero_shot(self.inputs(model, []), model.label_matrix([["dog"], ["cat"]])).shape == (0, 2)
        assert model.zero_shot(self.inputs(model, [noise(9, 9)]), model.label_matrix([])).shape == (1, 0)


class DetectorContract:
    """Promises of ``Detector``."""

    IMAGES = (noise(60, 90), noise(300, 200, 1), noise(1, 1), noise(1, 500, 2), noise(120, 7, 3))

    def test_boxes_lie_in_their_image(self, model: Detector) -> None:
        assert isinstance(model, Detector) and len(set(model.names)) == len(model.names) > 0
        results = model.detect(self.IMAGES)
        assert len(results) == len(self.IMAGES)
        assert any(len(found.boxes) for found in results), "nothing found, nothing tested"
        for image, found in zip(self.IMAGES, results, strict=True):
            count = len(found.boxes)
            assert found.boxes.shape == (count, 4) and found.boxes.dtype == np.float32
            assert found.scores.shape == (count,) and found.scores.dtype == np.float32
            assert found.classes.shape == (count,) and found.classes.dtype == np.int64
            assert ((found.classes >= 0) & (found.classes < len(model.names))).all()
            assert ((found.scores >= 0) & (found.scores <= 1)).all() and (np.diff(found.scores) <= 0).all()
            assert (found.boxes[:, :2] >= 0).all() and (found.boxes[:, :2] < found.boxes[:, 2:]).all()
            assert (found.boxes[:, 2:] <= (image.shape[1], image.shape[0])).all()

    def test_masks_cover_their_boxes_or_are_not_there(self, model: Detector) -> None:
        for found in model.detect(self.IMAGES):
            assert len(found.masks) in (0, len(found.boxes))
            for (x1, y1, x2, y2), mask in zip(found.boxes, found.masks, strict=False):
                assert mask.shape == (np.ceil(y2) - np.floor(y1), np.ceil(x2) - np.floor(x1)) and mask.dtype == bool

    def test_no_images_give_no_results(self, model: Detector) -> None:
        assert model.detect([]) == []

    def test_a_result_does_not_depend_on_its_batch(self, model: Detector) -> None:
        for together, image in zip(model.detect(self.IMAGES), self.IMAGES, strict=True):
            (alone,) = model.detect([image])
            np.testing.assert_allclose(together.boxes, alone.boxes, atol=1e-3)
            np.testing.assert_array_equal(together.classes, alone.classes)

    def test_the_image_is_left_alone(self, model: Detector) -> None:
        image = noise(60, 90)
        before = image.copy()
        image.setflags(write=False)
        model.detect([image])
        np.testing.assert_array_equal(image, before)

    def test_a_view_gives_what_its_copy_gives(self, model: Detector) -> None:
        view = noise(300, 200)[::-1, 20:180:2]
        (first,), (second,) = model.detect([view]), model.detect([view.copy()])
        np.testing.assert_array_equal(first.boxes, second.boxes)

    def test_what_is_no_rgb_image_is_refused(self, model: Detector) -> None:
        with pytest.raises(ValueError, match="expected an RGB image"):
            model.detect([np.zeros((8, 8), np.uint8)])


class PromptSegmenterContract:
    """Promises of ``PromptSegmenter``."""

    POINT = np.array([[40.0, 30.0]], np.float32)
    NO_POINT = np.empty((0, 2), np.float32)
    YES = np.array([True])
    NO = np.array([False])
    NO_LABEL = np.empty(0, bool)
    BOX = np.array([10.0, 5.0, 70.0, 50.0], np.float32)

    def check(self, answer: Candidates, height: int, width: int) -> None:
        count = len(answer.masks)
        assert 1 <= count <= 3
        assert answer.masks.shape == (count, height, width) and answer.masks.dtype == bool
        assert answer.scores.shape == (count,) and answer.scores.dtype == np.float32
        assert ((answer.scores >= 0) & (answer.scores <= 1)).all()
        assert len(answer.states) == count

    def test_implements_the_protocol(self, model: PromptSegmenter) -> None:
        assert isinstance(model, PromptSegmenter)
        assert model.info.id and model.info.device and int(model.info.version, 16) >= 0

    def test_every_kind_of_prompt_is_answered(self, model: PromptSegmenter) -> None:
        encoding = model.encode(noise(60, 90))
        two, labels = np.array([[40, 30], [5, 5]], np.float32), np.array([True, False])
        self.check(model.segment(encoding, self.POINT, self.YES), 60, 90)
        self.check(model.segment(encoding, two, labels), 60, 90)
        self.check(model.segment(encoding, self.NO_POINT, self.NO_LABEL, box=self.BOX), 60, 90)
        self.check(model.segment(encoding, self.POINT, self.NO, box=self.BOX), 60, 90)
        mask = np.zeros((60, 90), bool)
        mask[10:40, 20:70] = True
        self.check(model.segment(encoding, self.POINT, self.NO, previous=mask), 60, 90)

    def test_an_answer_can_be_refined_after_a_journey(self, model: PromptSegmenter) -> None:
        encoding = model.encode(noise(60, 90))
        first = model.segment(encoding, self.POINT, self.YES)
        for state in first.states:
            again = pickle.loads(pickle.dumps(state))
            points, labels = np.array([[40, 30], [80, 50]], np.float32), np.array([True, False])
            self.check(model.segment(encoding, points, labels, previous=again), 60, 90)

    def test_nothing_to_go_by_is_refused(self, model: PromptSegmenter) -> None:
        encoding = model.encode(noise(60, 90))
        for points, labels in ((self.NO_POINT, self.NO_LABEL), (self.POINT, self.NO)):
            with pytest.raises(ValueError, match="a box, a positive point or a previous mask"):
                model.segment(encoding, points, labels)

    def test_a_prompt_always_gets_the_same_answer(self, model: PromptSegmenter) -> None:
        image = noise(60, 90)
        first, second = (model.segment(model.encode(image), self.POINT, self.YES) for _ in range(2))
        np.testing.assert_array_equal(first.masks, second.masks)
        np.testing.assert_array_equal(first.scores, second.scores)

    def test_one_image_does_not_disturb_another(self, model: PromptSegmenter) -> None:
        first = model.encode(noise(60, 90))
        before = model.segment(first, self.POINT, self.YES)
        second = model.encode(noise(50, 30, 1))
        self.check(model.segment(second, np.array([[5, 5]], np.float32), self.YES), 50, 30)
        np.testing.assert_array_equal(model.segment(first, self.POINT, self.YES).masks, before.masks)

    def test_prompts_and_image_are_left_alone(self, model: PromptSegmenter) -> None:
        given = [noise(60, 90), self.POINT.copy(), self.YES.copy(), self.BOX.copy()]
        before = [array.copy() for array in given]
        for array in given:
            array.setflags(write=False)
        image, points, labels, box = given
        model.segment(model.encode(image), points, labels, box=box)
        for array, same in zip(given, before, strict=True):
            np.testing.assert_array_equal(array, same)

    def test_what_is_kept_has_the_size_of_the_image(self, model: PromptSegmenter) -> None:
        encoding = model.encode(noise(60, 90))
        mask = model.segment(encoding, self.POINT, self.YES).masks[0]
        kept = model.refine(encoding, mask, self.POINT, self.YES)
        assert kept.shape == (60, 90) and kept.dtype == bool

    @pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 300), (300, 2), (33, 65)])
    def test_every_size_is_answered(self, model: PromptSegmenter, height: int, width: int) -> None:
        point = np.array([[width / 2, height / 2]], np.float32)
        self.check(model.segment(model.encode(noise(height, width)), point, self.YES), height, width)

    def test_what_is_no_rgb_image_is_refused(self, model: PromptSegmenter) -> None:
        with pytest.raises(ValueError, match="expected an RGB image"):
            model.encode(np.zeros((8, 8), np.uint8))


class ScalableSegmenterContract:
    """Promises of ``ScalableSegmenter``."""

    def test_masks_come_at_any_size(self, model: Any) -> None:
        assert isinstance(model, ScalableSegmenter)
        encoding = model.encode(noise(60, 90))
        point, label = np.array([[40, 30]], np.float32), np.array([True])
        whole, small = model.segment(encoding, point, label), model.segment(encoding, point, label, size=(30, 45))
        assert small.masks.shape == (len(whole.masks), 30, 45)
        np.testing.assert_array_equal(small.scores, whole.scores)
        for mask, state in zip(whole.masks, small.states, strict=True):
            np.testing.assert_array_equal(model.full_mask(encoding, state), mask)
            assert model.full_mask(encoding, state, (120, 180)).shape == (120, 180)


class RegionProposerContract:
    """Promises of ``RegionProposer``."""

    def test_masks_fill_their_boxes(self, model: RegionProposer) -> None:
        assert isinstance(model, RegionProposer)
        found = model.regions(noise(60, 90))
        assert found.masks, "a picture full of structure has regions"
        assert found.boxes.shape == (len(found.masks), 4) and found.boxes.dtype == np.float32
        assert found.scores.shape == (len(found.masks),) and found.scores.dtype == np.float32
        assert (np.diff(found.scores) <= 0).all()
        for (x1, y1, x2, y2), mask in zip(found.boxes.astype(int), found.masks, strict=True):
            assert 0 <= x1 < x2 <= 90 and 0 <= y1 < y2 <= 60
            assert mask.shape == (y2 - y1, x2 - x1) and mask.dtype == bool and mask.any()


class TestEmbeddedImageEncoder(EmbedderContract, DenseEmbedderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> EmbeddedImageEncoder:
        return EmbeddedImageEncoder(threads=1)


class TestEmbeddedLogits(LogitEmbedderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> EmbeddedImageEncoder:
        return EmbeddedImageEncoder(threads=1)


class TestMiniLM(TextEncoderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> MiniLM:
        return MiniLM(threads=1)


class TestEmbeddedModel(ZeroShotTaggerContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> EmbeddedModel:
        return EmbeddedModel(threads=1)


class TestOpenClip(EmbedderContract, TextEncoderContract, ZeroShotTaggerContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, tmp_path_factory: pytest.TempPathFactory) -> Any:
        pytest.importorskip("open_clip")
        from annotator.models.open_clip.model import OpenClipModel
        from tests.open_clip_checkpoint import write_checkpoint

        config, weights = write_checkpoint(tmp_path_factory.mktemp("clip"), name="tiny-clip-contract")
        return OpenClipModel(str(config), weights, device="cpu")


class TestEmbeddedSegmenter(PromptSegmenterContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> EmbeddedSegmenter:
        return EmbeddedSegmenter(threads=1)


class TestSegmentAnything(PromptSegmenterContract, ScalableSegmenterContract, RegionProposerContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, tmp_path_factory: pytest.TempPathFactory) -> Any:
        pytest.importorskip("segment_anything")
        from annotator.models.segment_anything.model import SegmentAnythingModel
        from tests.sam_checkpoint import write_checkpoint

        return SegmentAnythingModel(write_checkpoint(tmp_path_factory.mktemp("sam"), confident=True), device="cpu")


class TestOnnxSegmenter(DetectorContract):
    """The picture itself is the answer: its strongest colour in each place."""

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, tmp_path_factory: pytest.TempPathFactory) -> Any:
        pytest.importorskip("onnx")
        from annotator.models.onnx.model import OnnxModel
        from tests.onnx_models import write_identity

        folder = tmp_path_factory.mktemp("onnx")
        write_identity(folder / "colours.onnx", ("n", 3, 32, 48))
        (folder / "colours.toml").write_text(
            'names = ["red", "green", "blue"]\n[input]\nwidth = 48\nheight = 32\n[output]\nlayout = "semantic"\n'
        )
        return OnnxModel(folder / "colours.onnx", device="cpu")


class TestOnnxDetector(DetectorContract):
    """One box, in the middle of the input, whatever the picture."""

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, tmp_path_factory: pytest.TempPathFactory) -> Any:
        pytest.importorskip("onnx")
        from annotator.models.onnx.model import OnnxModel
        from tests.onnx_models import write_constant

        folder = tmp_path_factory.mktemp("onnx")
        rows = np.array([[24, 16, 20, 10, 0.9, 0.1], [30, 16, 90, 80, 0.1, 0.6]], np.float32)
        write_constant(folder / "fixed.onnx", (1, 3, 32, 48), {"out": rows})
        (folder / "fixed.toml").write_text(
            'names = ["a", "b"]\n[input]\nwidth = 48\nheight = 32\n[output]\nlayout = "yolo"\n'
        )
        return OnnxModel(folder / "fixed.onnx", device="cpu")
