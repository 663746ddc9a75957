"""The shipped segmenter on generated pictures: what prompts mean, shapes, bad input, and what it may cost."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotator.errors import ModelError
from annotator.models.embedded import assets, edges
from annotator.models.embedded.crops import GRID_SIDE, Window, move_map, prompt_maps
from annotator.models.embedded.decoder import EmbeddedSegmenter, Encoding
from annotator.models.embedded.decoder_scores import clicks_needed, error_click, iou
from annotator.models.protocols import Candidates, PromptSegmenter

NO_POINTS = np.zeros((0, 2), np.float32)
NO_LABELS = np.zeros(0, np.bool_)


@pytest.fixture(scope="module")
def segmenter() -> EmbeddedSegmenter:
    return EmbeddedSegmenter(threads=1)


def disk(height: int, width: int, x: float, y: float, radius: float) -> np.ndarray:
    """Pixels whose centres lie in the disk."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


def picture(*shapes: tuple[np.ndarray, tuple[int, int, int]], seed: int = 0) -> np.ndarray:
    """Coloured shapes on a green-grey ground with a little noise."""
    height, width = shapes[0][0].shape
    canvas = np.full((height, width, 3), (96, 128, 88), np.float32)
    for mask, colour in shapes:
        canvas[mask] = colour
    canvas = cv2.GaussianBlur(canvas, (0, 0), 0.7)
    noise = np.random.default_rng(seed).normal(0, 5, canvas.shape)
    return (canvas + noise).clip(0, 255).astype(np.uint8)


def click(
    segmenter: EmbeddedSegmenter, encoding: Encoding, *points: tuple[float, float, bool], **others: object
) -> Candidates:
    xy = np.array([(x, y) for x, y, _ in points], np.float32).reshape(-1, 2)
    labels = np.array([positive for *_, positive in points], np.bool_)
    return segmenter.segment(encoding, xy, labels, **others)  # type: ignore[arg-type]


class TestPrompts:
    @pytest.mark.parametrize(("x", "y", "radius"), [(150, 110, 60), (90, 140, 45), (230, 90, 35)])
    def test_a_click_on_a_clear_disk_finds_it(
        self, segmenter: EmbeddedSegmenter, x: float, y: float, radius: float
    ) -> None:
        truth = disk(240, 320, x, y, radius)
        found = click(segmenter, segmenter.encode(picture((truth, (200, 60, 50)))), (x, y, True))
        assert iou(found.masks[0], truth) > 0.8

    def test_a_box_finds_the_disk_in_it_and_not_its_twin(self, segmenter: EmbeddedSegmenter) -> None:
        one, twin = disk(240, 320, 90, 120, 45), disk(240, 320, 230, 120, 45)
        encoding = segmenter.encode(picture((one, (200, 60, 50)), (twin, (200, 60, 50))))
        found = segmenter.segment(encoding, NO_POINTS, NO_LABELS, np.array([45, 75, 135, 165], np.float32))
        assert iou(found.masks[0], one) > 0.85
        assert not (found.masks[0] & twin).any()

    def test_a_negative_click_removes_its_part(self, segmenter: EmbeddedSegmenter) -> None:
        left, right = disk(240, 320, 110, 120, 50), disk(240, 320, 200, 120, 45)
        right &= ~left
        encoding = segmenter.encode(picture((left, (200, 60, 50)), (right, (70, 70, 200))))
        both = np.array([60, 70, 245, 170], np.float32)
        before = segmenter.segment(encoding, NO_POINTS, NO_LABELS, both)
        after = click(segmenter, encoding, (110, 120, True), (210, 120, False), box=both, previous=before.states[0])
        assert not after.masks[0][120, 210] and after.masks[0][120, 110]
        assert (before.masks[0] & right).sum() > 0.5 * right.sum()
        assert (after.masks[0] & right).sum() < 0.2 * right.sum()
        assert (after.masks[0] & left).sum() > 0.8 * left.sum()

    def test_a_further_click_adds_its_part(self, segmenter: EmbeddedSegmenter) -> None:
        left, right = disk(240, 320, 90, 120, 40), disk(240, 320, 220, 120, 40)
        encoding = segmenter.encode(picture((left, (200, 60, 50)), (right, (70, 70, 200))))
        first = click(segmenter, encoding, (90, 120, True))
        second = click(segmenter, encoding, (90, 120, True), (220, 120, True), previous=first.states[0])
        assert not first.masks[0][120, 220]
        assert second.masks[0][120, 220] and second.masks[0][120, 90]

    def test_every_candidate_obeys_the_clicks(self, segmenter: EmbeddedSegmenter) -> None:
        image = np.random.default_rng(3).integers(0, 256, (200, 260, 3), np.uint8)
        clicks = ((60.5, 60.5, True), (180.5, 100.5, True), (120.5, 150.5, False), (30.5, 170.5, False))
        found = click(segmenter, segmenter.encode(image), *clicks)
        for mask in found.masks:
            assert [bool(mask[int(y), int(x)]) for x, y, _ in clicks] == [positive for *_, positive in clicks]

    def test_a_mask_can_be_the_start(self, segmenter: EmbeddedSegmenter) -> None:
        truth = disk(240, 320, 150, 110, 60)
        encoding = segmenter.encode(picture((truth, (200, 60, 50))))
        rough = disk(240, 320, 165, 118, 55)
        found = segmenter.segment(encoding, NO_POINTS, NO_LABELS, previous=rough)
        assert iou(found.masks[0], truth) > max(0.85, iou(rough, truth))

    def test_a_box_given_backwards_is_the_same_box(self, segmenter: EmbeddedSegmenter) -> None:
        truth = disk(240, 320, 150, 110, 60)
        encoding = segmenter.encode(picture((truth, (200, 60, 50))))
        masks = [
            segmenter.segment(encoding, NO_POINTS, NO_LABELS, np.array(box, np.float32)).masks[0]
            for box in ([90, 50, 210, 170], [210, 170, 90, 50])
        ]
        np.testing.assert_array_equal(*masks)

    def test_refining_draws_the_edge_to_the_image(self, segmenter: EmbeddedSegmenter) -> None:
        truth = disk(240, 320, 150, 110, 60)
        encoding = segmenter.encode(picture((truth, (200, 60, 50))))
        rough = disk(240, 320, 152, 111, 58)
        sharp = segmenter.refine(encoding, rough, NO_POINTS, NO_LABELS)
        assert iou(sharp, truth) > 0.98 > iou(rough, truth)
        empty = np.zeros_like(rough)
        assert not segmenter.refine(encoding, empty, NO_POINTS, NO_LABELS).any()


class TestCandidates:
    def test_shapes_and_scores(self, segmenter: EmbeddedSegmenter) -> None:
        assert isinstance(segmenter, PromptSegmenter)
        image = picture((disk(101, 77, 40, 50, 20), (200, 60, 50)))
        found = segmenter.segment(segmenter.encode(image), NO_POINTS, NO_LABELS, np.array([18, 28, 62, 72], np.float32))
        count = len(found.masks)
        assert 2 <= count <= 3
        assert found.masks.dtype == np.bool_ and found.masks.shape == (count, 101, 77)
        assert found.scores.shape == (count,) and len(found.states) == count
        assert found.scores.min() > 0 and found.scores.max() <= 1

    @pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 500), (500, 3), (37, 41), (225, 301)])
    def test_any_size(self, segmenter: EmbeddedSegmenter, height: int, width: int) -> None:
        image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        encoding = segmenter.encode(image)
        by_click = click(segmenter, encoding, (width / 2, height / 2, True))
        by_box = segmenter.segment(encoding, NO_POINTS, NO_LABELS, np.array([0, 0, width, height], np.float32))
        for found in (by_click, by_box):
            assert found.masks.shape[1:] == (height, width) and np.isfinite(found.scores).all()
        assert segmenter.refine(encoding, by_box.masks[0], NO_POINTS, NO_LABELS).shape == (height, width)

    def test_an_even_image_is_answered(self, segmenter: EmbeddedSegmenter) -> None:
        image = np.full((300, 300, 3), 250, np.uint8)
        found = segmenter.segment(segmenter.encode(image), NO_POINTS, NO_LABELS, np.array([1, 1, 299, 299], np.float32))
        click(segmenter, segmenter.encode(image), (150, 150, True))
        assert np.isfinite(found.scores).all()

    def test_the_same_prompt_gives_the_same_bits(self, segmenter: EmbeddedSegmenter) -> None:
        image = picture((disk(240, 320, 150, 110, 60), (200, 60, 50)))
        expected = click(segmenter, segmenter.encode(image), (150, 110, True))
        shared = segmenter.encode(image)
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: click(segmenter, shared, (150, 110, True)), range(8)):
                np.testing.assert_array_equal(found.masks, expected.masks)
                np.testing.assert_array_equal(found.scores, expected.scores)

    def test_states_survive_a_trip_to_another_process(self, segmenter: EmbeddedSegmenter) -> None:
        encoding = segmenter.encode(picture((disk(240, 320, 150, 110, 60), (200, 60, 50))))
        state = click(segmenter, encoding, (150, 110, True)).states[0]
        clicks = ((150, 110, True), (30, 30, False))
        here = click(segmenter, encoding, *clicks, previous=state)
        there = click(segmenter, encoding, *clicks, previous=pickle.loads(pickle.dumps(state)))
        np.testing.assert_array_equal(here.masks, there.masks)

    def test_features_of_few_windows_are_kept(self, segmenter: EmbeddedSegmenter) -> None:
        encoding = segmenter.encode(picture((disk(240, 320, 150, 110, 60), (200, 60, 50))))
        for left in range(0, 240, 12):
            segmenter.segment(encoding, NO_POINTS, NO_LABELS, np.array([left, 60, left + 70, 140], np.float32))
        assert len(encoding.maps) <= 8


class TestBadPrompts:
    @pytest.mark.parametrize(
        ("points", "labels", "box", "message"),
        [
            (NO_POINTS, NO_LABELS, None, "needs a box"),
            ([[5, 5]], [False], None, "needs a box"),
            ([[5, np.nan]], [True], None, "not finite"),
            ([[5, 5]], [True, False], None, "expected points"),
            ([5, 5], [True], None, "expected points"),
            (NO_POINTS, NO_LABELS, [0, 0, np.inf, 5], "finite box"),
            (NO_POINTS, NO_LABELS, [0, 0, 5], "finite box"),
            (NO_POINTS, NO_LABELS, [10, 10, 10.2, 30], "less than a pixel"),
            (NO_POINTS, NO_LABELS, [100, 10, 130, 30], "less than a pixel"),
        ],
    )
    def test_are_refused(
        self, segmenter: EmbeddedSegmenter, points: object, labels: object, box: object, message: str
    ) -> None:
        encoding = segmenter.encode(np.zeros((40, 40, 3), np.uint8))
        with pytest.raises(ValueError, match=message):
            segmenter.segment(
                encoding,
                np.array(points, np.float32),
                np.array(labels, np.bool_),
                None if box is None else np.array(box, np.float32),
            )

    def test_other_things_are_refused(self, segmenter: EmbeddedSegmenter) -> None:
        with pytest.raises(ValueError, match="RGB"):
            segmenter.encode(np.zeros((40, 40), np.uint8))
        with pytest.raises(ValueError, match="Encoding"):
            segmenter.segment(object(), NO_POINTS, NO_LABELS)
        encoding = segmenter.encode(np.zeros((40, 40, 3), np.uint8))
        with pytest.raises(ValueError, match="previous"):
            segmenter.segment(encoding, NO_POINTS, NO_LABELS, previous=np.zeros((4, 4), np.bool_))
        with pytest.raises(ValueError, match="needs a box"):
            segmenter.segment(encoding, NO_POINTS, NO_LABELS, previous=np.zeros((40, 40), np.bool_))
        with pytest.raises(ValueError, match="expected a mask"):
            segmenter.refine(encoding, np.zeros((4, 4), np.bool_), NO_POINTS, NO_LABELS)


class TestCost:
    def test_a_small_thing_on_twelve_megapixels_is_found(self, segmenter: EmbeddedSegmenter) -> None:
        image = np.full((3000, 4000, 3), 110, np.uint8)
        cv2.circle(image, (3000, 1000), 200, (200, 60, 50), -1)
        encoding = segmenter.encode(image)
        box = np.array([2795, 795, 3205, 1205], np.float32)
        state = segmenter.segment(encoding, NO_POINTS, NO_LABELS, box).states[0]
        found = click(segmenter, encoding, (3000.5, 1000.5, True), box=box, previous=state)
        assert iou(found.masks[0], disk(3000, 4000, 3000.5, 1000.5, 200)) > 0.9
        # A small thing on a large image: the square must find it and close in.
        assert iou(click(segmenter, encoding, (3000, 1000, True)).masks[0], found.masks[0]) > 0.8

    def test_running_imports_neither_torch_nor_onnx(self) -> None:
        script = """
import sys
import annotator.models.embedded.decoder
early = sorted({'onnxruntime', 'torch', 'onnx'} & set(sys.modules))
assert not early, early
import numpy as np
from annotator.models.embedded.decoder import EmbeddedSegmenter
segmenter = EmbeddedSegmenter(threads=1)
encoding = segmenter.encode(np.zeros((40, 50, 3), np.uint8))
found = segmenter.segment(encoding, np.array([[9, 9]], np.float32), np.array([True]))
segmenter.refine(encoding, found.masks[0], np.array([[9, 9]], np.float32), np.array([True]))
late = sorted({'torch', 'onnx'} & set(sys.modules))
assert not late, late
"""
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class TestFiles:
    def test_weights_are_small(self) -> None:
        assert assets.DECODER_FILE.stat().st_size < 1_000_000
        assert assets.DECODER_GRAPH.stat().st_size < 50_000

    def test_bad_files_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"missing\.safetensors cannot be read"):
            EmbeddedSegmenter(tmp_path / "missing.safetensors")
        broken = tmp_path / "broken.safetensors"
        broken.write_bytes(assets.DECODER_FILE.read_bytes()[:1000])
        with pytest.raises(ModelError, match="broken"):
            EmbeddedSegmenter(broken)
        with pytest.raises(ModelError, match="another model"):
            EmbeddedSegmenter(assets.BRIDGE_FILE)

    def test_the_graph_computes_what_was_trained(self) -> None:
        torch = pytest.importorskip("torch")
        pytest.importorskip("onnx")
        from safetensors.numpy import load_file

        from annotator.models.embedded import decoder_graph
        from annotator.models.embedded.decoder import load_decoder
        from annotator.models.embedded.decoder_training import DILATIONS, NORM_GROUPS, DecoderNetwork

        weights = {name: values.astype(np.float32) for name, values in load_file(assets.DECODER_FILE).items()}
        built = decoder_graph.build(weights, dilations=DILATIONS, norm_groups=NORM_GROUPS)
        assert built == assets.DECODER_GRAPH.read_bytes()
        network = DecoderNetwork()
        network.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
        generator = np.random.default_rng(0)
        names, sizes = ("s4", "s8", "s16", "s32", "prompts"), ((24, 64), (40, 32), (112, 16), (320, 8), (4, 64))
        feeds = {
            name: generator.normal(size=(2, channels, side, side)).astype(np.float32)
            for name, (channels, side) in zip(names, sizes, strict=True)
        }
        with torch.no_grad():
            expected = network(*(torch.from_numpy(feeds[name]) for name in names)).numpy()
        session, _ = load_decoder(assets.DECODER_FILE, threads=1)
        (logits,) = session.run(["logits"], feeds)
        np.testing.assert_allclose(logits, expected, atol=1e-3 * np.abs(expected).max())


class TestParts:
    def test_a_window_cuts_and_fills(self) -> None:
        image = np.arange(30, dtype=np.uint8).reshape(5, 6)
        cut = Window(-1, 3, 4).cut(image, fill=99)
        np.testing.assert_array_equal(cut, [[99, 18, 19, 20], [99, 24, 25, 26], [99] * 4, [99] * 4])

    def test_prompts_are_drawn_where_they_are(self) -> None:
        window = Window(100, 200, 128)
        points = np.array([[101, 201], [227, 327]], np.float32)
        maps = prompt_maps(window, (116, 232, 148, 296), points, np.array([True, False]), None)
        assert maps[0, 16:48, 8:24].min() == 1 and maps[0].sum() == pytest.approx(32 * 16)
        assert maps[1, 0, 0] == 1 and maps[1, 4:].sum() == 0 == maps[1, :, 4:].sum()
        assert maps[2, 63, 63] == 1 and maps[2, :60].sum() == 0
        assert not maps[3].any()

    def test_a_map_moves_with_its_window(self) -> None:
        values = np.zeros((GRID_SIDE, GRID_SIDE), np.float32)
        values[16:32, 16:32] = 1
        moved = move_map(values, Window(0, 0, 64), Window(16, 16, 16))
        assert moved[2:-2, 2:-2].min() == 1
        assert move_map(values, Window(0, 0, 64), Window(32, 32, 64))[1:].sum() == 0
        assert move_map(values, Window(0, 0, 64), Window(500, 500, 64)).sum() == 0

    def test_the_walk_stops_at_edges_and_keeps_clicks(self) -> None:
        image = np.full((128, 128, 3), 60, np.uint8)
        image[:, 66:] = (220, 200, 180)
        slope = np.clip(0.5 + (64 - np.arange(128, dtype=np.float32)) / 24, 0.02, 0.98)
        guess = np.tile(slope, (128, 1))
        walked = edges.smooth(guess, image, NO_POINTS, NO_LABELS)
        np.testing.assert_array_equal(walked > 0.5, np.tile(np.arange(128) < 66, (128, 1)))
        clicked = edges.smooth(guess, image, np.array([[100, 64]], np.float32), np.array([True]))
        assert clicked[64, 100] > 0.5

    def test_the_next_click_goes_into_the_largest_error(self) -> None:
        truth, guess = np.zeros((40, 60), np.float32), np.zeros((40, 60), np.float32)
        truth[5:15, 5:15] = 1
        guess[20:36, 30:46] = 1
        x, y, positive = error_click(truth, guess)
        assert not positive and abs(x - 38) < 2 and abs(y - 28) < 2
        x, y, positive = error_click(truth, np.zeros_like(guess))
        assert positive and abs(x - 10) < 2 and abs(y - 10) < 2

    def test_clicks_are_counted_after_the_box(self) -> None:
        assert clicks_needed((0.9,), boxed=True) == 0
        assert clicks_needed((0.9,), boxed=False) == 1
        assert clicks_needed((0.5, 0.6, 0.86), boxed=True) == 2
        assert clicks_needed((0.5,) * 11, boxed=True) == 10
