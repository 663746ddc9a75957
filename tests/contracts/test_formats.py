"""The promises that every format keeps; a new format is tested here by being in the registry."""

from __future__ import annotations

import math
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from annotator.domain.geometry import Caption, GeometryKind, Polygon
from annotator.errors import FormatError, UsageError
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.report import Outcome, Report
from annotator.formats.spec import Field
from annotator.formats.verify import verify
from tests.contracts.format_datasets import HEIGHT, IMAGES, WIDTH, datasets, everything, numbers, plain

FORMATS = registry.formats()
every_format = pytest.mark.parametrize("format_id", FORMATS)


def _target(format_id: str, folder: Path, name: str = "out") -> Path:
    spec = registry.spec(format_id)
    return folder / name if not spec.suffixes or not spec.file_only else folder / (name + spec.suffixes[0])


def _write(format_id: str, dataset: Dataset, target: Path, **options: object) -> Report:
    if registry.spec(format_id).needs_images and "images" not in options:
        options["images"] = "copy"
        dataset = replace(dataset, images=_Pictured(dataset.images, target.parent.parent / f"{target.parent.name}-p"))
    return registry.writer(format_id).write(dataset, target, **options)  # type: ignore[arg-type]


class _Pictured:
    """Images with a picture behind each."""

    def __init__(self, images: Iterable[DatasetImage], folder: Path) -> None:
        self._images, self._folder = images, folder

    def __iter__(self) -> Iterator[DatasetImage]:
        return (replace(image, path=_picture(self._folder, image.name)) for image in self._images)


def _read(format_id: str, path: Path, *, skip_bad: bool = False) -> tuple[Dataset, list[DatasetImage], Report]:
    imported = registry.reader(format_id).read(path, image_size=lambda name: (WIDTH, HEIGHT), skip_bad=skip_bad)
    images = list(imported.dataset.images)
    return imported.dataset, images, imported.report()


@every_format
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_the_spec_declares_survives(format_id: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory):
    spec = registry.spec(format_id)
    dataset = data.draw(datasets(spec))
    folder = tmp_path_factory.mktemp("trip")
    target = _target(format_id, folder)
    report = _write(format_id, dataset, target)
    assert not [row for row in report.lossy if row.kind in {kind.value for kind in spec.kinds}], report.lossy
    assert verify(dataset, report).differences == ()
    read, images, _ = _read(format_id, target)
    before, after = plain(dataset.images), plain(images)
    if Field.LABELS in spec.fields:
        assert [label.name for label in read.labels] == [label.name for label in dataset.labels]
    if Field.SKELETON in spec.fields:
        assert [label.skeleton for label in read.labels] == [label.skeleton for label in dataset.labels]
    if Field.SCHEMA in spec.fields:
        for sent, came in zip(dataset.labels, read.labels, strict=True):
            entries = list(came.schema.items())
            assert entries[: len(sent.schema)] == list(sent.schema.items()), (
                "in order, those in use but undeclared behind"
            )
    assert [image.name for image in after] == [image.name for image in before]
    for one, other in zip(before, after, strict=True):
        if Field.SPLIT in spec.fields:
            assert other.split == one.split
        if Field.NOTE in spec.fields:
            assert other.note == one.note
        assert len(other.annotations) == len(one.annotations)
        left = list(other.annotations)
        for annotation in one.annotations:
            same = next((b for b in left if _same(annotation, b, spec.tolerance)), None)
            assert same is not None, f"{annotation} is not among {left}"
            left.remove(same)
    shutil.rmtree(folder)


@every_format
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_read_is_written_to_the_same_bytes(
    format_id: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
):
    """Ids, orders, foreign fields and numbers: nothing moves when a dataset passes through."""
    spec = registry.spec(format_id)
    folder = tmp_path_factory.mktemp("again")
    targets = [_target(format_id, folder / str(number)) for number in range(3)]
    mode = "none" if spec.file_only else "copy"
    dataset = data.draw(datasets(spec))
    dataset = replace(dataset, images=_Pictured(dataset.images, folder / "pictures"))
    for target in targets:
        registry.writer(format_id).write(dataset, target, images=mode)
        dataset = _read(format_id, target)[0]
    assert _content(targets[2]) == _content(targets[1])
    shutil.rmtree(folder)


@every_format
def test_a_turned_picture_is_stated_for_each_image(format_id: str, tmp_path: Path):
    spec = registry.spec(format_id)
    first, second, third = _simple(format_id).images
    images = (first, replace(second, orientation=6), replace(third, orientation=8))
    report = _write(format_id, replace(_simple(format_id), images=images), _target(format_id, tmp_path))
    said = {row.detail.partition(":")[0]: row.examples for row in report.lossy if row.kind == "EXIF orientation"}
    placed = all(a.geometry.kind not in (GeometryKind.TAG, GeometryKind.CAPTION) for a in first.annotations)
    assert said == ({"it is 6": (second.name,), "it is 8": (third.name,)} if placed and not spec.lossless else {})


@every_format
def test_what_it_cannot_hold_is_in_the_report(format_id: str, tmp_path: Path):
    spec = registry.spec(format_id)
    dataset = everything()
    report = _write(format_id, dataset, _target(format_id, tmp_path))
    image = next(iter(dataset.images))
    lossy = {(row.kind, row.outcome) for row in report.lossy}
    for kind in GeometryKind:
        count = sum(a.geometry.kind is kind for a in image.annotations if not a.suggested)
        said = sum(row.count for row in report.rows if row.kind == kind.value)
        assert said >= count, f"{kind} is not accounted for"
        if kind in spec.kinds:
            assert (
                (kind.value, Outcome.DROPPED) not in lossy
                or kind is GeometryKind.CAPTION
                or spec.one_kind
                or spec.single_tag
            )
        elif kind in spec.converts:
            assert (kind.value, Outcome.CONVERTED) in lossy
        else:
            assert (kind.value, Outcome.DROPPED) in lossy
    dropped = {row.kind for row in report.lossy if row.outcome is Outcome.DROPPED}
    for field in (Field.TRACK, Field.Z_ORDER, Field.CONFIDENCE, Field.NOTE, Field.FLAGGED, Field.SPLIT):
        assert (field.value in dropped) == (field not in spec.fields), field
    for field in (Field.COLOR, Field.SYNONYMS, Field.PARENT, Field.SKELETON, Field.SCHEMA, Field.DEFINITION):
        assert (field.value in dropped) == (field not in spec.fields), field
    if spec.attributes is not None:
        assert "attribute colour" in dropped
    assert ("fields of elsewhere" in dropped) == (not spec.lossless)
    assert verify(dataset, report).differences == (), "what did not come back was announced"
    held_holes = spec.holds_holes
    polygon_rows = [row for row in report.lossy if row.kind == "polygon"]
    assert bool(polygon_rows) == (not held_holes), "a hole is kept, or its loss is said"
    _, images, _ = _read(format_id, _target(format_id, tmp_path))
    assert report.annotations <= sum(len(i.annotations) for i in images) + len(report.lossy)
    assert bool(report.to_json()["lossy"]) == (not spec.lossless)
    assert len(report.table()) == len(report.rows) + 1


@every_format
def test_an_existing_target_is_refused_merged_or_replaced(format_id: str, tmp_path: Path):
    target = _target(format_id, tmp_path)
    dataset = _simple(format_id)
    _write(format_id, dataset, target)
    content = _content(target)
    with pytest.raises(FormatError, match="exists already"):
        _write(format_id, dataset, target)
    assert _content(target) == content
    if target.is_dir():
        (target / "mine.txt").write_text("keep me")
    _write(format_id, dataset, target, merge=True)
    assert _content(target).items() >= content.items()
    if target.is_dir():
        assert (target / "mine.txt").read_text() == "keep me"
    _write(format_id, dataset, target, replace=True)
    assert _content(target) == content
    assert [p.name for p in tmp_path.iterdir()] == [target.name], "no temporary file stays behind"


@every_format
def test_a_failed_export_leaves_nothing(format_id: str, tmp_path: Path):
    dataset = _simple(format_id)
    stranger = replace(dataset, labels=(), images=dataset.images)
    if Field.LABELS in registry.spec(format_id).fields:
        with pytest.raises(FormatError, match="not among the dataset's labels"):
            _write(format_id, stranger, _target(format_id, tmp_path))

    def breaks() -> object:
        yield from dataset.images
        raise FormatError("the source failed")

    with pytest.raises(FormatError, match="the source failed"):
        _write(format_id, replace(dataset, images=breaks()), _target(format_id, tmp_path))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@every_format
def test_pictures_are_copied_and_two_of_one_name_stay_two(format_id: str, tmp_path: Path):
    spec = registry.spec(format_id)
    if spec.file_only:
        pytest.skip("a format of one file carries no pictures")
    dataset = _simple(format_id)
    sources = tmp_path / "pictures"
    images = []
    for index, image in enumerate(dataset.images):
        path = sources / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        Picture.new("RGB", (WIDTH, HEIGHT), (index, 0, 0)).save(path)
        images.append(replace(image, path=path))
    target = tmp_path / "out"
    _write(format_id, replace(dataset, images=tuple(images)), target, images="copy")
    _, back, _ = _read(format_id, target)
    found = {image.name: image.path for image in back}
    assert len(found) == len(images)
    for image in images:
        path = found[image.name]
        assert path is not None and path.read_bytes() == image.path.read_bytes()


@every_format
def test_detection_says_what_it_saw(format_id: str, tmp_path: Path):
    target = _target(format_id, tmp_path)
    images = tuple(replace(i, path=_picture(tmp_path / "p", i.name)) for i in _simple(format_id).images)
    only = registry.spec(format_id).file_only
    _write(format_id, replace(_simple(format_id), images=images), target, images="none" if only else "copy")
    found = {one.format: one.reason for one in registry.detect(target)}
    assert found.get(format_id), found
    assert registry.detect_one(target).format == format_id


@every_format
def test_a_zip_reads_as_its_folder_and_must_not_climb_out(format_id: str, tmp_path: Path):
    spec = registry.spec(format_id)
    if spec.file_only:
        pytest.skip("a format of one file")
    dataset = _simple(format_id)
    images = tuple(replace(i, path=_picture(tmp_path / "p", i.name)) for i in dataset.images)
    _write(format_id, replace(dataset, images=images), tmp_path / "out", images="copy")
    archive = tmp_path / "out.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for file in sorted((tmp_path / "out").rglob("*")):
            if file.is_file():
                zipped.write(file, file.relative_to(tmp_path / "out"))
    assert plain(_read(format_id, archive)[1]) == plain(_read(format_id, tmp_path / "out")[1])
    with zipfile.ZipFile(archive, "a") as zipped:
        zipped.writestr("../escaped.txt", "x")
    with pytest.raises(FormatError, match="outside its folder"):
        _read(format_id, archive)
    assert not (tmp_path / "escaped.txt").exists()


@every_format
def test_a_target_that_ends_in_zip_is_one_file(format_id: str, tmp_path: Path):
    if registry.spec(format_id).file_only:
        pytest.skip("a format of one file")
    dataset = _simple(format_id)
    wanted = _write(format_id, dataset, tmp_path / "one" / "folder")
    for name in ("a.zip", "b.zip"):
        report = _write(format_id, dataset, tmp_path / name)
        assert report.rows == wanted.rows
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert plain(_read(format_id, tmp_path / "a.zip")[1]) == plain(_read(format_id, tmp_path / "one" / "folder")[1])
    with pytest.raises(FormatError, match="exists already"):
        _write(format_id, dataset, tmp_path / "a.zip")
    with pytest.raises(FormatError, match="is a zip, which is not merged into"):
        _write(format_id, dataset, tmp_path / "a.zip", merge=True)
    _write(format_id, dataset, tmp_path / "a.zip", replace=True)
    assert sorted(path.name for path in tmp_path.iterdir() if not path.is_dir()) == ["a.zip", "b.zip"]


@every_format
def test_nothing_there_is_one_clear_line(format_id: str, tmp_path: Path):
    with pytest.raises(FormatError, match="does not exist"):
        _read(format_id, tmp_path / "missing")
    with pytest.raises(FormatError):
        (tmp_path / "empty").mkdir()
        _read(format_id, tmp_path / "empty")


@every_format
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_files_give_an_error_or_a_dataset_never_a_crash(
    format_id: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
):
    folder = tmp_path_factory.mktemp("damage")
    target = _target(format_id, folder)
    dataset = replace(_simple(format_id))
    images = tuple(replace(i, path=_picture(folder / "p", i.name)) for i in dataset.images)
    only = registry.spec(format_id).file_only
    _write(format_id, replace(dataset, images=images), target, images="none" if only else "copy")
    files = [target] if target.is_file() else sorted(p for p in target.rglob("*") if p.is_file())
    files = [f for f in files if f.suffix in (".json", ".txt", ".xml", ".yaml", ".csv")] or files
    file = data.draw(st.sampled_from(files))
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, max(len(content) - 1, 0)))
        junk = data.draw(
            st.sampled_from([b"", b"NaN", b"-1e999", b"\xff\xfe", b"null", b"[", b'"', b"<", b"-7", b"\x00"])
        )
        content[place : place + data.draw(st.integers(0, 6))] = junk
    file.write_bytes(content)
    for skip_bad in (False, True):
        try:
            _read(format_id, target, skip_bad=skip_bad)
        except FormatError as error:
            assert str(folder) in str(error) or "label" in str(error), f"no file named: {error}"
    shutil.rmtree(folder)


def test_unknown_formats_name_the_known_ones():
    with pytest.raises(UsageError, match="coco"):
        registry.spec("nonsense")


def test_a_catalogue_import_loads_no_parser():
    import subprocess
    import sys

    code = (
        "import sys; from annotator.formats import registry; registry.formats();"
        "print([m for m in ('numpy.ma','msgspec','orjson','yaml','pycocotools','cv2','PIL') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def _simple(format_id: str) -> Dataset:
    """Three images, two of them of one file name, with one annotation each of the format's first kind."""
    spec = registry.spec(format_id)
    image, _ = everything().images
    kind = sorted(spec.kinds)[0]
    one = next(a for a in image.annotations if a.geometry.kind is kind and not (_has_holes(a.geometry)))
    bare = replace(one, attributes={}, track_id=None, z_order=0, confidence=None, extra={})
    names = (spec.image_names or IMAGES)[:3]
    images = tuple(DatasetImage(name, (bare,), WIDTH, HEIGHT) for name in names)
    return Dataset((replace(everything().labels[0], foreign_id=None),), images)


def _same(one: DatasetAnnotation, other: DatasetAnnotation, tolerance: float) -> bool:
    if type(one.geometry) is not type(other.geometry) or replace(other, geometry=one.geometry) != one:
        return False
    if isinstance(one.geometry, Caption):
        return one.geometry == other.geometry
    pairs = zip(numbers(one.geometry), numbers(other.geometry), strict=False)
    same_length = len(numbers(one.geometry)) == len(numbers(other.geometry))
    return same_length and all(abs(a - b) <= tolerance for a, b in pairs)


def _has_holes(geometry: object) -> bool:
    return isinstance(geometry, Polygon) and any(part.holes for part in geometry.parts)


def _picture(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.new("RGB", (WIDTH, HEIGHT)).save(path)
    return path


def _content(target: Path) -> dict[str, bytes]:
    files = [target] if target.is_file() else [p for p in target.rglob("*") if p.is_file()]
    return {str(p.relative_to(target.parent)): p.read_bytes() for p in files}


def test_tolerances_are_far_below_a_pixel():
    assert all(registry.spec(f).tolerance <= 1e-3 and math.isfinite(registry.spec(f).tolerance) for f in FORMATS)
