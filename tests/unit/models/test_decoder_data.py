"""What the shipped segmenter learns from, and that both sets of weights come with the list of their photos."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotator.errors import UsageError
from annotator.models import catalogue
from annotator.models.embedded import assets, train_decoder
from annotator.models.embedded.crops import CROP_SIDE, GRID_SIDE
from annotator.models.embedded.decoder_data import (
    COMMERCIAL,
    LEAST_AREA,
    MEDIUM_AREA,
    licence_table,
    make_samples,
    read_photos,
)
from annotator.models.embedded.decoder_training import Features
from annotator.models.embedded.encoder import FEATURE_CHANNELS
from annotator.models.embedded.train_decoder import (
    UNBOXED_SHARE,
    Course,
    draw_weights,
    folds_of,
    serialise_weights,
    usable,
)

MOST_BYTES = 1_000_000
SETS = ("prompt_decoder", "prompt_decoder_commercial")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos of noise, each with a large square and, the last, a thin bar, in COCO128's layout."""
    images, labels = tmp_path / "images" / "train", tmp_path / "instance_segmentation" / "labels" / "train"
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(3):
        pixels = rng.integers(0, 90, (160, 200, 3)).astype(np.uint8)
        pixels[40:120, 50:130] += np.uint8(120)
        assert cv2.imwrite(str(images / f"{number}.jpg"), pixels)
        lines = ["0 .25 .25 .65 .25 .65 .75 .25 .75"] + ["1 .1 .9 .9 .9 .9 .95 .1 .95"] * (number == 2)
        (labels / f"{number}.txt").write_text("\n".join(lines), encoding="ascii")
    (tmp_path / "licences.csv").write_text(
        "file_name,licence,licence_url,photo_url\n"
        "0.jpg,Attribution License,http://l,http://p\n"
        "1.jpg,Attribution-NonCommercial License,http://l,http://p\n",
        encoding="utf-8",
    )
    return tmp_path


def test_polygons_become_masks_and_licences_are_known(folder: Path) -> None:
    photos = read_photos(folder)
    assert [photo.name for photo in photos] == ["0.jpg", "1.jpg", "2.jpg"]
    assert [photo.commercial for photo in photos] == [True, False, False]
    (mask,) = photos[0].masks
    assert mask[40:120, 50:130].all()
    assert mask.sum() <= 82 * 82
    assert licence_table(folder, photos).splitlines()[1:] == [
        "0.jpg,Attribution License,http://l,http://p",
        "1.jpg,Attribution-NonCommercial License,http://l,http://p",
        "2.jpg,unknown,,",
    ]
    with pytest.raises(UsageError, match="labels/train"):
        read_photos(folder / "images")


def test_every_sample_shows_its_object_and_names_its_photos(folder: Path) -> None:
    photos = read_photos(folder)
    samples = make_samples(photos, 1, crops=2, compositions=6, drawings=4)
    kinds = [sample.kind for sample in samples]
    assert kinds.count("composition") == 6
    assert kinds.count("drawing") == 4
    large = sum(mask.sum() >= MEDIUM_AREA for photo in photos for mask in photo.masks)
    small = sum(len(photo.masks) for photo in photos) - large
    assert kinds.count("photo") == 4 * large + 2 * small
    for sample in samples:
        assert sample.pixels.shape == (CROP_SIDE, CROP_SIDE, 3)
        assert sample.mask.shape == (GRID_SIDE, GRID_SIDE)
        assert sample.mask.max() > 0.5
        assert 0 <= sample.mask.min() <= sample.mask.max() <= 1
        assert 1 <= len(sample.photos) <= 2
        if sample.box is not None:
            x1, y1, x2, y2 = sample.box
            rows, columns = np.nonzero(sample.mask > 0.5)
            assert x1 - 6 < columns.mean() < x2 + 6
            assert y1 - 6 < rows.mean() < y2 + 6
    again = make_samples(photos, 1, crops=2, compositions=6, drawings=4)
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(samples, again, strict=True))


def test_a_fold_never_sees_any_part_of_a_photo_that_is_left_out(folder: Path) -> None:
    photos = read_photos(folder)
    samples = make_samples(photos, 1, crops=1, compositions=12, drawings=3)
    folds = folds_of(photos, 3, 0)
    assert sorted(folds.tolist()) == [0, 1, 2]
    for out in range(3):
        rows = usable(samples, {0, 1, 2} - {out})
        assert len(rows)
        assert all(out not in samples[row].photos for row in rows)
        assert any(out in samples[row].photos for row in set(range(len(samples))) - set(rows.tolist()))
        expected = [1.0 if samples[row].box is not None else UNBOXED_SHARE for row in rows]
        assert draw_weights(samples, rows).tolist() == pytest.approx(expected)
    assert LEAST_AREA < MEDIUM_AREA


def test_a_composition_shows_what_is_left_of_its_object_behind_another(folder: Path) -> None:
    photos = read_photos(folder)
    made = [one for one in make_samples(photos, 2, crops=1, compositions=60, drawings=0) if one.kind == "composition"]
    assert len(made) == 60
    # Squares turned by at most 25 degrees fill .56 of the box around them: only another in front leaves less than a half.
    fullness = [float((one.mask > 0.5).sum() / (_extent(one.mask) + 1)) for one in made if one.box is not None]
    assert min(fullness) < 0.5 < max(fullness)


def _extent(mask: np.ndarray) -> int:
    """Cells in the smallest upright box around a mask."""
    rows, columns = np.nonzero(mask > 0.5)
    return int((np.ptp(rows) + 1) * (np.ptp(columns) + 1)) if len(rows) else 0


def test_weights_once_trained_are_taken_from_the_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = read_photos(folder)
    samples = make_samples(photos, 3, crops=1, compositions=2, drawings=0)
    generator = np.random.default_rng(0)
    maps = {
        stride: generator.normal(size=(len(samples), width, CROP_SIDE // stride, CROP_SIDE // stride)).astype(
            np.float16
        )
        for stride, width in FEATURE_CHANNELS.items()
    }
    features = Features(maps, {stride: np.ones(width, np.float32) for stride, width in FEATURE_CHANNELS.items()}, "a")
    course = Course(photos, samples, features, 2, 0, tmp_path / "kept")
    first, other = course.fit({0}), course.fit({1})
    assert serialise_weights(first) != serialise_weights(other)
    assert len(list((tmp_path / "kept").iterdir())) == 2

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(train_decoder, "train", refuse)
    assert serialise_weights(course.fit({0})) == serialise_weights(first)
    with pytest.raises(AssertionError, match="trained again"):
        Course(photos, samples, features, 3, 0, tmp_path / "kept").fit({0})


@pytest.mark.parametrize("name", SETS)
def test_weights_are_small_and_list_their_photos_with_licences(name: str) -> None:
    weights = assets.MODELS_FOLDER / f"{name}.safetensors"
    assert weights.stat().st_size < MOST_BYTES
    card = weights.with_suffix(".md").read_text(encoding="utf-8")
    with weights.with_suffix(".licences.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert f"{len(rows)} photos" in card
    assert weights.with_suffix(".licences.csv").name in card
    assert all(row["file_name"] and row["licence"] and row["licence_url"] for row in rows)
    if "commercial" in name:
        assert {row["licence"] for row in rows} <= COMMERCIAL
    else:
        assert not {row["licence"] for row in rows} <= COMMERCIAL


def test_either_set_can_be_chosen_by_name() -> None:
    versions = set()
    for model_id in ("embedded-segmenter", "embedded-segmenter-commercial"):
        segmenter = catalogue.load(model_id, device="cpu")
        pixels = np.full((120, 160, 3), 90, np.uint8)
        cv2.circle(pixels, (80, 60), 30, (200, 60, 50), -1)
        nothing = np.zeros((0, 2), np.float32), np.zeros(0, np.bool_)
        found = segmenter.segment(segmenter.encode(pixels), *nothing, np.array([48, 28, 112, 92], np.float32))
        inside = np.hypot(*np.mgrid[-59.5:60.5, -79.5:80.5]) <= 30
        assert (found.masks[0] & inside).sum() / (found.masks[0] | inside).sum() > 0.8
        versions.add(segmenter.info.version)
    assert len(versions) == 2
