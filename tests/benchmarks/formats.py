"""A large COCO file into a project and out again, against a bare JSON parse and raw SQLite inserts of the same records.

Processor time, so that neither the disk nor other programs of the machine decide.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.guard import Timed
from tests.benchmarks.row import Row

PER_IMAGE = 10
CORNERS = 12
LABELS = 80


def generate(file: Path, count: int) -> None:
    """``count`` annotations on a tenth as many images: three fifths outlines of twelve corners, the rest boxes."""
    pick = random.Random(7)
    images = count // PER_IMAGE
    with file.open("w") as out:
        out.write('{"info": {"year": 2024}, "images": [')
        out.write(
            ",".join(f'{{"id": {i}, "file_name": "{i:09d}.jpg", "width": 640, "height": 480}}' for i in range(images))
        )
        out.write('], "annotations": [')
        for i in range(count):
            x, y, w, h = (round(pick.uniform(a, b), 2) for a, b in ((0, 400), (0, 300), (10, 200), (10, 150)))
            outline = ""
            if i % 5 < 3:
                outline = ", ".join(
                    f"{x + round(pick.uniform(0, w), 2):.2f}, {y + round(pick.uniform(0, h), 2):.2f}"
                    for _ in range(CORNERS)
                )
                outline = f"[{outline}]"
            out.write(
                f'{", " if i else ""}{{"id": {i + 1}, "image_id": {i // PER_IMAGE}, "category_id": {i % LABELS + 1}, '
                f'"segmentation": [{outline}], "area": {w * h:.4f}, "bbox": [{x}, {y}, {w}, {h}], "iscrowd": 0}}'
            )
        out.write('], "categories": [')
        out.write(", ".join(f'{{"id": {i + 1}, "name": "label {i}", "supercategory": ""}}' for i in range(LABELS)))
        out.write("]}")


def bare_import(file: Path, database: Path) -> float:
    """CPU seconds to parse the file and to insert each record into a table that can be searched by image."""
    start = time.process_time()
    content = json.loads(file.read_bytes())
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, image INTEGER, label INTEGER, crowd INTEGER, box TEXT, outline TEXT)"
    )
    connection.execute("CREATE INDEX i ON a (image)")
    dumps = json.dumps
    rows = (
        (a["id"], a["image_id"], a["category_id"], a["iscrowd"], dumps(a["bbox"]), dumps(a["segmentation"]))
        for a in content["annotations"]
    )
    connection.executemany("INSERT INTO a VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return time.process_time() - start


def bare_export(database: Path, file: Path) -> float:
    """CPU seconds for the reverse: read each row, parse what it holds, and write one JSON file."""
    start = time.process_time()
    connection = sqlite3.connect(database)
    loads = json.loads
    found = [
        {
            "id": i,
            "image_id": image,
            "category_id": label,
            "iscrowd": crowd,
            "bbox": loads(box),
            "segmentation": loads(outline),
        }
        for i, image, label, crowd, box, outline in connection.execute("SELECT * FROM a ORDER BY image")
    ]
    with file.open("w") as out:
        json.dump({"annotations": found}, out)
        out.flush()
        os.fsync(out.fileno())
    connection.close()
    return time.process_time() - start


def through_the_project(step: str, folder: Path) -> dict[str, Any]:
    """Import or export in this process: CPU seconds, annotations and the most memory it took, in MB."""
    from annotator import Project

    with Project.open(folder / "large.annotator") as project:
        gc.collect()
        start = time.process_time()
        if step == "import":
            done: Any = project.import_dataset(folder / "in.json", "coco")
        else:
            done = project.export(folder / "out.json", "coco")
        seconds = time.process_time() - start
    return {"seconds": seconds, "annotations": done.annotations, "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    """The most memory this process has had; not ``ru_maxrss``, which starts with that of the parent."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def _apart(step: str, folder: Path) -> dict[str, Any]:
    """``through_the_project`` in a process of its own, so that its memory is not that of the rows before."""
    command = [sys.executable, "-m", "tests.benchmarks.formats", step, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{step} failed:\n{done.stderr[-4000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _project(folder: Path, images: int) -> None:
    from annotator import Project
    from annotator.store import Database, NewImage

    Project.create(folder / "large.annotator").close()
    with Database.open(folder / "large.annotator") as database, database.write() as writer:
        root = writer.images.add_root("/pictures")
        writer.images.add_many(NewImage(f"{i:09d}.jpg", root, width=640, height=480) for i in range(images))


def rows(quick: bool) -> Iterator[Row]:
    """Import and export as ratios to their bare baselines, and their memory."""
    yield from rows_of(100_000 if quick else 1_000_000)


def guarded(count: int = 4_000) -> Iterator[Timed]:
    """What the guard measures: the same ratios for fewer annotations, in turn."""
    turn = itertools.count()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        generate(folder / "in.json", count)

        def anew() -> None:
            shutil.rmtree(folder / "large.annotator", ignore_errors=True)
            _project(folder, count // PER_IMAGE)

        def bare() -> None:
            bare_import(folder / "in.json", folder / f"bare{next(turn)}.db")

        yield Timed(
            f"COCO import of {count:,} annotations", lambda: through_the_project("import", folder), anew, bare, 4
        )
        anew()
        through_the_project("import", folder)
        yield Timed(
            f"COCO export of {count:,} annotations",
            lambda: through_the_project("export", folder),
            before=lambda: (folder / "out.json").unlink(missing_ok=True),
            beside=lambda: bare_export(folder / "bare0.db", folder / "bare.json"),
            rounds=4,
        )


def rows_of(count: int) -> Iterator[Row]:
    """The rows for so many annotations."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        generate(folder / "in.json", count)
        _project(folder, count // PER_IMAGE)
        bare = {"import": bare_import(folder / "in.json", folder / "bare.db")}
        gc.collect()
        bare["export"] = bare_export(folder / "bare.db", folder / "bare.json")
        for step in ("import", "export"):
            took = _apart(step, folder)
            assert took["annotations"] == count
            note = f"× {bare[step]:.1f} s bare; {took['seconds']:.1f} s"
            yield Row(f"COCO {step} of {count:,} annotations", took["seconds"] / bare[step], 4, "×", note=note)
            yield Row(f"COCO {step} of {count:,} annotations, memory", took["peak_mb"], 1_500, "MB")


if __name__ == "__main__":
    print(json.dumps(through_the_project(sys.argv[1], Path(sys.argv[2]))))
