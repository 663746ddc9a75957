"""The demo without a screen: the simulated annotator works in the real window, and pictures of it are left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PySide6.QtCore import QSettings

from annotator.domain.geometry import Box
from annotator.media.generate import build_demo_folder
from annotator.project import Project
from ui.demo import play

SIZES = {"annotate-dark-1920x1080": (1920, 1080), "annotate-light-1920x1080": (1920, 1080)}
NAMES = ("start", "suggestions", "annotate", "palette", "smart", "review", "insights", "export", "report", "shortcuts")
NAMES += ("import", "splits", "versions")


def test_the_tour_draws_judges_exports_and_leaves_pictures(
    qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path / "qsettings"))
    truth = build_demo_folder(tmp_path / "pictures", per_label=4, labels=("balloon", "clock", "sailboat"))
    path = tmp_path / "demo.annotator"
    Project.create(path, truth.folder, truth.labels).close()
    made = play(path, tmp_path / "out")
    assert {file.name.split("-")[0] for file in made} == set(NAMES)
    brightness: dict[str, float] = {}
    for file in made:
        with Pillow.open(file) as picture:
            assert picture.size == SIZES.get(file.stem, (1280, 800))
            grey = np.asarray(picture.convert("L"))
        assert grey.std() > 5
        brightness[file.stem] = float(np.median(grey))
    light = [name for name in brightness if "-light" in name]
    assert len(light) == len(NAMES) + 1
    assert all(brightness[name] > brightness[name.replace("-light", "-dark")] + 40 for name in light)
    with Project.open(path) as project:
        pages = [project.history.page(i) for i in project.images.ids().tolist()]
        (drawn,) = [p for p in pages if any(isinstance(a.geometry, Box) for a in p.annotations)]
        found = sorted(a.geometry.bounds() for a in drawn.annotations if isinstance(a.geometry, Box))
        right = sorted(box.bounds() for box in truth.boxes[drawn.image.uri])
        assert len(found) == len(right)
        assert np.abs(np.array(found) - np.array(right)).max() < 2
        names = {label.id: label.name for label in project.labels.all()}
        judged = [p for p in pages if p.verdicts]
        assert len(judged) >= 2
        assert all(names[a.label_id] == truth.images[p.image.uri] for p in judged for a in p.annotations)
    assert (tmp_path / "exports" / "window" / "annotations" / "instances.json").is_file()
