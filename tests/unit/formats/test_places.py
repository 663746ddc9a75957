"""Names, pictures and targets: two files of one name stay two, and nothing that stands at a target is lost by an export."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from PIL import Image as Picture

from annotator.domain.geometry import Box, Geometry, GeometryKind, Mask, RotatedBox, Tag
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.names import clean_name
from annotator.formats.report import Report

WIDTH, HEIGHT = 40, 30
every_format = pytest.mark.parametrize("format_id", registry.formats())
with_pictures = pytest.mark.parametrize("format_id", [f for f in registry.formats() if not registry.spec(f).file_only])


def picture(path: Path, shade: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.new("L", (WIDTH, HEIGHT), shade).save(path, "PNG")
    return path


def dataset(format_id: str, folder: Path, *names: str, label: str = "cat") -> Dataset:
    """One image per name with one annotation that the format holds; boxes differ, so that mixed-up images show."""
    held = registry.spec(format_id).kinds
    images = []
    for place, name in enumerate(names):
        shape: Geometry = Tag()
        if GeometryKind.BOX in held:
            shape = Box(place, 2, place + 4, 9)
        elif GeometryKind.ROTATED_BOX in held:
            shape = RotatedBox(place + 8, 9, 4, 6, 30)
        elif GeometryKind.MASK in held:
            shape = Mask(place, 2, 2, 1, (0, 2))
        path = picture(folder / f"{place}.png", shade=place)
        one = DatasetAnnotation(label, shape)
        images.append(DatasetImage(name, (one,), WIDTH, HEIGHT, path, Split.TRAIN))
    return Dataset((DatasetLabel(label),), tuple(images))


def target_of(format_id: str, folder: Path) -> Path:
    spec = registry.spec(format_id)
    return folder / ("out" + spec.suffixes[0] if spec.file_only else "out")


def write(format_id: str, data: Dataset, target: Path, **options: object) -> Report:
    options.setdefault("images", "none" if registry.spec(format_id).file_only else "copy")
    return registry.writer(format_id).write(data, target, **options)  # type: ignore[arg-type]


def read(format_id: str, path: Path) -> dict[str, DatasetImage]:
    imported = registry.reader(format_id).read(path, image_size=lambda _: (WIDTH, HEIGHT))
    images = list(imported.dataset.images)
    assert len({image.name for image in images}) == len(images)
    return {image.name: image for image in images}


def named(format_id: str, *names: str) -> tuple[str, ...]:
    """Names as the format has them: below the label's folder where that is the label, as a sequence's first frame."""
    spec = registry.spec(format_id)
    if spec.frames:
        return tuple(f"{name.rpartition('.')[0]}/img1/000001.png" for name in names)
    return tuple(f"train/cat/{name}" for name in names) if spec.single_tag else names


def same(format_id: str, before: Dataset, after: dict[str, DatasetImage]) -> None:
    assert set(after) == {image.name for image in before.images}
    for image in before.images:
        got = after[image.name]
        assert [(a.label, a.geometry.kind) for a in got.annotations] == [
            (a.label, a.geometry.kind) for a in image.annotations
        ]
        for one, other in zip(image.annotations, got.annotations, strict=True):
            assert other.geometry.bounds() == pytest.approx(one.geometry.bounds()), image.name
        if not registry.spec(format_id).file_only:
            assert got.path is not None and image.path is not None
            assert got.path.read_bytes() == image.path.read_bytes(), image.name


@every_format
def test_two_images_of_one_name_in_subfolders_stay_two(format_id: str, tmp_path: Path):
    data = dataset(format_id, tmp_path / "in", *named(format_id, "a.png", "north/a.png", "south/deep/a.png"))
    write(format_id, data, target_of(format_id, tmp_path))
    same(format_id, data, read(format_id, target_of(format_id, tmp_path)))


@every_format
def test_composed_and_decomposed_twins_stay_two(format_id: str, tmp_path: Path):
    names = [unicodedata.normalize(form, "caf\u00e9 d'\u00e9t\u00e9.png") for form in ("NFC", "NFD")]
    data = dataset(format_id, tmp_path / "in", *named(format_id, *names))
    write(format_id, data, target_of(format_id, tmp_path))
    same(format_id, data, read(format_id, target_of(format_id, tmp_path)))


@with_pictures
def test_a_picture_is_found_under_the_other_unicode_form(format_id: str, tmp_path: Path):
    if registry.spec(format_id).frames:
        pytest.skip("pictures have numbers for names")
    composed, decomposed = (unicodedata.normalize(form, "\u00e9t\u00e9.png") for form in ("NFC", "NFD"))
    (name,) = named(format_id, composed)
    data = dataset(format_id, tmp_path / "in", name)
    write(format_id, data, tmp_path / "out")
    for file in list((tmp_path / "out").rglob("*.png")):
        file.rename(file.with_name(decomposed))
    (image,) = read(format_id, tmp_path / "out").values()
    assert image.path is not None and image.path.is_file() and len(image.annotations) == 1


@every_format
@pytest.mark.parametrize("name", ["spa ce/a b.png", 'it\'s/"a".png', "鳥/ä&<b>.png", "#1/100%.png"])
def test_odd_names_survive(format_id: str, name: str, tmp_path: Path):
    data = dataset(format_id, tmp_path / "in", *named(format_id, name))
    write(format_id, data, target_of(format_id, tmp_path))
    same(format_id, data, read(format_id, target_of(format_id, tmp_path)))


@every_format
def test_a_name_that_is_no_unicode_is_left_out_and_said(format_id: str, tmp_path: Path):
    data = dataset(format_id, tmp_path / "in", *named(format_id, "ok.png", "br\udcffken.png"))
    report = write(format_id, data, target_of(format_id, tmp_path))
    assert report.images == 1
    assert [row.count for row in report.lossy if row.detail == "its name is no valid Unicode"] == [1]
    assert "br\\xffken" in report.warnings[0] or "br\\udcffken" in report.warnings[0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("north\\a.jpg", "north/a.jpg"),
        ("C:\\pictures\\a.jpg", "pictures/a.jpg"),
        ("/home/ada/a.jpg", "home/ada/a.jpg"),
        ("../../etc/a.jpg", "etc/a.jpg"),
        ("./north//a.jpg", "north/a.jpg"),
        ("..", ""),
        ("a.jpg", "a.jpg"),
    ],
)
def test_separators_and_climbing_names(written: str, meant: str, tmp_path: Path):
    assert clean_name(written) == meant
    if not meant:
        return
    content = {"images": [{"id": 1, "file_name": written}], "categories": [], "annotations": []}
    (tmp_path / "c.json").write_text(json.dumps(content))
    assert list(read("coco", tmp_path / "c.json")) == [meant]
    (tmp_path / "t.csv").write_text(f"image,label\n{written},cat\n")
    assert list(read("csv", tmp_path / "t.csv")) == [meant]


def test_windows_separators_in_voc_labelme_and_yolo(tmp_path: Path):
    (tmp_path / "v").mkdir()
    (tmp_path / "v/a.xml").write_text("<annotation><filename>C:\\pics\\a.jpg</filename></annotation>")
    assert list(read("voc", tmp_path / "v")) == ["pics/a.jpg"]
    (tmp_path / "l").mkdir()
    (tmp_path / "l/a.json").write_text(json.dumps({"shapes": [], "imagePath": "..\\pics\\a.jpg"}))
    assert list(read("labelme", tmp_path / "l")) == ["a.jpg"]
    picture(tmp_path / "y/images/train/north/a.png")
    (tmp_path / "y/labels/train/north").mkdir(parents=True)
    (tmp_path / "y/labels/train/north/a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (tmp_path / "y/train.txt").write_text("images\\train\\north\\a.png\n")
    (tmp_path / "y/data.yaml").write_text("train: train.txt\nval: train.txt\nnames: [cat]\n")
    (image,) = read("yolo", tmp_path / "y").values()
    assert image.name == "north/a.png" and len(image.annotations) == 1


@with_pictures
def test_links_point_at_the_pictures(format_id: str, tmp_path: Path):
    data = dataset(format_id, tmp_path / "in", *named(format_id, "a.png", "north/a.png"))
    write(format_id, data, tmp_path / "out", images="link")
    links = [p for p in (tmp_path / "out").rglob("*.png") if p.is_symlink()]
    assert {link.resolve() for link in links} == {image.path for image in data.images}
    same(format_id, data, read(format_id, tmp_path / "out"))
    write(format_id, data, tmp_path / "out", images="link", replace=True)
    assert all(image.path is not None and image.path.is_file() for image in data.images), (
        "replacing spared the originals"
    )


@with_pictures
def test_a_missing_picture_is_said_and_stops_nothing(format_id: str, tmp_path: Path):
    data = dataset(format_id, tmp_path / "in", *named(format_id, "a.png", "b.png"))
    first = next(iter(data.images))
    assert first.path is not None
    first.path.unlink()
    report = write(format_id, data, tmp_path / "out")
    assert [(row.count, row.examples) for row in report.lossy if row.detail == "the picture is missing"] == [
        (1, (first.name,))
    ]
    found = read(format_id, tmp_path / "out")
    assert len(found) == (1 if registry.spec(format_id).needs_images else 2)
    assert sum(image.path is not None for image in found.values()) == 1


@every_format
def test_a_target_of_the_wrong_kind_is_never_replaced(format_id: str, tmp_path: Path):
    target = target_of(format_id, tmp_path)
    if registry.spec(format_id).file_only:
        target.mkdir()
        (target / "mine").write_text("keep")
    else:
        target.write_text("keep")
    for how in ("merge", "replace"):
        with pytest.raises(FormatError, match="cannot replace"):
            write(format_id, dataset(format_id, tmp_path / "in", *named(format_id, "a.png")), target, **{how: True})
    assert (target / "mine" if target.is_dir() else target).read_text() == "keep"
    with pytest.raises(FormatError, match="not both"):
        write(
            format_id, dataset(format_id, tmp_path / "in", *named(format_id, "a.png")), target, merge=True, replace=True
        )


@every_format
def test_a_full_disk_leaves_the_old_export(format_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = target_of(format_id, tmp_path)
    write(format_id, dataset(format_id, tmp_path / "in", *named(format_id, "a.png")), target)
    before = {p: p.read_bytes() for p in [target, *target.rglob("*")] if p.is_file()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("annotator.formats.target._sync", full)
    with pytest.raises(FormatError, match="No space left on device"):
        write(format_id, dataset(format_id, tmp_path / "in2", *named(format_id, "b.png")), target, replace=True)
    assert {p: p.read_bytes() for p in [target, *target.rglob("*")] if p.is_file()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["in", "in2", target.name])
