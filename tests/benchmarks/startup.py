"""From the command to the first paint, in a process of its own, with the modules compiled, as after any first start."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from tests.benchmarks.row import Row

FIRST_PAINT = """
import json, sys, time
from annotator.settings import AppSettings
from ui import app
application = app.application([])
window = app.main_window(AppSettings())
window.show()
while not window.isVisible() or window.grab().isNull():
    application.processEvents()
print(json.dumps({"cpu": time.process_time(), "modules": [m for m in HEAVY if m in sys.modules]}))
"""
HEAVY = (
    "torch", "torchvision", "open_clip", "segment_anything", "onnxruntime", "sklearn", "skimage", "scipy.stats", "qtpy",
)  # fmt: skip


def rows(quick: bool) -> Iterator[Row]:
    code = f"HEAVY = {HEAVY!r}\n{FIRST_PAINT}"
    seconds, heavy = [], set()
    with tempfile.TemporaryDirectory() as place:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": place, "PYTHONDONTWRITEBYTECODE": ""}
        for _ in range(4 if quick else 8):
            command = [sys.executable, "-c", code]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
            answer = json.loads(done.stdout.splitlines()[-1])
            seconds.append(answer["cpu"])
            heavy.update(answer["modules"])
    del seconds[0]  # it compiled the modules
    yield Row("window visible, cold start", statistics.median(seconds), 1.0, "CPU s", note=" ".join(sorted(heavy)))
    yield Row("heavy modules loaded before the first paint", len(heavy), 0, "modules")
