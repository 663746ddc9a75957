"""The folder that the end-to-end tests open: drawn pictures among everything that makes a real folder difficult."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image as Pillow

from annotator.media.drawn_things import THINGS, draw_picture

LABELS = ("balloon", "clock", "mushroom", "sailboat")
ODD_NAME = "Café am Fluß – 日本 1.png"
PHONE = "phone.jpg"
PHONE_SIZE = (300, 400)
"""As it is shown: the file holds 400 × 300 pixels and says that they lie on their side."""
SIXTEEN = "scan sixteen.tif"
BROKEN = "broken.jpg"
TWINS = ("clocks/one.jpg", "sailing/one.jpg")
READABLE = ("balloon.jpg", "mushroom.jpg", *TWINS, ODD_NAME, PHONE, SIXTEEN)


def make_folder(folder: Path) -> Path:
    """Seven pictures that can be read and one that is cut off."""
    truth = {
        "balloon.jpg": "balloon",
        "mushroom.jpg": "mushroom",
        TWINS[0]: "clock",
        TWINS[1]: "sailboat",
        ODD_NAME: "balloon",
    }
    for number, (name, label) in enumerate(truth.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(drawn(label, number)).save(path)
    upright = Pillow.fromarray(drawn("sailboat", 7)).resize(PHONE_SIZE)
    tags = Pillow.Exif()
    tags[0x0112] = 6  # to be shown turned a quarter to the right
    upright.rotate(90, expand=True).save(folder / PHONE, exif=tags)
    ramp = np.linspace(500, 52_000, 320, dtype=np.uint16)
    tifffile.imwrite(folder / SIXTEEN, np.tile(ramp, (240, 1)))
    whole = io.BytesIO()
    Pillow.fromarray(drawn("clock", 9)).save(whole, "JPEG")
    (folder / BROKEN).write_bytes(whole.getvalue()[:300])
    return folder


def drawn(label: str, seed: int) -> np.ndarray:
    """(h, w, 3) uint8 RGB: a picture of ``label``, one of the things that the demo draws."""
    assert label in THINGS
    return draw_picture(label, np.random.default_rng(seed)).rgb


def make_many(folder: Path, count: int) -> Path:
    """``count`` small pictures that differ."""
    folder.mkdir(parents=True)
    wholes = [Pillow.fromarray(drawn(label, 3)).resize((160, 120)) for label in LABELS]
    for number in range(count):
        wholes[number % len(wholes)].rotate(number).save(folder / f"picture {number:03}.jpg")
    return folder
