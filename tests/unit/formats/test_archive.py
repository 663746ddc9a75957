"""Our archive: nothing is lost, the same dataset gives the same bytes, and a damaged one is one clear line."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.dataset import Dataset
from tests.contracts.format_datasets import everything


def write(dataset: Dataset, target: Path, **options: Any) -> Any:
    return registry.writer("archive").write(dataset, target, **options)


def read(path: Path, **options: Any) -> Dataset:
    return registry.reader("archive").read(path, **options).dataset


def altered(source: Path, target: Path, **members: bytes) -> Path:
    """A copy in which some members (``__`` for the dot) have other content."""
    changed = {name.replace("__", "."): content for name, content in members.items()}
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            after.writestr(name, changed.get(name, before.read(name)))
    return target


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    write(everything(), tmp_path / "a.zip")
    return tmp_path / "a.zip"


def test_every_field_comes_back(archive: Path) -> None:
    wanted, got = everything(), read(archive)
    assert got.labels == wanted.labels
    assert list(got.images) == list(wanted.images)


def test_the_same_dataset_gives_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        write(read(archive), tmp_path / name)
    write(read(tmp_path / "two.zip"), tmp_path / "three.zip")
    assert len({(tmp_path / name).read_bytes() for name in ("one.zip", "two.zip", "three.zip")}) == 1


def test_pictures_come_along(tmp_path: Path) -> None:
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(b"pixels")
    dataset = replace(everything(), images=[replace(image, path=picture) for image in everything().images])
    write(dataset, tmp_path / "a.zip", images="copy")
    back = read(tmp_path / "a.zip")
    assert [image.path and image.path.read_bytes() for image in back.images] == [b"pixels", b"pixels"]
    with pytest.raises(FormatError, match="holds no links"):
        write(dataset, tmp_path / "b.zip", images="link")


def test_attachments_are_members(tmp_path: Path) -> None:
    dataset = replace(everything(), attachments={"project/edit.jsonl": lambda: [b"one\n", b"two\n"]})
    write(dataset, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as made:
        assert made.read("project/edit.jsonl") == b"one\ntwo\n"


@pytest.mark.parametrize(
    ("member", "content", "said"),
    [
        ("images__jsonl", b'{"name": 7}\n', "images.jsonl, line 1: Expected `str`, got `int` - at `$.name`"),
        ("images__jsonl", b'{"name": "a.jpg"', "images.jsonl, line 1: "),
        ("images__jsonl", b'{"name": "../.."}\n', "images.jsonl, line 1: it names no image"),
        ("images__jsonl", b'{"name": "a.jpg", "split": "later"}\n', "line 1: 'later' is not a valid Split"),
        (
            "images__jsonl",
            b'{"name": "a.jpg", "annotations": [{"label": "owl", "geometry": {"kind": "tag"}}]}\n',
            "line 1, annotation 1: the label 'owl' is not among the archive's",
        ),
        (
            "images__jsonl",
            b'{"name": "a.jpg", "annotations": [{"label": "cat", "geometry": {"kind": "box", "box": [5, 0, 1, 2]}}]}\n',
            "line 1, annotation 1: box corners are reversed",
        ),
        ("labels__json", b"[{}]", "labels.json: Object missing required field `name`"),
        ("archive__json", b"{}", "archive.json: Object missing required field"),
    ],
)
def test_what_is_wrong_is_named(member: str, content: bytes, said: str, archive: Path, tmp_path: Path) -> None:
    broken = altered(archive, tmp_path / "broken.zip", **{member: content})
    with pytest.raises(FormatError) as caught:
        list(read(broken).images)
    assert str(broken) in str(caught.value)
    assert said in str(caught.value)


def test_a_newer_archive_is_refused(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        manifest = json.loads(opened.read("archive.json"))
    newer = altered(archive, tmp_path / "new.zip", archive__json=json.dumps({**manifest, "version": 99}).encode())
    with pytest.raises(FormatError, match=r"made by a newer version of Annotator\. Update Annotator"):
        read(newer)


def test_bad_lines_are_skipped_when_asked(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        lines = opened.read("images.jsonl")
    broken = altered(archive, tmp_path / "broken.zip", images__jsonl=b"{]\n" + lines)
    imported = registry.reader("archive").read(broken, skip_bad=True)
    assert len(list(imported.dataset.images)) == 2
    assert "images.jsonl, line 1" in imported.report().warnings[0]


def test_fields_of_other_formats_are_kept_and_not_called_dropped(tmp_path: Path) -> None:
    sent = everything()
    images = tuple(replace(image, extra={"coco": {"license": 3}}) for image in sent.images)
    labels = tuple(replace(label, extra={"coco": {"supercategory": "s"}}) for label in sent.labels)
    report = write(Dataset(labels, images, extra={"coco": {"info": {"year": 2020}}}), tmp_path / "b.zip")
    assert report.lossy == ()
    back = read(tmp_path / "b.zip")
    assert back.extra == {"coco": {"info": {"year": 2020}}}
    assert [image.extra for image in back.images] == [image.extra for image in images]
    assert [label.extra for label in back.labels] == [label.extra for label in labels]
