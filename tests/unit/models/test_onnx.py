"""The onnx backend on tiny models: preprocessing, layouts, the way back to the picture, and every way a card can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.errors import ModelError
from annotator.models import catalogue
from annotator.models.boxes import overlap, suppress
from annotator.models.onnx.card import Activation, Axes, Card, Colours, Fit, Input, Layout, Output, Unit
from annotator.models.onnx.frames import Frame, prepare
from annotator.models.onnx.layouts import LayoutError, read
from annotator.models.onnx.model import OnnxModel
from tests.contracts.test_models import noise
from tests.onnx_models import write_constant, write_identity

INPUT = Input(width=64, height=48)
ROWS = np.array(  # centre, size, scores of cat and dog
    [[32, 24, 16, 8, 0.9, 0.1], [33, 24, 16, 8, 0.2, 0.8], [10, 10, 8, 8, 0.05, 0.1], [32, 25, 16, 8, 0.7, 0.0]],
    np.float32,
)


def write_card(folder: Path, text: str, name: str = "model.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def card_text(
    layout: str = "yolo", *, head: str = 'names = ["cat", "dog"]', more_input: str = "", more: str = ""
) -> str:
    return f'{head}\n[input]\nwidth = 64\nheight = 48\n{more_input}\n[output]\nlayout = "{layout}"\n{more}\n'


def constant_model(folder: Path, text: str, outputs: dict[str, np.ndarray], **options: Any) -> OnnxModel:
    write_constant(folder / "model.onnx", ("n", 3, 48, 64), outputs)
    return OnnxModel(write_card(folder, text), device="cpu", **options)


class TestFrames:
    @given(
        st.integers(1, 5000),
        st.integers(1, 5000),
        st.sampled_from(list(Fit)),
        st.integers(1, 700),
        st.integers(1, 700),
        st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4),
    )
    def test_boxes_come_back(self, width: int, height: int, fit: Fit, w: int, h: int, where: list[float]) -> None:
        frame = Frame.of(width, height, Input(width=w, height=h, fit=fit))
        box = np.array([where], np.float32) * np.float32([width, height, width, height])
        np.testing.assert_allclose(frame.to_picture(frame.to_input(box)), box, atol=max(width, height) * 1e-4)
        whole = frame.to_input(np.array([[0, 0, width, height]], np.float32))[0]
        assert whole[2] - whole[0] == pytest.approx(frame.inner[0]) and whole[3] - whole[1] == pytest.approx(
            frame.inner[1]
        )
        assert whole.min() >= 0 and whole[2] <= w and whole[3] <= h

    def test_where_a_picture_lies(self) -> None:
        card = Input(width=64, height=48)
        assert Frame.of(200, 100, card) == Frame(200, 100, (64, 32), 0, 8)
        corner = msgspec.structs.replace(card, fit=Fit.LETTERBOX_CORNER)
        assert Frame.of(100, 100, corner) == Frame(100, 100, (48, 48), 0, 0)
        stretch = msgspec.structs.replace(card, fit=Fit.STRETCH)
        assert Frame.of(100, 100, stretch) == Frame(100, 100, (64, 48), 0, 0)

    def test_normalisation_colours_and_axes(self) -> None:
        image = np.zeros((2, 4, 3), np.uint8)
        image[..., 0], image[..., 2] = 200, 100
        card = Input(
            width=4, height=4, fill=50, colours=Colours.BGR, scale=2.0, mean=(1.0, 2.0, 3.0), std=(1.0, 2.0, 4.0)
        )
        planes = prepare(image, Frame.of(4, 2, card), card)
        assert planes.shape == (3, 4, 4) and planes.dtype == np.float32 and planes.flags.c_contiguous
        assert (
            planes[0, 1, 0] == 100 / 2 - 1 and planes[1, 1, 0] == (0 - 2) / 2 and planes[2, 2, 3] == (200 / 2 - 3) / 4
        )
        assert planes[0, 0, 0] == 50 / 2 - 1 and planes[2, 3, 0] == (50 / 2 - 3) / 4
        last = msgspec.structs.replace(card, axes=Axes.NHWC)
        np.testing.assert_array_equal(prepare(image, Frame.of(4, 2, last), last), planes.transpose(1, 2, 0))

    @given(st.integers(3, 90), st.integers(3, 90), st.sampled_from(list(Fit)), st.integers(0, 10))
    def test_masks_come_back(self, width: int, height: int, fit: Fit, seed: int) -> None:
        """A half-plane drawn in the input is the same half-plane in the picture, to the pixel."""
        card = Input(width=60, height=40, fit=fit)
        frame = Frame.of(width, height, card)
        edge = np.random.default_rng(seed).integers(1, width)
        limit = frame.to_input(np.array([[edge, 0, edge, 0]], np.float32))[0, 0]
        # A ramp through one half at the edge: bilinear sampling of a linear field is exact.
        field = np.tile(0.5 + 0.001 * (limit - (np.arange(120) + 0.5) / 2), (80, 1)).astype(np.float32)
        mask = frame.cut_mask(field, card, (1, 1, width, height))
        assert mask.shape == (height - 1, width - 1)
        centres = np.arange(1, width) + 0.5
        np.testing.assert_array_equal(mask[0], centres < edge)


class TestSuppress:
    @given(st.integers(0, 40), st.floats(0, 1), st.integers(0, 1000), st.booleans())
    def test_what_stays_is_what_the_definition_says(
        self, count: int, threshold: float, seed: int, by_class: bool
    ) -> None:
        rng = np.random.default_rng(seed)
        corner, size = rng.uniform(0, 20, (count, 2)), rng.uniform(0, 15, (count, 2))
        boxes = np.concatenate([corner, corner + size], axis=1).astype(np.float32)
        scores, classes = rng.integers(0, 9, count).astype(np.float32), rng.integers(0, 2, count)
        kept: list[int] = []
        for index in sorted(range(count), key=lambda i: -scores[i]):
            rivals = [k for k in kept if not by_class or classes[k] == classes[index]]
            if all(overlap(boxes[k], boxes[index : index + 1])[0] <= threshold for k in rivals):
                kept.append(index)
        assert suppress(boxes, scores, threshold, classes if by_class else None).tolist() == kept

    def test_overlap(self) -> None:
        box = np.array([0, 0, 10, 10], np.float32)
        others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [3, 3, 3, 3]], np.float32)
        np.testing.assert_allclose(overlap(box, others), [1, 1 / 3, 0, 0], atol=1e-6)
        assert overlap(others[3], others[3:])[0] == 0


class TestLayouts:
    @pytest.mark.parametrize("turned", [False, True])
    def test_yolo(self, tmp_path: Path, turned: bool) -> None:
        model = constant_model(tmp_path, card_text(), {"out": ROWS.T if turned else ROWS})
        # 128 × 64 at half size is 64 × 32: 8 rows of padding above.
        found, again = model.detect([noise(64, 128), noise(64, 128, 1)])
        np.testing.assert_allclose(found.boxes, [[48, 24, 80, 40], [50, 24, 82, 40]], atol=1e-4)
        np.testing.assert_allclose(found.scores, [0.9, 0.8], atol=1e-6)
        assert found.classes.tolist() == [0, 1] and found.masks == ()
        np.testing.assert_array_equal(again.boxes, found.boxes)

    def test_class_agnostic(self, tmp_path: Path) -> None:
        model = constant_model(tmp_path, card_text(), {"out": ROWS}, class_agnostic=True)
        (found,) = model.detect([noise(64, 128)])
        assert list(model.names) == ["object"] and found.classes.tolist() == [0]
        np.testing.assert_allclose(found.boxes, [[48, 24, 80, 40]], atol=1e-4)

    def test_min_score_and_number(self, tmp_path: Path) -> None:
        (found,) = constant_model(tmp_path, card_text(), {"out": ROWS}, min_score=0.05).detect([noise(64, 128)])
        assert len(found.boxes) == 3
        (found,) = constant_model(tmp_path, card_text(more="max_boxes = 1"), {"out": ROWS}).detect([noise(64, 128)])
        assert len(found.boxes) == 1

    def test_objectness_and_sigmoid(self) -> None:
        card = Card(("a",), INPUT, Output(Layout.YOLO, objectness=True, min_score=0))
        rows = np.array([[8, 8, 4, 4, 0.5, 0.5]], np.float32)
        assert read(card, {"tensor": rows}).scores[0] == pytest.approx(0.25)
        raw = Card(("a",), INPUT, Output(Layout.YOLO, objectness=True, min_score=0, activation=Activation.SIGMOID))
        rows[0, 4:] = [0, np.log(3)]
        assert read(raw, {"tensor": rows}).scores[0] == pytest.approx(0.5 * 0.75)

    def test_yolo_grid(self) -> None:
        card = Card(("a",), Input(width=64, height=32), Output(Layout.YOLO_GRID, strides=(16, 32), objectness=True))
        rows = np.zeros((4 * 2 + 2, 6), np.float32)
        rows[6] = [0.5, 0.25, np.log(2), 0, 0.9, 1]  # column 2, row 1 of the cells of 16
        rows[9] = [0, 0.5, 0, 0, 0.8, 1]  # column 1, row 0 of the cells of 32
        found = read(card, {"tensor": rows})
        np.testing.assert_allclose(found.boxes, [[24, 12, 56, 28], [16, 0, 48, 32]], atol=1e-4)
        with pytest.raises(LayoutError, match="gives 9 cells where the strides"):
            read(card, {"tensor": rows[:9]})

    def test_fastestdet(self) -> None:
        card = Card(("a", "b"), Input(width=64, height=48), Output(Layout.FASTESTDET))
        grid = np.zeros((7, 3, 4), np.float32)
        sigmoid_quarter = -np.log(3)
        grid[:, 1, 2] = [0.8, np.arctanh(0.5), np.arctanh(-0.25), 0, sigmoid_quarter, 0.1, 0.9]
        found = read(card, {"tensor": grid})
        # Centre (2.5 / 4, .75 / 3), size (1 / 2, 1 / 4) of the input.
        np.testing.assert_allclose(found.boxes, [[40 - 16, 12 - 6, 40 + 16, 12 + 6]], atol=1e-4)
        assert found.classes.tolist() == [1]
        assert found.scores[0] == pytest.approx(0.8**0.6 * 0.9**0.4)

    def test_end_to_end_rows(self, tmp_path: Path) -> None:
        rows = np.array([[0, 8, 32, 24, 0.9, 2], [0, 8, 32, 24, 0.8, 7], [np.nan, 0, 1, 1, 0.9, 1]], np.float32)
        text = card_text("end_to_end", more='box = "xyxy"\nfirst_class = 1')
        (found,) = constant_model(tmp_path, text, {"out": rows}).detect([noise(64, 128)])
        np.testing.assert_allclose(found.boxes, [[0, 0, 64, 32]], atol=1e-4)
        assert found.classes.tolist() == [1]

    def test_end_to_end_tensors_with_masks(self, tmp_path: Path) -> None:
        field = np.zeros((2, 48, 64), np.float32)
        field[0, 10:20, 20:40], field[1] = 1, 1
        outputs = {
            "labels": np.array([0, 1], np.float32),
            "where": np.array([[20, 10, 40, 20], [0, 8, 8, 16]], np.float32) / np.float32([64, 48, 64, 48]),
            "sure": np.array([0.9, 0.3], np.float32),
            "shapes": field[:, None],
        }
        names = 'tensor = "where"\nscores = "sure"\nclasses = "labels"\nmasks = "shapes"'
        text = card_text("end_to_end", more=f'box = "xyxy"\nunit = "{Unit.RELATIVE}"\n{names}')
        (found,) = constant_model(tmp_path, text, outputs).detect([noise(64, 128)])
        np.testing.assert_allclose(found.boxes, [[40, 4, 80, 24], [0, 0, 16, 16]], atol=1e-4)
        assert [mask.shape for mask in found.masks] == [(20, 40), (16, 16)]
        assert all(mask.all() for mask in found.masks)

    def test_prototypes_make_masks(self, tmp_path: Path) -> None:
        rows = np.concatenate([ROWS[:1], [[2, -1]]], axis=1).astype(np.float32)
        prototypes = np.full((2, 24, 32), 1, np.float32)
        prototypes[1, :, 16:] = 5  # 2 − 1 > 0 to the left, 2 − 5 < 0 to the right of the middle
        text = card_text(more='tensor = "out"\nprototypes = "shapes"')
        (found,) = constant_model(tmp_path, text, {"out": rows, "shapes": prototypes}).detect([noise(64, 128)])
        np.testing.assert_allclose(found.boxes, [[48, 24, 80, 40]], atol=1e-4)
        (mask,) = found.masks
        assert mask.shape == (16, 32) and mask[:, :15].all() and not mask[:, 17:].any()

    def test_semantic_parts_are_where_they_were_painted(self, tmp_path: Path) -> None:
        """The model gives back its input: every step from the picture to the mask is checked at once."""
        write_identity(tmp_path / "model.onnx", (2, 3, 48, 64))
        text = card_text("semantic", head='names = ["red", "green", "blue"]', more="background = 1\nmin_score = 0.5")
        model = OnnxModel(write_card(tmp_path, text), device="cpu")
        image = np.zeros((96, 128, 3), np.uint8)
        image[..., 1] = 255
        image[10:30, 20:60] = (255, 0, 0)
        image[60:90, 70:128] = (0, 0, 255)
        image[40:50, 0:10] = (0, 0, 255)
        # Three pictures through a model that takes two at a time.
        for found in model.detect([image, image, image]):
            order = np.argsort(found.boxes[:, 1])
            np.testing.assert_allclose(
                found.boxes[order], [[20, 10, 60, 30], [0, 40, 10, 50], [70, 60, 128, 90]], atol=1e-4
            )
            assert found.classes[order].tolist() == [0, 2, 2]
            assert [found.masks[i].shape for i in order] == [(20, 40), (10, 10), (30, 58)]
            assert all(mask.all() for mask in found.masks)

    def test_softmax(self) -> None:
        card = Card(("a", "b"), INPUT, Output(Layout.SEMANTIC, activation=Activation.SOFTMAX, min_score=0))
        field = np.zeros((2, 6, 8), np.float32)
        field[0] = np.log(3)
        assert read(card, {"tensor": field}).scores[0] == pytest.approx(0.75)


class TestCards:
    def fail(self, path: Path) -> str:
        """The one-line error of a load that must fail."""
        with pytest.raises(ModelError) as raised:
            OnnxModel(path, device="cpu")
        assert raised.value.cure and raised.value.path is not None
        text = str(raised.value)
        assert "\n" not in text and len(text) < 500
        return text

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        write_constant(tmp_path / "model.onnx", ("n", 3, 48, 64), {"out": ROWS})
        return tmp_path

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            (card_text().replace("64", '"wide"'), "input.width"),
            (card_text().replace("64", "0"), "input.width"),
            (card_text("yolov99"), "output.layout"),
            (card_text(more_input="colors = 'bgr'"), "`colors`"),
            (card_text(head="names = []"), "names"),
            (card_text(head='names = ["a", "a"]'), "'a' stands there twice"),
            (card_text(head=""), "names"),
            (card_text(more_input="std = 0.5"), "input.std"),
            (card_text(more_input="std = [0.0]"), "input.std"),
            (card_text(more_input="mean = [0.1, 0.2]"), "input.mean"),
            (card_text(more="min_score = 1.5"), "output.min_score"),
            (card_text("yolo_grid", more="strides = [8, 5]"), "output.strides"),
            (card_text(head='names = ["a"]\nfile = "../model.onnx"'), "`file`"),
            ("names = [}", "line 1"),
            ("", "names"),
        ],
    )
    def test_a_wrong_card_names_file_and_place(self, folder: Path, text: str, place: str) -> None:
        path = write_card(folder, text)
        message = self.fail(path)
        assert str(path) in message and place in message

    def test_bytes_that_are_no_text(self, folder: Path) -> None:
        (folder / "model.toml").write_bytes(b"\xff\xfe\x00")
        assert "model.toml" in self.fail(folder / "model.onnx")

    def test_missing_files(self, folder: Path) -> None:
        assert "docs/models.md" in self.fail(folder / "model.onnx")
        write_card(folder, card_text(head='names = ["cat", "dog"]\nfile = "other.onnx"'))
        assert "other.onnx" in self.fail(folder / "model.toml")

    def test_model_or_card_may_be_given(self, folder: Path) -> None:
        write_card(folder, card_text())
        by_model, by_card = (OnnxModel(folder / name, device="cpu") for name in ("model.onnx", "model.toml"))
        assert by_model.info == by_card.info and by_model.input_side == 64
        (folder / "model.onnx").rename(folder / "other.onnx")
        write_card(folder, card_text(head='names = ["cat", "dog"]\nfile = "other.onnx"'))
        assert OnnxModel(folder / "model.toml", device="cpu").info.version == by_model.info.version

    def test_damaged_models(self, folder: Path) -> None:
        write_card(folder, card_text())
        whole = (folder / "model.onnx").read_bytes()
        for content in (b"", b"<html>404</html>", whole[: len(whole) // 2]):
            (folder / "model.onnx").write_bytes(content)
            assert "model.onnx" in self.fail(folder / "model.toml")

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            (card_text().replace("64", "32"), "its input is"),
            (card_text(more_input='axes = "nhwc"'), "its input is"),
            (card_text(more='tensor = "boxes"'), "no output 'boxes', only out"),
            (card_text("end_to_end", more='scores = "out"'), "output.classes"),
        ],
    )
    def test_a_model_that_does_not_fit_its_card(self, folder: Path, text: str, what: str) -> None:
        assert what in self.fail(write_card(folder, text))

    @pytest.mark.parametrize(
        "text",
        [
            card_text(head='names = ["a", "b", "c"]'),
            card_text("fastestdet"),
            card_text("semantic"),
            card_text("end_to_end", head='names = ["a"]', more='tensor = "out"\nscores = "out"\nclasses = "out"'),
            card_text("end_to_end", more='masks = "out"'),
        ],
    )
    def test_outputs_that_do_not_fit_say_so_when_they_come(self, folder: Path, text: str) -> None:
        model = OnnxModel(write_card(folder, text), device="cpu")
        with pytest.raises(ModelError, match=r"model\.onnx does not fit its card") as raised:
            model.detect([noise(20, 20)])
        assert "(4, 6)" in str(raised.value) or "boxes" in str(raised.value)

    def test_the_catalogue_loads_it(self, folder: Path) -> None:
        write_card(folder, card_text())
        assert "Give the file" in catalogue.available("onnx").cure
        assert catalogue.available("onnx", weights=folder / "model.onnx").ready
        model = catalogue.load("onnx", weights=folder / "model.onnx", device="cpu")
        assert list(model.names) == ["cat", "dog"] and model.info.device == "cpu"


def test_the_docs_name_every_key_and_layout() -> None:
    text = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")
    keys = {key for struct in (Card, Input, Output) for key in struct.__struct_fields__}
    assert [
        key for key in sorted(keys) if f"{key}`" not in text and f"{key} =" not in text and f"[{key}]" not in text
    ] == []
    assert [layout for layout in Layout if f"`{layout}`" not in text] == []
