"""Makes the pictures of README and guide: ``python docs/make_screenshots.py [FOLDER]``, by default into docs/images.

A demo project is built from the pictures that the project draws itself and the photographs that scikit-image and scikit-learn
carry; the real window is played on it without a screen, and its pictures are kept under their names.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from annotator.jobs.demo import Demo

ANSWERS = 30
KEPT = {
    "annotate-dark-1280x800": "annotate-dark",
    "annotate-light-1280x800": "annotate-light",
    "suggestions-dark": "suggestions-dark",
    "smart-light": "smart-light",
    "start-dark": "start-dark",
    "review-dark": "review-dark",
    "insights-light": "insights-light",
    "export-dark": "export-dark",
    "import-light": "import-light",
    "splits-light": "splits-light",
    "versions-dark": "versions-dark",
    "report-light": "report-light",
}


def main() -> int:
    """Play and keep; returns 1 when a picture is missing."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images"
    place = (
        Path(tempfile.gettempdir()) / "annotator-screenshots"
    )  # a fixed name: it can be read in some of the pictures
    shutil.rmtree(place, ignore_errors=True)
    sys.path.insert(0, str(Path(__file__).parents[1]))

    from annotator.jobs.demo import prepare
    from ui.demo import play

    demo = prepare(place, annotator="simulated annotator")
    learn(demo)
    made = {path.stem: path for path in play(demo.folder, place / "screenshots")}
    target.mkdir(parents=True, exist_ok=True)
    for name, kept in KEPT.items():
        if name in made:
            shutil.copyfile(made[name], target / f"{kept}.png")
    missing = sorted(set(KEPT) - set(made))
    shutil.rmtree(place)
    told = f"; missing: {', '.join(missing)}" if missing else ""
    sys.stdout.write(f"{len(KEPT) - len(missing)} pictures in {target}{told}\n")
    return 1 if missing else 0


def learn(demo: Demo) -> None:
    """Answers of the simulated annotator and two rounds of learning, so that there are figures to see."""
    from annotator.edits import accept
    from annotator.project import Project

    with Project.open(demo.folder, annotator="simulated annotator") as project:
        project.suggest()
        labels = {label.name: label.id for label in project.labels.all()}
        order = project.queue.order().tolist()
        for first in (0, ANSWERS):
            for at, image_id in enumerate(order[first : first + ANSWERS]):
                page = project.history.page(image_id)
                name = demo.truth.images[page.image.uri]
                if page.suggestions and name in labels:
                    seconds = 0.8 + 0.1 * (at * 7 % 23)
                    words = project.history.vocabulary()
                    chosen = labels[name]
                    edit = accept(page, page.suggestions[0], words, annotator="Ada", label_id=chosen, seconds=seconds)
                    project.history.perform(edit)
            project.history.flush()
            project.train()


if __name__ == "__main__":
    sys.exit(main())
