"""Sudden death of the engine in the middle of a job and of the window in the middle of drawing: nothing saved is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotator.domain.geometry import from_json
from annotator.project import Project
from tests.e2e.hands import Hands
from tests.e2e.pictures import make_many

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and sends SIGKILL")

LABELS = ("balloon", "clock", "mushroom")
KILLS = 3


def engines(parent: int) -> list[int]:
    """Process ids of the living engines that ``parent`` started."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            stat, command = (folder / "stat").read_text().rpartition(")")[2].split(), (folder / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if stat and int(stat[1]) == parent and stat[0] != "Z" and b"annotator.jobs.engine_process" in command:
            found.append(int(folder.name))
    return found


def wait_for(condition: Callable[[], Any], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this never happened"
        time.sleep(0.05)


def test_the_engine_dies_in_the_middle_of_suggesting(tmp_path: Path, open_window: Callable[[], Hands]) -> None:
    folder = make_many(tmp_path / "photos", 120)
    path = Project.folder_for(folder)
    Project.create(path, folder, LABELS).close()
    hands = open_window()
    window = hands.window
    window.open_path(path)
    hands.until(lambda: window.session.page is not None and window.canvas.hasFocus())
    hands.until_picture()
    hands.key("b")
    hands.drag([(10, 10), (40, 30), (60, 50)])
    drawn = hands.last

    def suggesting() -> Any:
        return next((j for j in window.jobs.running if j.name == "suggest" and 16 <= j.done < 100), None)

    hands.until(suggesting)
    job = suggesting()
    (victim,) = engines(os.getpid())
    os.kill(victim, signal.SIGKILL)
    hands.until(lambda: any("engine stopped" in text for text in window.toasts.texts))
    assert window.jobs.is_running("suggest")
    hands.drag([(70, 10), (90, 30), (100, 50)])  # the window goes on meanwhile
    hands.until_saved()
    hands.until_idle()
    assert (job.state, job.what) == ("done", "")
    assert job.result.images == 120
    assert engines(os.getpid()) != [victim]
    assert len(engines(os.getpid())) == 1
    ids = window.session.order.ids.tolist()
    assert len(ids) == 120
    first = hands.page.image.id
    assert all(window.session.read_page(i).suggestions for i in ids if i != first)
    both = hands.page.annotations
    assert len(both) == 2
    assert both[0] == drawn
    window.close()
    wait_for(lambda: not engines(os.getpid()))
    with Project.open(path) as project:
        assert project.history.page(first).annotations == both
        assert not project.images.problems()


def test_the_window_dies_in_the_middle_of_drawing(
    tmp_path: Path, open_window: Callable[[], Hands], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_many(tmp_path / "photos", 60)
    path = Project.folder_for(folder)
    Project.create(path, folder, LABELS).close()
    pick = random.Random(11)
    said: list[dict[str, Any]] = []
    for kill in range(KILLS):
        lines, orphans = kill_a_window(path, tmp_path / "config", 4 + 5 * kill, pick.uniform(0.0, 0.1))
        said += lines
        wait_for(lambda gone=orphans: not any(Path(f"/proc/{pid}").exists() for pid in gone))
    assert len(said) >= KILLS * 4

    hands = open_window()
    hands.window.open_path(path)
    hands.until(lambda: hands.window.session.page is not None)
    session = hands.window.session
    pages = [session.read_page(i) for i in session.order.ids.tolist()]
    there = {str(a.id): a for page in pages for a in page.annotations}
    for line in said:
        found = there.get(line["id"])
        if "gone" in line:
            assert found is None
        else:
            assert found is not None, f"{line} was saved and is lost"
            assert session.labels[found.label_id].name == line["label"]
            assert found.geometry == from_json(line["geometry"])
    assert len(there) <= sum("gone" not in line for line in said) + KILLS  # at most one a window was not reported yet
    assert hands.window.toasts.texts == []


def kill_a_window(path: Path, config: Path, after: int, late: float) -> tuple[list[dict[str, Any]], list[int]]:
    """Run a window until it has reported ``after`` annotations and a moment more; what it said, and its engines."""
    command = [sys.executable, "-m", "tests.e2e.doomed_window", str(path), str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        lines = [child.stdout.readline() for _ in range(after)]
        time.sleep(late)
        orphans = engines(child.pid)
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.readlines()
        assert b"Traceback" not in child.stderr.read()
    assert child.returncode == -signal.SIGKILL
    return [json.loads(line) for line in lines if line.endswith(b"\n")], orphans
