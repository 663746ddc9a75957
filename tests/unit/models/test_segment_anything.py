"""The segment_anything backend against the package's own predictor, on small checkpoints through the real loading code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.errors import JobCancelled, ModelError
from annotator.models import catalogue
from annotator.models.segment_anything.cache import EmbeddingCache
from annotator.models.segment_anything.upsampling import enlarge, enlarge_mask
from tests.contracts.test_models import noise
from tests.sam_checkpoint import build_sam, write_checkpoint

pytest.importorskip("segment_anything")
torch = pytest.importorskip("torch")

from segment_anything import SamAutomaticMaskGenerator, SamPredictor  # noqa: E402

from annotator.models.segment_anything.loading import find_architecture  # noqa: E402
from annotator.models.segment_anything.model import SegmentAnythingModel, input_size  # noqa: E402
from annotator.models.segment_anything.regions import RegionSettings, propose  # noqa: E402

SHAPES = [(96, 128), (301, 200), (128, 128), (40, 333), (1, 1), (3, 500)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="module")
def model(weights: Path) -> SegmentAnythingModel:
    return SegmentAnythingModel(weights, device="cpu")


@pytest.fixture(scope="module")
def predictor() -> Any:
    return SamPredictor(build_sam())


def prompts(height: int, width: int) -> list[dict[str, Any]]:
    """Keyword arguments of ``segment``: one point, several, a box, both, and only a negative point in a box."""
    points = np.array([[0.4, 0.5], [0.7, 0.2], [0.1, 0.9]], np.float32) * (width, height)
    box = np.array([0.2 * width, 0.1 * height, 0.8 * width, 0.7 * height], np.float32)
    labels = np.array([True, False, True])
    return [
        {"points": points[:1], "point_labels": labels[:1]},
        {"points": points, "point_labels": labels},
        {"points": points[:0], "point_labels": labels[:0], "box": box},
        {"points": points, "point_labels": labels, "box": box},
        {"points": points[1:2], "point_labels": labels[1:2], "box": box},
    ]


def expected(predictor: Any, prompt: dict[str, Any], previous: Any = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masks, scores and logits of the package: the single mask, then the three."""
    given = {
        "point_coords": prompt["points"].astype(np.float64) - 0.5 if len(prompt["points"]) else None,
        "point_labels": prompt["point_labels"] if len(prompt["points"]) else None,
        "box": None if prompt.get("box") is None else prompt["box"].astype(np.float64) - 0.5,
        "mask_input": previous,
    }
    alone, several = (predictor.predict(**given, multimask_output=multimask) for multimask in (False, True))
    masks, scores, logits = (np.concatenate([first, second]) for first, second in zip(alone, several, strict=True))
    return masks, scores, logits


def test_encoding_stops_between_two_blocks_when_nobody_wants_it(model: SegmentAnythingModel) -> None:
    image, asked = noise(96, 128, 5), []

    def once() -> bool:
        asked.append(1)
        return len(asked) == 1

    with pytest.raises(JobCancelled):
        model.encode_while(image, once)
    assert len(asked) == 2  # of two blocks, the second one never ran
    assert torch.equal(model.encode(image).features, model.encode_while(image, lambda: True).features)


@pytest.mark.parametrize(("height", "width"), SHAPES[:4])
def test_masks_equal_the_package_bit_for_bit(
    model: SegmentAnythingModel, predictor: Any, height: int, width: int
) -> None:
    image = noise(height, width, height)
    predictor.set_image(image)
    encoding = model.encode(image)
    assert torch.equal(encoding.features, predictor.features)
    for prompt in prompts(height, width):
        masks, scores, logits = expected(predictor, prompt)
        answer = model.segment(encoding, **prompt)
        ambiguous = len(prompt["points"]) == 1 and "box" not in prompt
        assert len(answer.masks) == 3
        found = [
            int(np.flatnonzero([np.array_equal(state.logits, one) for one in logits])[0]) for state in answer.states
        ]
        by_score = list(1 + np.argsort(-scores[1:]))
        assert found == (by_score if ambiguous else [0, *by_score[:2]])
        np.testing.assert_array_equal(answer.scores, np.clip(scores[found], 0, 1))
        np.testing.assert_array_equal(answer.masks, masks[found])


@pytest.mark.parametrize("size", [(480, 640), (97, 131), (960, 1280)])
def test_other_resolutions_equal_the_package_at_that_resolution(
    model: SegmentAnythingModel, predictor: Any, size: tuple[int, int]
) -> None:
    image = noise(480, 640)
    predictor.set_image(image)
    encoding = model.encode(image)
    prompt = prompts(480, 640)[3]
    answer = model.segment(encoding, **prompt, size=size)
    for mask, state in zip(answer.masks, answer.states, strict=True):
        low = torch.from_numpy(state.logits)[None, None]
        wanted = predictor.model.postprocess_masks(low, predictor.input_size, size)[0, 0] > 0
        np.testing.assert_array_equal(mask, wanted.numpy())
        np.testing.assert_array_equal(model.full_mask(encoding, state, size), mask)


def test_a_state_refines_like_the_package(model: SegmentAnythingModel, predictor: Any) -> None:
    image = noise(96, 128)
    predictor.set_image(image)
    encoding = model.encode(image)
    prompt = prompts(96, 128)[1]
    state = pickle.loads(pickle.dumps(model.segment(encoding, **prompts(96, 128)[0]).states[0]))
    masks, _, logits = expected(predictor, prompt, previous=state.logits[None])
    answer = model.segment(encoding, **prompt, previous=state)
    for mask, later in zip(answer.masks, answer.states, strict=True):
        place = [np.array_equal(later.logits, one) for one in logits].index(True)
        np.testing.assert_array_equal(mask, masks[place])
    assert not np.array_equal(answer.masks, model.segment(encoding, **prompt).masks)


def test_a_mask_starts_a_refinement_where_it_lies(model: SegmentAnythingModel) -> None:
    encoding = model.encode(noise(96, 128))
    mask = np.zeros((96, 128), bool)
    mask[:48, 64:] = True
    logits = model._as_logits(encoding, mask)
    # The network's square is 128 pixels, the logits 32: the mask ends 4 cells above the padding's edge at row 24.
    assert logits.shape == (32, 32)
    assert (logits[:12, 16:] == 8).all() and (logits[12:] == -8).all() and (logits[:, :16] == -8).all()
    with pytest.raises(ValueError, match=r"mask \(96, 128\)"):
        model.segment(encoding, **prompts(96, 128)[0], previous=mask[:50])


def test_prompts_are_places_not_pixels(model: SegmentAnythingModel) -> None:
    """Our frame has a pixel's centre at +.5; the package adds that itself."""
    encoding = model.encode(noise(128, 128))
    inner = model._coordinates(np.array([[0.5, 0.5], [128.0, 64.0]]), encoding)
    np.testing.assert_allclose(inner.numpy(), [[0, 0], [127.5, 63.5]])
    shrunk = model.encode(noise(256, 512))
    np.testing.assert_allclose(model._coordinates(np.array([[100.5, 20.5]]), shrunk).numpy(), [[25, 5]])


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_every_size_is_encoded_and_answered(model: SegmentAnythingModel, height: int, width: int) -> None:
    encoding = model.encode(noise(height, width))
    assert max(encoding.input_size) == 128 and min(encoding.input_size) >= 1
    answer = model.segment(encoding, np.array([[width / 2, height / 2]], np.float32), np.array([True]))
    assert answer.masks.shape == (3, height, width)


def test_input_size_is_the_packages(predictor: Any) -> None:
    for height, width in ((3000, 4000), (4000, 3000), (333, 500), (1, 1), (128, 128), (1023, 777)):
        assert input_size((height, width), 1024) == predictor.transform.get_preprocess_shape(height, width, 1024)


def test_half_precision_stays_close(weights: Path, model: SegmentAnythingModel) -> None:
    half = SegmentAnythingModel(weights, device="cpu", half=True)
    image = noise(96, 128)
    features = half.encode(image).features
    assert features.dtype == torch.float32
    assert (features - model.encode(image).features).abs().max() < 0.02
    assert iou(model.segment(half.encode(image), **prompts(96, 128)[3]).masks, answers(model, image)) > 0.98


def answers(model: SegmentAnythingModel, image: np.ndarray) -> np.ndarray:
    return model.segment(model.encode(image), **prompts(*image.shape[:2])[3]).masks


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


class TestUpsampling:
    """Against torch itself, on fields that cross zero in many places."""

    @pytest.mark.parametrize("cells", [4, 16, 64])
    @pytest.mark.parametrize(
        ("inner", "size"), [((768, 1024), (1050, 1400)), ((1024, 577), (640, 361)), ((683, 1024), (683, 1024))]
    )
    def test_equals_torch(self, cells: int, inner: tuple[int, int], size: tuple[int, int]) -> None:
        rng = torch.Generator().manual_seed(cells)
        coarse = torch.randn((1, 1, cells, cells), generator=rng) * 8
        low = torch.nn.functional.interpolate(coarse, (256, 256), mode="bicubic")
        square = torch.nn.functional.interpolate(low, (1024, 1024), mode="bilinear", align_corners=False)
        wanted = torch.nn.functional.interpolate(
            square[..., : inner[0], : inner[1]], size, mode="bilinear", align_corners=False
        )[0, 0].numpy()
        np.testing.assert_array_equal(enlarge_mask(low[0, 0].numpy(), 1024, inner, size), wanted > 0)
        np.testing.assert_allclose(enlarge(low[0, 0].numpy(), 1024, inner, size), wanted, atol=1e-3)

    def test_logits_that_are_exactly_zero(self) -> None:
        low = np.zeros((256, 256), np.float32)
        assert not enlarge_mask(low, 1024, (768, 1024), (300, 400)).any()
        low[:, ::2], low[:, 1::2] = 1, -1
        square = torch.nn.functional.interpolate(torch.from_numpy(low)[None, None], (1024, 1024), mode="bilinear")
        np.testing.assert_array_equal(enlarge_mask(low, 1024, (1024, 1024), (1024, 1024)), square[0, 0].numpy() > 0)


class TestCache:
    @pytest.fixture
    def cached(self, weights: Path, tmp_path: Path) -> SegmentAnythingModel:
        return SegmentAnythingModel(weights, device="cpu", cache=EmbeddingCache(tmp_path / "cache"))

    def test_masks_from_the_cache(self, cached: SegmentAnythingModel, tmp_path: Path, monkeypatch: Any) -> None:
        ratios = []
        images = [noise(96, 128, seed) for seed in range(6)]
        fresh = [answers(cached, image) for image in images]
        assert len(list((tmp_path / "cache").glob("*.embedding"))) == 6

        def refuse(*_: object) -> None:
            raise AssertionError("the image encoder ran although the embedding is cached")

        monkeypatch.setattr(cached, "_features", refuse)
        for image, masks in zip(images, fresh, strict=True):
            ratios.append(iou(answers(cached, image), masks))
        assert min(ratios) >= 0.995

    def test_a_damaged_entry_is_encoded_anew(self, cached: SegmentAnythingModel, tmp_path: Path, caplog: Any) -> None:
        image = noise(96, 128)
        fresh = cached.encode(image).features
        (path,) = (tmp_path / "cache").iterdir()
        whole = path.read_bytes()
        for damaged in (whole[:-1], b"", whole[:500] + bytes([whole[500] ^ 1]) + whole[501:], whole[:20]):
            path.write_bytes(damaged)
            caplog.clear()
            assert torch.equal(cached.encode(image).features, fresh)
            assert path.read_bytes() == whole
            assert "is damaged" in caplog.text

    def test_other_pixels_and_other_weights_do_not_share(self, cached: SegmentAnythingModel, tmp_path: Path) -> None:
        image = noise(96, 128)
        cached.encode(image)
        changed = image.copy()
        changed[50, 50] ^= 64
        cached.encode(changed)
        other = write_checkpoint(tmp_path, seed=1)
        SegmentAnythingModel(other, device="cpu", cache=EmbeddingCache(tmp_path / "cache")).encode(image)
        assert len(list((tmp_path / "cache").iterdir())) == 3

    def test_what_was_not_used_for_longest_goes(self, tmp_path: Path) -> None:
        import os

        array = np.ones((1, 4, 8, 8), np.float32)
        roomy = EmbeddingCache(tmp_path)
        for index in range(3):
            roomy.put(f"{index:x}", array)
            os.utime(tmp_path / f"{index:x}.embedding", (1000 + index, 1000 + index))
        size = (tmp_path / "0.embedding").stat().st_size
        assert roomy.get("0") is not None
        EmbeddingCache(tmp_path, limit=2 * size).put("f", array)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["0.embedding", "f.embedding"]

    def test_larger_than_the_limit_is_not_kept(self, tmp_path: Path) -> None:
        small = EmbeddingCache(tmp_path, limit=100)
        small.put("a", np.ones((1, 4, 8, 8), np.float32))
        assert small.get("a") is None

    def test_values_beyond_float16_stay_finite(self, tmp_path: Path) -> None:
        cache = EmbeddingCache(tmp_path)
        cache.put("a", np.array([1e6, -1e6, 0.5], np.float32))
        kept = cache.get("a")
        assert kept is not None and kept.tolist() == [65504, -65504, 0.5]

    def test_a_folder_that_cannot_be_written_costs_only_time(self, tmp_path: Path, caplog: Any) -> None:
        (tmp_path / "file").write_text("in the way")
        cache = EmbeddingCache(tmp_path / "file")
        cache.put("a", np.ones(3, np.float32))
        assert "cannot be written" in caplog.text
        assert cache.get("a") is None

    def test_keys_cannot_climb_out(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="in hex"):
            EmbeddingCache(tmp_path).get("../a")

    def test_leftovers_of_a_killed_process_go(self, tmp_path: Path) -> None:
        import os

        old, new = tmp_path / "a.1.part", tmp_path / "a.2.part"
        for part in (old, new):
            part.write_bytes(b"x")
        os.utime(old, (1000, 1000))
        EmbeddingCache(tmp_path).put("a", np.ones(3, np.float32))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.2.part", "a.embedding"]


class TestRegions:
    @pytest.mark.parametrize("max_overlap", [0.7, 1.0])
    @pytest.mark.parametrize(("height", "width"), [(96, 128), (128, 75)])
    def test_equal_the_packages(self, model: SegmentAnythingModel, height: int, width: int, max_overlap: float) -> None:
        image = noise(height, width, 3)
        thresholds = scores_of_a_grid(model, image)
        theirs = SamAutomaticMaskGenerator(
            build_sam(),
            points_per_side=8,
            points_per_batch=16,
            pred_iou_thresh=thresholds,
            stability_score_thresh=0.5,
            stability_score_offset=0.01,
            box_nms_thresh=max_overlap,
        ).generate(image)
        ours = propose(model, image, RegionSettings(8, 16, thresholds, 0.5, 0.01, max_overlap))
        assert len(theirs) >= (2 if max_overlap == 1 else 1), "the thresholds must leave something to compare"
        assert len(ours.masks) == len(theirs)
        for one, box, mask, score in zip(theirs, ours.boxes.astype(int), ours.masks, ours.scores, strict=True):
            whole = np.zeros((height, width), bool)
            whole[box[1] : box[3], box[0] : box[2]] = mask
            np.testing.assert_array_equal(whole, one["segmentation"])
            assert score == pytest.approx(min(one["predicted_iou"], 1), abs=1e-4)

    def test_large_pictures_give_masks_of_their_size(self, model: SegmentAnythingModel) -> None:
        image = noise(600, 800, 3)
        found = propose(model, image, RegionSettings(4, 16, scores_of_a_grid(model, image), 0.0, 0.01))
        assert len(found.masks)
        for box, mask in zip(found.boxes.astype(int), found.masks, strict=True):
            assert mask.shape == (box[3] - box[1], box[2] - box[0])
            assert mask[0].any() and mask[-1].any() and mask[:, 0].any() and mask[:, -1].any()
        assert found.boxes[:, 2].max() > 128

    def test_nothing_certain_gives_nothing(self, model: SegmentAnythingModel) -> None:
        found = propose(model, noise(96, 128), RegionSettings(2, 16, min_score=1e9))
        assert found.boxes.shape == (0, 4) and found.masks == () and found.scores.shape == (0,)


def scores_of_a_grid(model: SegmentAnythingModel, image: np.ndarray) -> float:
    """A threshold that half of the answers of random weights pass."""
    encoding = model.encode(image)
    height, width = image.shape[:2]
    points = np.random.default_rng(0).uniform(0, 1, (16, 1, 2)) * (width, height)
    return float(np.median(model.decode(encoding, points, np.ones((16, 1), bool))[1][:, 1:]))


class TestLoading:
    def load(self, path: Path) -> str:
        """The one-line error of a load that must fail."""
        with pytest.raises(ModelError) as raised:
            SegmentAnythingModel(path, device="cpu")
        assert raised.value.cure and raised.value.path == path
        text = str(raised.value)
        assert "\n" not in text and len(text) < 600 and str(path) in text
        return text

    @pytest.mark.parametrize(
        "sizes",
        [
            {"grid": 4, "depth": 1},
            {"grid": 6, "width": 48, "heads": 3, "depth": 3, "channels": 64},
            {"grid": 3, "heads": 4},
        ],
    )
    def test_the_architecture_is_read_off_the_tensors(self, tmp_path: Path, sizes: dict[str, int]) -> None:
        path = write_checkpoint(tmp_path, "sam_vit_h_misleading.pth", **sizes)
        model, predictor = SegmentAnythingModel(path, device="cpu"), SamPredictor(build_sam(**sizes))
        image = noise(50, 60)
        predictor.set_image(image)
        assert torch.equal(model.encode(image).features, predictor.features)

    @pytest.mark.parametrize("name", ["vit_b", "vit_l", "vit_h"])
    def test_the_published_architectures(self, name: str, tmp_path: Path) -> None:
        from segment_anything import sam_model_registry

        with torch.device("meta"):
            network = sam_model_registry[name]()
        found = find_architecture(network.state_dict(), tmp_path)
        width, depth, heads, everywhere = {
            "vit_b": (768, 12, 12, (2, 5, 8, 11)),
            "vit_l": (1024, 24, 16, (5, 11, 17, 23)),
            "vit_h": (1280, 32, 16, (7, 15, 23, 31)),
        }[name]
        assert (found.width, found.depth, found.heads, found.global_blocks) == (width, depth, heads, everywhere)
        assert (found.input_side, found.window, found.channels, found.mask_channels) == (1024, 14, 256, 16)
        assert (found.decoder_depth, found.decoder_mlp, found.decoder_rate, found.candidates) == (2, 2048, 2, 3)
        assert (found.score_depth, found.score_width, found.mlp_width) == (3, 256, 4 * width)

    def test_wrapped_and_half_and_safetensors(self, model: SegmentAnythingModel, weights: Path, tmp_path: Path) -> None:
        from safetensors.torch import save_file

        state = torch.load(weights, weights_only=True)
        image = noise(50, 60)
        wanted = model.encode(image).features
        wrapped, halved, safe = (tmp_path / name for name in ("a.pt", "b.pt", "c.safetensors"))
        torch.save({"epoch": 3, "model": {f"module.{name}": tensor for name, tensor in state.items()}}, wrapped)
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, safe)
        torch.save({name: tensor.half() for name, tensor in state.items()}, halved)
        assert torch.equal(SegmentAnythingModel(wrapped, device="cpu").encode(image).features, wanted)
        assert torch.equal(SegmentAnythingModel(safe, device="cpu").encode(image).features, wanted)
        assert (SegmentAnythingModel(halved, device="cpu").encode(image).features - wanted).abs().max() < 0.02

    def test_truncated_empty_and_garbage(self, weights: Path, tmp_path: Path) -> None:
        path = tmp_path / "sam_vit_b_01ec64.pth"
        for content in (weights.read_bytes()[:-5000], b"", b"<html>404</html>" * 100):
            path.write_bytes(content)
            assert "Download it again" in self.load(path)

    def test_missing(self, tmp_path: Path) -> None:
        assert "does not exist" in self.load(tmp_path / "none.pth")

    def test_other_tensors(self, weights: Path, tmp_path: Path) -> None:
        path = tmp_path / "other.pth"
        state = torch.load(weights, weights_only=True)
        torch.save({"fc.weight": torch.zeros(3, 3)}, path)
        assert "not those of Segment Anything" in self.load(path)
        torch.save([1, 2], path)
        assert "no state dict" in self.load(path)
        torch.save({**state, "mask_decoder.iou_token.weight": torch.zeros(1, 7)}, path)
        assert "do not fit together" in self.load(path)
        torch.save({name: t for name, t in state.items() if "neck.3" not in name}, path)
        assert "do not fit together" in self.load(path)

    def test_nothing_in_the_file_runs(self, tmp_path: Path) -> None:
        class Trap:
            def __reduce__(self) -> tuple[object, tuple[object, ...]]:
                return (Path.write_text, (tmp_path / "ran", "yes"))

        path = tmp_path / "trap.pth"
        torch.save({"image_encoder.pos_embed": Trap()}, path)
        self.load(path)
        assert not (tmp_path / "ran").exists()

    def test_memory_trouble_is_one_line(self, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        model = SegmentAnythingModel(weights, device="cpu")

        def scarce(*_: object) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

        monkeypatch.setattr(model._network.image_encoder, "forward", scarce)
        with pytest.raises(ModelError, match="does not fit in the device's memory"):
            model.encode(noise(50, 60))

    def test_the_catalogue_loads_it(self, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import platformdirs

        monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path)
        assert catalogue.available("sam-vit-b", weights=weights).ready
        assert "models pull sam-vit-l" in catalogue.available("sam-vit-l").cure
        loaded = catalogue.load("sam-vit-b", weights=weights, device="cpu")
        loaded.encode(noise(50, 60))
        assert len(list((tmp_path / "segment_anything").iterdir())) == 1
