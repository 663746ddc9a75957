"""The open_clip backend on a small checkpoint that goes through the real loading code."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from annotator.errors import ModelError, UsageError
from annotator.models import catalogue
from tests.open_clip_checkpoint import CONFIG, write_checkpoint

pytest.importorskip("open_clip")
torch = pytest.importorskip("torch")

from annotator.models.open_clip.model import OpenClipModel, limit_ratio  # noqa: E402


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_checkpoint(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def model(files: tuple[Path, Path]) -> OpenClipModel:
    return OpenClipModel(str(files[0]), files[1], device="cpu")


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_equals_open_clip_itself(model: OpenClipModel, files: tuple[Path, Path]) -> None:
    import open_clip
    from PIL import Image

    network, _, transform = open_clip.create_model_and_transforms("tiny-clip", pretrained=str(files[1]))
    network.eval()
    images = [noise(80, 120), noise(64, 64, 1), noise(301, 200, 2), noise(10, 15, 3), noise(40, 159, 4)]
    with torch.no_grad():
        expected = network.encode_image(
            torch.stack([transform(Image.fromarray(i)) for i in images]), normalize=True
        ).numpy()
        words = network.encode_text(open_clip.get_tokenizer("tiny-clip")(["a cat", "a dog"]), normalize=True).numpy()
    np.testing.assert_allclose(model.embed(images), expected, atol=2e-5)
    np.testing.assert_allclose(model.encode(["a cat", "a dog"]), words, atol=1e-5)


def test_zero_shot_is_the_softmax_of_scaled_cosines(model: OpenClipModel) -> None:
    vectors = model.embed([noise(80, 120), noise(64, 64, 1)])
    matrix = model.label_matrix([["cat", "kitten"], ["dog"]])
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=0), 1, atol=1e-5)
    logits = model.logit_scale * vectors @ matrix
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.zero_shot(vectors, matrix), expected, atol=1e-5)
    assert model.logit_scale == pytest.approx(1 / 0.07, rel=1e-4)


def test_a_label_is_the_mean_over_names_and_templates(files: tuple[Path, Path]) -> None:
    model = OpenClipModel(str(files[0]), files[1], device="cpu", templates=("a {}.", "the {}."))
    mean = model.encode(["a big cat.", "the big cat.", "a tom.", "the tom."]).mean(axis=0)
    np.testing.assert_allclose(model.label_matrix([["big_cat", " tom "]])[:, 0], mean / np.linalg.norm(mean), atol=1e-5)


def test_half_precision_stays_close(model: OpenClipModel, files: tuple[Path, Path]) -> None:
    half = OpenClipModel(str(files[0]), files[1], device="cpu", half=True)
    images = [noise(80, 120), noise(64, 64, 1)]
    assert half.embed(images).dtype == np.float32
    assert (half.embed(images) * model.embed(images)).sum(axis=1).min() > 0.999
    assert (half.encode(["a cat"]) * model.encode(["a cat"])).sum() > 0.999


def test_safetensors_give_the_same(model: OpenClipModel, files: tuple[Path, Path], tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "tiny.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in torch.load(files[1], weights_only=True).items()}, path)
    other = OpenClipModel(str(files[0]), path, device="cpu")
    np.testing.assert_array_equal(other.embed([noise(80, 120)]), model.embed([noise(80, 120)]))
    assert other.info.version != model.info.version


def test_a_training_checkpoint_loads(model: OpenClipModel, files: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "epoch_1.pt"
    state = {f"module.{name}": tensor for name, tensor in torch.load(files[1], weights_only=True).items()}
    torch.save({"epoch": 1, "state_dict": state}, path)
    np.testing.assert_array_equal(
        OpenClipModel(str(files[0]), path, device="cpu").embed([noise(80, 120)]), model.embed([noise(80, 120)])
    )


def test_memory_trouble_halves_the_batch(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    model = OpenClipModel(str(files[0]), files[1], device="cpu")
    images = [noise(70, 70, seed) for seed in range(10)]
    expected = model.embed(images)
    inner, sizes = model._network.encode_image, []

    def scarce(batch: torch.Tensor, normalize: bool) -> torch.Tensor:
        sizes.append(len(batch))
        if len(batch) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
        return inner(batch, normalize=normalize)

    monkeypatch.setattr(model._network, "encode_image", scarce)
    np.testing.assert_allclose(model.embed(images), expected, atol=1e-5)
    assert sizes == [8, 4, 2, 2, 2, 2, 2]


class TestBadInput:
    def load(self, name: object, weights: Path | None, **options: object) -> str:
        """The one-line error of a load that must fail."""
        with pytest.raises((ModelError, UsageError)) as raised:
            OpenClipModel(str(name), weights, device="cpu", **options)
        assert raised.value.cure
        text = str(raised.value)
        assert "\n" not in text and len(text) < 500
        return text

    def test_truncated(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        path = tmp_path / "cut.pt"
        path.write_bytes(files[1].read_bytes()[:-5000])
        text = self.load(files[0], path)
        assert str(path) in text and "Download it again" in text

    @pytest.mark.parametrize("name", ["zero.pt", "zero.safetensors"])
    def test_empty(self, files: tuple[Path, Path], tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        path.write_bytes(b"")
        assert str(path) in self.load(files[0], path)

    def test_garbage(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        for name in ("a.pt", "a.safetensors", "a.npz"):
            path = tmp_path / name
            path.write_bytes(b"<html>404</html>" * 100)
            assert str(path) in self.load(files[0], path)

    def test_weights_of_another_model(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        path = tmp_path / "other.pt"
        torch.save({"fc.weight": torch.zeros(3, 3)}, path)
        assert "its tensors are not those of tiny-clip" in self.load(files[0], path)

    def test_an_empty_state(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        path = tmp_path / "none.pt"
        torch.save({}, path)
        assert str(path) in self.load(files[0], path)

    def test_nothing_in_the_file_runs(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        class Trap:
            def __reduce__(self) -> tuple[object, tuple[object, ...]]:
                return (Path.write_text, (tmp_path / "ran", "yes"))

        for name, save in (
            ("torch.pt", torch.save),
            ("plain.pt", lambda value, path: path.write_bytes(pickle.dumps(value))),
        ):
            path = tmp_path / name
            save({"visual.proj": Trap()}, path)
            assert str(path) in self.load(files[0], path)
        assert not (tmp_path / "ran").exists()

    def test_torchscript_is_refused(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        path = tmp_path / "script.pt"
        # The layout of torch.jit.save, which is what tells it from a state dict.
        import zipfile

        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("script/data.pkl", b"")
            archive.writestr("script/constants.pkl", b"")
            archive.writestr("script/version", b"3\n")
            archive.writestr("script/code/__torch__.py", b"")
        assert "TorchScript" in self.load(files[0], path)

    def test_missing_weights(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        assert "does not exist" in self.load(files[0], tmp_path / "none.pt")
        assert "has no weights" in self.load(files[0], None)

    def test_unknown_name_and_tag(self, files: tuple[Path, Path]) -> None:
        assert "Did you mean" in self.load("ViT-B-33", files[1])
        assert "laion2b_e16" in self.load("ViT-B-32", None, tag="laion3b")

    def test_bad_config(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        path = tmp_path / "broken.json"
        assert "cannot be read" in self.load(path, files[1])
        path.write_text("{")
        assert "cannot be read" in self.load(path, files[1])
        path.write_text(json.dumps({"embed_dim": 3}))
        assert "not one of open_clip" in self.load(path, files[1])
        # A refused config leaves nothing behind that would fail the next good one.
        assert OpenClipModel(str(files[0]), files[1], device="cpu").dimension == CONFIG["embed_dim"]

    def test_vectors_of_another_size(self, model: OpenClipModel) -> None:
        with pytest.raises(ValueError, match="vectors"):
            model.zero_shot(np.zeros((1, 33), np.float32), model.label_matrix([["a"]]))


class TestLimitRatio:
    def test_leaves_common_images_alone(self) -> None:
        for shape in ((100, 400), (400, 100), (1, 1), (3, 4)):
            image = noise(*shape)
            for mode in ("shortest", "longest", "squash"):
                np.testing.assert_array_equal(limit_ratio(image, mode, 7), image)

    def test_shortest_takes_the_middle(self) -> None:
        image = noise(3, 100)
        np.testing.assert_array_equal(limit_ratio(image, "shortest", 7), image[:, 44:56])
        np.testing.assert_array_equal(
            limit_ratio(image.transpose(1, 0, 2), "shortest", 7), image.transpose(1, 0, 2)[44:56]
        )

    def test_longest_gets_a_border(self) -> None:
        image = noise(2, 160)
        padded = limit_ratio(image, "longest", 7)
        assert padded.shape == (10, 160, 3)
        np.testing.assert_array_equal(padded[4:6], image)
        assert (padded[:4] == 7).all() and (padded[6:] == 7).all()
        assert limit_ratio(image.transpose(1, 0, 2), "longest", 7).shape == (160, 10, 3)

    @pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
    def test_every_mode_runs_on_extreme_images(self, files: tuple[Path, Path], mode: str) -> None:
        model = OpenClipModel(str(files[0]), files[1], device="cpu", preprocessing={"resize_mode": mode})
        vectors = model.embed([noise(1, 5000), noise(5000, 1), noise(1, 1), noise(17, 16)])
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_loading_is_quiet(files: tuple[Path, Path]) -> None:
    """Nothing on stdout, and the root logger is as it was."""
    script = f"""
import logging, sys
from annotator.models import catalogue
assert 'torch' not in sys.modules and 'open_clip' not in sys.modules
model = catalogue.load({"open_clip:" + str(files[0])!r}, weights=__import__('pathlib').Path({str(files[1])!r}), device='cpu')
assert model.dimension == 32
assert logging.getLogger().handlers == []
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert logging.getLogger("open_clip").handlers == []


def test_available_by_name(files: tuple[Path, Path]) -> None:
    assert catalogue.available(f"open_clip:{files[0]}", weights=files[1]).ready
    assert "no weights" in catalogue.available("open_clip:ViT-B-32").reason
    assert catalogue.available("open_clip:ViT-B-32:openai").ready
