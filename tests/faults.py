"""``python -m tests.faults --kills N [--json]``: a process that saves edits is killed at random instants; nothing saved is lost.

A child performs, undoes and redoes edits and reports each one that its future acknowledged. The parent kills it (SIGKILL), opens
the project again and checks that every acknowledged line is in the log, that replaying the log gives exactly the annotations in
the tables, that the counters agree and that SQLite finds no damage. Every third time the write-ahead log is also cut off or
overwritten with noise at a random place: what is saved before the damage must be there, as one consistent state.

Prints {"kills", "faults", "lost"}: kills done, kinds of damage done to logs, acknowledged edits that were missing (0 is the only
good answer). Exits 1 when anything was lost or inconsistent.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

from annotator import edits
from annotator.domain.geometry import Box
from annotator.domain.records import Annotation, new_annotation
from annotator.edits import AnnotationChange, BatchChange, History, changes, codec
from annotator.store import Database, WriteLane
from tests.projects import IMAGES, THINGS, make_project, vocabulary

ME = "ada"
ROWS = (1_000, 3)
"""Above how many rows the child makes batches: without any, the log can be replayed row by row; with many, flags are turned."""


class Inconsistent(Exception):
    """The project that was opened after a fault contradicts itself."""


def work(folder: Path, seed: int, many_rows: int) -> None:
    """The child: edits without end. Writes one line per acknowledged edit to standard output."""
    changes.MANY_ROWS = many_rows
    pick = random.Random(seed)
    database = Database.open(folder)
    lane = WriteLane(database)
    history = History(database, lane, ME)
    words = vocabulary(database)

    def acknowledge(future: object) -> None:
        os.write(1, f"{future.result()}\n".encode())  # type: ignore[attr-defined]

    while True:
        page = history.page(pick.choice(IMAGES))
        choice = pick.random()
        if choice < 0.2:
            history.undo()
            continue
        if choice < 0.3:
            history.redo()
            continue
        if choice < 0.4 and page.annotations:
            ids = [a.id for a in page.annotations]
            edit = edits.delete(page, pick.sample(ids, pick.randint(1, min(6, len(ids)))), annotator=ME)
        elif choice < 0.5 and page.suggestions:
            edit = edits.accept(page, page.suggestions[0], words, annotator=ME)
        elif choice < 0.6:
            pages = [history.page(image) for image in IMAGES]
            edit = edits.tag_many(pages, pick.randint(1, 3), words, annotator=ME)
        else:
            x, y = pick.randint(0, 500), pick.randint(0, 400)
            box = Box(x, y, x + pick.randint(1, 90), y + pick.randint(1, 70))
            edit = edits.draw(page, new_annotation(page.image.id, pick.choice(THINGS), box, ME))
        if edit.changes:
            history.perform(edit).future.add_done_callback(acknowledge)


def kill_once(folder: Path, many_rows: int, pick: random.Random) -> set[int]:
    """Start a child, kill it at a random instant after its first edit; returns the ids that it acknowledged."""
    command = [sys.executable, "-m", "tests.faults", "--work", str(folder), "--seed", str(pick.randrange(2**32))]
    command += ["--many-rows", str(many_rows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        if not first:
            raise Inconsistent(f"the child ended by itself with status {child.wait()}")
        time.sleep(pick.uniform(0.0, 0.4))
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read()
    lines = (first + rest).split(b"\n")
    return {int(line) for line in lines[:-1]}


def damage(folder: Path, pick: random.Random) -> str | None:
    """Cut off or overwrite a part of the write-ahead log; returns what was done, None when there is no log."""
    wal = folder / "project.db-wal"
    size = wal.stat().st_size if wal.exists() else 0
    if size == 0:
        return None
    place = pick.randrange(size)
    if pick.random() < 0.5:
        os.truncate(wal, place)
        return "cut"
    with wal.open("r+b") as file:
        file.seek(place)
        file.write(pick.randbytes(min(4096, size - place)))
    return "noise"


def check(folder: Path) -> set[int]:
    """Open the project and judge it; returns the ids of the lines in its log. Raises ``Inconsistent``."""
    with Database.open(folder) as database, database.read() as reader:
        problems = reader.connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        if problems != ["ok"]:
            raise Inconsistent(f"integrity check: {problems}")
        if reader.connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
            raise Inconsistent("a foreign key dangles")
        if reader.counters.all() != reader.counters.recount():
            raise Inconsistent("the counters disagree with the rows")
        lines = list(reversed(reader.edits.latest(10**9)))
        if [line.id for line in lines] != list(range(1, len(lines) + 1)):
            raise Inconsistent("the log has a gap")
        expected: dict[UUID, Annotation] = {}
        batches: dict[UUID, bool] = {}
        for line in lines:
            for change in codec.load_changes(line.payload):
                if isinstance(change, BatchChange):
                    batches[change.batch_id] = change.applied
                elif isinstance(change, AnnotationChange):
                    _replay(change, expected)
        found = {a.id: a for image in IMAGES for a in reader.pages.load(image).annotations}
        if not batches and found != expected:
            raise Inconsistent("the annotations are not those of the log")
        if any(reader.batches.applied(batch) is not applied for batch, applied in batches.items()):
            raise Inconsistent("a batch is not in the state that the log gave it")
        return {line.id for line in lines}


def _replay(change: AnnotationChange, table: dict[UUID, Annotation]) -> None:
    if change.before is not None:
        table.pop(change.before.id, None)
    if change.after is not None:
        table[change.after.id] = change.after


def run(kills: int, seed: int = 0) -> dict[str, int]:
    """The whole experiment."""
    pick = random.Random(seed)
    lost = faults = 0
    with tempfile.TemporaryDirectory() as place:
        template = Path(place) / "template.annotator"
        make_project(template).close()
        folder = Path(place) / "victim.annotator"
        shutil.copytree(template, folder)
        known: set[int] = set()
        many_rows = ROWS[0]
        for number in range(kills):
            known |= kill_once(folder, many_rows, pick)
            if number % 3 == 2:
                copy = Path(place) / "damaged.annotator"
                shutil.copytree(folder, copy)
                if damage(copy, pick) is not None:
                    faults += 1
                    check(copy)
                shutil.rmtree(copy)
            there = check(folder)
            lost += len(known - there)
            known = there
            if number % 5 == 4:  # a young project now and then: a long log makes every check slower
                many_rows = ROWS[number // 5 % 2 - 1]
                shutil.rmtree(folder)
                shutil.copytree(template, folder)
                known = set()
    return {"kills": kills, "faults": faults, "lost": lost}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="how many times to kill the process")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--many-rows", type=int, default=ROWS[0], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work is not None:
        work(arguments.work, arguments.seed, arguments.many_rows)
    try:
        result = run(arguments.kills, arguments.seed)
    except Inconsistent as error:
        print(f"Inconsistent after a fault: {error}", file=sys.stderr)
        return 1
    print(json.dumps(result) if arguments.json else "  ".join(f"{key} {value}" for key, value in result.items()))
    return 0 if result["lost"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
