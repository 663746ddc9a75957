"""Scanning folders: order, streaming, and everything that a disk may hold."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.domain import uris
from annotator.media import ScanProblem, natural_key, scan


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(*folders: Path) -> list[str]:
    return [image.uri for image in scan(folders)]


def test_natural_order_files_before_folders(tmp_path: Path) -> None:
    make(tmp_path, "img10.png", "img2.png", "IMG1.PNG", "a/b10/x.jpg", "a/b9/x.jpg", "a/z.jpg", "notes.txt", "jpg")
    assert found(tmp_path) == ["IMG1.PNG", "img2.png", "img10.png", "a/z.jpg", "a/b9/x.jpg", "a/b10/x.jpg"]


def test_records_what_the_disk_says(tmp_path: Path) -> None:
    make(tmp_path, "sub/a.tiff")
    (image,) = scan([tmp_path])
    status = (tmp_path / "sub/a.tiff").stat()
    assert (image.uri, image.root, image.path) == ("sub/a.tiff", tmp_path, tmp_path / "sub/a.tiff")
    assert (image.size, image.mtime) == (1, status.st_mtime_ns)


def test_skips_hidden_and_projects_but_not_the_rest(tmp_path: Path) -> None:
    make(tmp_path, ".hidden.png", ".cache/a.png", "pets.annotator/cache/t.jpg", "._a.png", "annotator/a.png")
    (tmp_path / "folder.png").mkdir()
    assert found(tmp_path) == ["annotator/a.png"]


def test_names_of_any_kind_come_back_as_the_same_file(tmp_path: Path) -> None:
    odd = ["a b.png", "quote'\".png", "line\nbreak.png", "日本.png", "100%.png", "bytes:x.png", " lead.png", "%E9.png"]
    raw = [b"caf\xe9.png", b"\xff\xfe%41.png"]
    make(tmp_path, *odd)
    for name in raw:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"x")
    images = list(scan([tmp_path]))
    assert len({image.uri for image in images}) == len(odd) + len(raw)
    for image in images:
        image.uri.encode("utf-8")
        assert uris.to_path(image.uri, image.root) == image.path
        assert image.path.read_bytes() == b"x"
    assert {image.uri for image in images} >= {*odd} - {"bytes:x.png"}


def test_composed_and_decomposed_names_stay_two(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD")]
    make(tmp_path, *names)
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system folds them itself")
    assert set(found(tmp_path)) == set(names)


def test_one_name_in_two_folders_and_two_roots(tmp_path: Path) -> None:
    make(tmp_path, "a/x.png", "b/x.png", "b/c/x.png")
    assert found(tmp_path) == ["a/x.png", "b/x.png", "b/c/x.png"]
    images = list(scan([tmp_path / "a", tmp_path / "b"]))
    assert [(i.root.name, i.uri) for i in images] == [("a", "x.png"), ("b", "x.png"), ("b", "c/x.png")]
    assert found(tmp_path, tmp_path / "b", tmp_path) == ["a/x.png", "b/x.png", "b/c/x.png"]


def test_loops_and_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    make(outside, "o.png")
    root = tmp_path / "root"
    make(root, "a/x.png", "z/y.png")
    (root / "a" / "up").symlink_to(root, target_is_directory=True)
    (root / "a" / "self").symlink_to(root / "a" / "self")
    (root / "a" / "first").symlink_to(root / "z", target_is_directory=True)
    (root / "b").symlink_to(outside, target_is_directory=True)
    (root / "copy.png").symlink_to(root / "a" / "x.png")
    problems: list[ScanProblem] = []
    uris_found = [image.uri for image in scan([root], on_problem=problems.append)]
    assert uris_found == ["copy.png", "a/x.png", "z/y.png", "b/o.png"]
    assert [p.path for p in problems] == [root / "a" / "self"]


def test_problems_are_reported_and_the_rest_is_found(tmp_path: Path) -> None:
    make(tmp_path, "a/x.png", "c/y.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    problems: list[ScanProblem] = []
    missing = tmp_path / "missing"
    images = list(scan([missing, tmp_path], on_problem=problems.append))
    assert [i.uri for i in images] == ["a/x.png", "c/y.png"]
    assert [(p.path, p.reason) for p in problems] == [(missing, "is missing"), (tmp_path / "gone.png", "is missing")]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_folder_without_permission(tmp_path: Path) -> None:
    make(tmp_path, "a/x.png", "c/y.png")
    (tmp_path / "a").chmod(0)
    problems: list[ScanProblem] = []
    try:
        assert [i.uri for i in scan([tmp_path], on_problem=problems.append)] == ["c/y.png"]
    finally:
        (tmp_path / "a").chmod(0o700)
    assert problems == [ScanProblem(tmp_path / "a", "may not be read (no permission)")]


def test_folder_refused_by_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a/x.png", "c/y.png")
    real = os.scandir

    def refuse(folder: Path) -> object:
        if Path(folder).name == "a":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr("annotator.media.folders.os.scandir", refuse)
    problems: list[ScanProblem] = []
    assert [i.uri for i in scan([tmp_path], on_problem=problems.append)] == ["c/y.png"]
    assert problems == [ScanProblem(tmp_path / "a", "may not be read (no permission)")]


def test_known_images_are_not_given_again_and_a_file_may_be_a_root(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "b.png")
    assert [i.uri for i in scan([tmp_path], known={(tmp_path, "a.png")})] == ["b.png"]
    (image,) = scan([tmp_path / "a.png"])
    assert (image.root, image.uri) == (tmp_path, "a.png")


def test_first_image_comes_before_the_scan_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.png", *(f"deep{n}/x.png" for n in range(20)))
    listed: list[str] = []
    real = os.scandir

    def note(folder: Path) -> object:
        listed.append(str(folder))
        return real(folder)

    monkeypatch.setattr("annotator.media.folders.os.scandir", note)
    images = scan([tmp_path])
    assert next(images).uri == "a.png"
    assert len(listed) == 1
    assert len(list(images)) == 20 and len(listed) == 21


def test_many_images_come_in_natural_order(tmp_path: Path) -> None:
    for n in range(1_000):
        (tmp_path / f"IMG_{n}.jpg").touch()
    assert [image.uri for image in scan([tmp_path])] == [f"IMG_{n}.jpg" for n in range(1_000)]


file_names = st.text(st.characters(exclude_characters="\0") | st.sampled_from("019a."), min_size=1)


@given(file_names, file_names)
def test_natural_key_is_a_total_order(one: str, other: str) -> None:
    assert (natural_key(one) < natural_key(other)) + (natural_key(other) < natural_key(one)) == (one != other)


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_numbers_sort_by_value(one: int, other: int) -> None:
    assert (natural_key(f"img{one}.png") < natural_key(f"img{other}.png")) == (one < other)
    assert one == other or (natural_key(f"img{one:015}.png") < natural_key(f"img{other}.png")) == (one < other)


@given(st.text(alphabet=st.characters() | st.characters(categories=["Cs"]) | st.sampled_from("%u:/"), max_size=30))
def test_uri_is_storable_and_reversible(name: str) -> None:
    for path in (name, f"bytes:{name}"):
        uri = uris.encode(path)
        assert uris.decode(uri) == path
        assert uri.encode("utf-8").decode("utf-8") == uri
        assert uris.encode(uri) == uri or uri.startswith("bytes:")


@given(st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name))
def test_bytes_of_a_name_survive(name: bytes) -> None:
    assert os.fsencode(uris.decode(uris.encode(os.fsdecode(name)))) == name
