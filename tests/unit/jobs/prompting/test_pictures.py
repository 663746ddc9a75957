"""Which raster of a picture answers a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from annotator.jobs.prompting.messages import PictureFile
from annotator.jobs.prompting.pictures import Pictures
from tests.unit.jobs.prompting.models import Disks, Slow


def file_of(tmp_path: Path, width: int, height: int, number: int = 1) -> PictureFile:
    path = tmp_path / f"{number}.png"
    Image.new("RGB", (width, height)).save(path)
    return PictureFile(number, str(path), width, height)


@pytest.mark.parametrize(
    ("scale", "size"),
    [(0.0, (768, 1024)), (0.3, (1536, 2048)), (0.25, (768, 1024)), (0.6, (3072, 4096)), (8.0, (3072, 4096))],
)
def test_an_instant_model_works_on_the_raster_nearest_to_the_screen(
    tmp_path: Path, scale: float, size: tuple[int, int]
) -> None:
    raster = Pictures(Disks()).read(file_of(tmp_path, 4096, 3072), scale)
    assert raster.size == size
    assert raster.scale == (size[1] / 4096, size[0] / 3072)


def test_a_small_picture_is_never_made_smaller(tmp_path: Path) -> None:
    assert Pictures(Disks()).read(file_of(tmp_path, 640, 480), 0.1).size == (480, 640)


def test_a_slow_model_reads_once_at_the_size_of_its_input(tmp_path: Path) -> None:
    pictures, file = Pictures(Slow()), file_of(tmp_path, 512, 256)
    assert not pictures.is_read(file)
    first = pictures.read(file, 0.1)
    assert pictures.is_read(file)
    assert pictures.read(file, 9.0) is first
    assert min(first.size) >= Slow.input_side // 2


def test_other_pictures_are_forgotten(tmp_path: Path) -> None:
    pictures = Pictures(Disks())
    files = [file_of(tmp_path, 32, 32, n) for n in (1, 2, 3)]
    for file in files:
        pictures.read(file)
    pictures.keep_only(files[1:])
    assert [pictures.is_read(file) for file in files] == [False, True, True]
