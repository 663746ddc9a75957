"""The program that ``test_survival`` kills: a window in which somebody draws without pause, and says what the window calls saved.

``python -m tests.e2e.doomed_window PROJECT CONFIG`` writes one JSON object a line to standard output: ``id``, ``label`` and
``geometry`` of an annotation whose edits are saved, or ``gone`` for one that was deleted again. A line is final: what it names is
not touched any more.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEventLoop, QTimer

from annotator.settings import AppSettings
from tests.e2e.hands import Hands, Key
from ui import app as application

PATIENCE_S = 60.0
CORNERS = ((10, 10), (60, 20), (20, 50), (70, 60))


class Patience:
    """What ``Hands`` needs of qtbot."""

    @staticmethod
    def waitUntil(condition: Callable[[], Any], timeout: int = 5_000) -> None:
        """Let events happen until ``condition`` holds."""
        end = time.monotonic() + timeout / 1_000
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError
            loop = QEventLoop()
            QTimer.singleShot(5, loop, loop.quit)
            loop.exec()


def say(**line: Any) -> None:
    """One line, whole or not at all."""
    os.write(1, f"{json.dumps(line)}\n".encode())


def draw_without_end(hands: Hands) -> None:
    """Box after box over the images, each with a label by digit; every third is deleted again."""
    number = 0
    while True:
        x, y = CORNERS[number % len(CORNERS)]
        hands.drag([(x, y), (x + 15, y + 12), (x + 30 + number % 7, y + 25)])
        made = hands.last.id
        hands.key(str(1 + number % 3))
        if number % 3 == 2:
            hands.key(Key.Key_Delete)
        hands.until_saved()
        kept = {a.id: a for a in hands.page.annotations}
        if made in kept:
            say(id=str(made), label=hands.label_of(kept[made]), geometry=kept[made].geometry.to_json())
        else:
            say(id=str(made), gone=True)
        number += 1
        if number % 4 == 0:
            hands.key("d")


def main() -> None:
    """Open the project, wait for its first image, then draw."""
    project, config = Path(sys.argv[1]), Path(sys.argv[2])
    window = application.main_window(AppSettings(config / "settings.json"))
    collector = application.Collector(window)
    collector.start()
    window.resize(1280, 800)
    window.show()
    window.activateWindow()
    hands = Hands(window, Patience())
    window.open_path(project)
    hands.until(lambda: window.session.page is not None and window.canvas.hasFocus())
    hands.until_picture()
    hands.key("b")
    draw_without_end(hands)


if __name__ == "__main__":
    main()
