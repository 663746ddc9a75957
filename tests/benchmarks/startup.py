"""From the command to the first paint, in a process of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
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
HEAVY = ("torch", "torchvision", "open_clip", "segment_anything", "onnxruntime", "sklearn", "skimage", "scipy.stats")


def rows(quick: bool) -> Iterator[Row]:
    code = f"HEAVY = {HEAVY!r}\n{FIRST_PAINT}"
    seconds, heavy = [], set()
    for _ in range(3 if quick else 7):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        answer = json.loads(done.stdout.splitlines()[-1])
        seconds.append(answer["cpu"])
        heavy.update(answer["modules"])
    yield Row("window visible, cold start", statistics.median(seconds), 1.0, "CPU s", note=" ".join(sorted(heavy)))
    yield Row("heavy modules loaded before the first paint", len(heavy), 0, "modules")
