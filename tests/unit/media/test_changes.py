"""What changed on disk since the project last looked."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotator.errors import JobCancelled
from annotator.job_context import QuietContext
from annotator.media import hash_file, scan
from annotator.media.changes import KnownImage, rescan


def write(folder: Path, **contents: str) -> None:
    for name, content in contents.items():
        path = folder / (name.replace("__", "/") + ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def remember(root: Path) -> list[KnownImage]:
    return [
        KnownImage(n, image.root, image.uri, hash_file(image.path), image.size, image.mtime)
        for n, image in enumerate(scan([root]))
    ]


def test_nothing_has_happened(tmp_path: Path) -> None:
    write(tmp_path, a="1", b="2")
    result = rescan([tmp_path], remember(tmp_path))
    assert (result.new, result.changed, result.vanished, result.moved, result.problems) == ((), (), (), (), ())


def test_new_changed_vanished_moved(tmp_path: Path) -> None:
    write(tmp_path, stays="s", changes="c", goes="g", sub__moves="m", renamed="r")
    known = remember(tmp_path)
    (tmp_path / "goes.png").unlink()
    (tmp_path / "changes.png").write_text("longer now")
    (tmp_path / "sub/moves.png").rename(tmp_path / "moves.png")
    (tmp_path / "renamed.png").rename(tmp_path / "other.png")
    write(tmp_path, new="n")
    result = rescan([tmp_path], known)
    assert [image.uri for image in result.new] == ["new.png"]
    assert [(old.uri, image.uri) for old, image in result.changed] == [("changes.png", "changes.png")]
    assert [old.uri for old in result.vanished] == ["goes.png"]
    assert {old.uri: image.uri for old, image in result.moved} == {
        "sub/moves.png": "moves.png",
        "renamed.png": "other.png",
    }


def test_copies_prefer_their_own_name_and_none_is_used_twice(tmp_path: Path) -> None:
    write(tmp_path, a="same", b="same", c="same")
    known = remember(tmp_path)
    for name in "abc":
        (tmp_path / f"{name}.png").unlink()
    write(tmp_path, z__b="same", z__q="same")
    result = rescan([tmp_path], known)
    moves = {old.uri: image.uri for old, image in result.moved}
    assert moves["b.png"] == "z/b.png"
    assert sorted(moves.values()) == ["z/b.png", "z/q.png"] and len(result.vanished) == 1 and not result.new


def test_copy_of_an_image_that_is_still_there_is_new(tmp_path: Path) -> None:
    write(tmp_path, a="same")
    known = remember(tmp_path)
    write(tmp_path, b="same")
    result = rescan([tmp_path], known)
    assert [i.uri for i in result.new] == ["b.png"] and not result.moved and not result.vanished


def test_unhashed_images_can_vanish_but_not_move(tmp_path: Path) -> None:
    write(tmp_path, b="x")
    result = rescan([tmp_path], [KnownImage(1, tmp_path, "a.png")])
    assert [old.id for old in result.vanished] == [1] and [i.uri for i in result.new] == ["b.png"]


def test_image_outside_the_folders_is_not_declared_gone(tmp_path: Path) -> None:
    write(tmp_path, in__a="x", out__b="y")
    known = [KnownImage(1, tmp_path / "out", "b.png"), KnownImage(2, tmp_path / "in", "a.png")]
    assert rescan([tmp_path / "in"], known).vanished == ()


def test_file_that_vanishes_while_it_is_hashed_is_a_problem_not_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, a="x")
    known = remember(tmp_path)
    (tmp_path / "a.png").rename(tmp_path / "b.png")

    def gone(path: Path) -> str:
        path.unlink()
        return hash_file(path)

    monkeypatch.setattr("annotator.media.changes.hash_file", gone)
    result = rescan([tmp_path], known)
    assert [p.reason for p in result.problems] == ["is missing"]
    assert [old.uri for old in result.vanished] == ["a.png"]


def test_can_be_cancelled(tmp_path: Path) -> None:
    class Cancelled(QuietContext):
        def check_cancelled(self) -> None:
            raise JobCancelled

    write(tmp_path, a="x")
    with pytest.raises(JobCancelled):
        rescan([tmp_path], [], context=Cancelled())
