"""Pictures and projects for the tests of the project room, made on the spot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotator.project import Project

COLORS = {"red": (200, 30, 30), "green": (30, 170, 40), "blue": (30, 60, 200)}


def draw(path: Path, color: tuple[int, int, int], seed: int, size: tuple[int, int] = (96, 64)) -> Path:
    """A noisy picture of one colour with a shape on it, (width, height) = ``size``, saved as its suffix says."""
    rng = np.random.default_rng(seed)
    width, height = size
    pixels = np.full((height, width, 3), color, np.float64) + rng.normal(0, 25, (height, width, 3))
    pixels = np.ascontiguousarray(pixels.clip(0, 255).astype(np.uint8))
    centre = (int(rng.integers(20, width - 20)), int(rng.integers(20, height - 20)))
    cv2.circle(pixels, centre, 12, (250, 250, 250), -1)
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(path.suffix, pixels[..., ::-1])
    assert done
    path.write_bytes(data.tobytes())
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Eight readable pictures per colour in folders named by colour."""
    folder = tmp_path / "pictures"
    for color, rgb in COLORS.items():
        for number in range(8):
            draw(folder / color / f"{number}.png", rgb, number)
    return folder


@pytest.fixture
def project(tmp_path: Path, pictures: Path) -> Iterator[Project]:
    """A project over ``pictures`` with the colours as labels."""
    with Project.create(tmp_path / "colors", pictures, list(COLORS), annotator="ann") as made:
        yield made
