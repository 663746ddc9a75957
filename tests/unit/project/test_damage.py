"""Every file of ``cache/`` and ``models/`` may be gone or damaged: the project opens, and the next round makes it anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from annotator.edits import set_tag
from annotator.errors import ModelError, UsageError
from annotator.project import Project


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with embeddings, suggestions, a queue and a head."""
    from tests.unit.project.conftest import COLORS, draw

    place = tmp_path_factory.mktemp("trained")
    for color, rgb in COLORS.items():
        for number in range(4):
            draw(place / "pictures" / color / f"{number}.png", rgb, number)
    with Project.create(place / "p", place / "pictures", list(COLORS)) as made:
        made.suggest()
        vocabulary = made.history.vocabulary()
        for image_id in made.images.ids().tolist()[::2]:
            label = made.labels.by_name(made.images.get(image_id).uri.split("/")[0])
            assert label is not None
            made.history.perform(set_tag(made.history.page(image_id), label.id, vocabulary, annotator="ann"))
        made.history.flush()
        made.train()
    return place / "p"


def flipped(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[::7] = bytes(each ^ 0x55 for each in changed[::7])
    return bytes(changed)


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "deleted": lambda _: None,
    "half": lambda data: data[: len(data) // 2],
    "flipped": flipped,
    "null": lambda _: b"null",
    "a zip's beginning": lambda _: b"PK\x03\x04" + bytes(64),
}


def damaged_copies(trained: Path, tmp_path: Path, how: str, part: str) -> Iterator[tuple[str, Path]]:
    """Copies of the project, in each of which one file of ``part`` is damaged."""
    files = sorted(f.relative_to(trained) for f in (trained / part).rglob("*") if f.is_file())
    assert files
    for number, file in enumerate(files):
        copy = tmp_path / str(number)
        shutil.copytree(trained, copy)
        left = DAMAGE[how]((copy / file).read_bytes())
        (copy / file).unlink() if left is None else (copy / file).write_bytes(left)
        yield str(file), copy


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("part", ["cache/queue", "cache/tags"])
def test_a_damaged_list_does_not_keep_the_project_from_opening(
    trained: Path, tmp_path: Path, how: str, part: str
) -> None:
    for file, copy in damaged_copies(trained, tmp_path, how, part):
        with Project.open(copy) as project:
            assert sorted(project.queue.order().tolist()) == project.images.ids().tolist(), file
            project.review.pile()
            project.history.page(int(project.images.ids()[1]))


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_head_is_trained_anew(trained: Path, tmp_path: Path, how: str) -> None:
    for file, copy in damaged_copies(trained, tmp_path, how, "models"):
        with Project.open(copy) as project:
            assert project.train().metrics["labels"] == 6, file
            assert project.suggest().suggestions == 6, file


@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_embeddings_are_made_anew_or_named(trained: Path, tmp_path: Path, how: str) -> None:
    for file, copy in damaged_copies(trained, tmp_path, how, "cache/embeddings"):
        with Project.open(copy) as project:
            try:
                found = project.suggest()
            except ModelError as error:
                assert "Delete" in error.cure, file
                shutil.rmtree(copy / "cache" / "embeddings")
                found = project.suggest()
            assert found.suggestions == 6, file


def test_a_model_that_cannot_be_loaded_is_not_remembered(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model 'nonsense'"):
        project.suggest(model="nonsense")
    with pytest.raises(UsageError, match="no model 'nonsense'"):
        project.index(model="nonsense")
    assert project.suggest().model == "embedded"
