"""Feeds damaged datasets to every reader: ``python -m tests.fuzz --minutes 60 --json``.

A reader may give a dataset or one ``FormatError``; anything else is a crash, and more than ten seconds a hang (the files are far
below a megabyte). Every so often a damaged file is imported into a project: all of it must come in, or nothing. Finds are kept as
folders with the seed that made them, so that each can become a test.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

from PIL import Image as Picture

from annotator.errors import AnnotatorError, FormatError
from annotator.formats import registry
from annotator.project import Project
from tests.contracts.format_datasets import HEIGHT, IMAGES, WIDTH, everything

GOLDEN = Path(__file__).parent / "golden"
SLOW = 10
IMPORT_EVERY = 50
TEXT = frozenset({".json", ".jsonl", ".txt", ".xml", ".yaml", ".csv", ".ini", ".tsv"})
JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 10**400, 1e308, -0.0, "", "NaN", "../../x", "\ud800", "\x00", "a" * 5000, [], {}, [[]], [None],
    {"a": 1}, [1, 2, 3], "1" * 400,
)  # fmt: skip
TOKENS = (
    b"NaN", b"-Infinity", b"1e999", b"-1", b"99999999999999999999", b"null", b"[]", b"{}", b'"', b"<", b">", b"&x;", b"\x00",
    b"\xff\xfe", b"\n", b",", b"../../../", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"-7", b"0", b"\xed\xa0\x80",
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")


class HangError(Exception):
    """A reader took too long."""


@dataclass
class Finds:
    """What was tried, what was wrong."""

    tried: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    crashes: list[dict[str, Any]] = field(default_factory=list)


def corpus(place: Path) -> dict[str, list[Path]]:
    """Whole datasets by format: those written by hand, and one written by our writer of all that it holds."""
    found: dict[str, list[Path]] = {}
    place.mkdir()
    for format_id in registry.formats():
        spec = registry.spec(format_id)
        target = place / format_id / ("own" + (spec.suffixes[0] if spec.file_only else ""))
        picture = place / "picture.png"
        Picture.new("RGB", (WIDTH, HEIGHT)).save(picture)
        images = tuple(replace(image, path=picture) for image in everything().images)
        mode = "copy" if spec.needs_images else "none"
        registry.writer(format_id).write(replace(everything(), images=images), target, images=mode)
        golden = GOLDEN / format_id
        found[format_id] = [target, *([golden] if golden.is_dir() else [])]
    return found


def damaged(source: Path, place: Path, rng: random.Random) -> Path:
    """A copy of a dataset of which one to three files were changed."""
    target = place / source.name
    if source.is_file():
        shutil.copyfile(source, target)
        files = [target]
    else:
        shutil.copytree(source, target)
        files = [file for file in sorted(target.rglob("*")) if file.is_file()]
        files = [file for file in files if file.suffix in TEXT] or files
    for _ in range(rng.randint(1, 3)):
        file = rng.choice(files)
        file.write_bytes(_mutated(file, rng))
    return target


def _mutated(file: Path, rng: random.Random) -> bytes:
    data = file.read_bytes()
    if file.suffix in (".json", ".jsonl") and rng.random() < 0.6:
        try:
            content = json.loads(data)
        except ValueError:
            return _bytes(data, rng)
        return json.dumps(_tree(content, rng)).encode("utf-8", "surrogatepass")
    return _bytes(data, rng)


def _tree(content: Any, rng: random.Random) -> Any:
    """JSON of which one value somewhere was exchanged, doubled or taken out."""
    nodes: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            nodes.append((value, key))
            walk(inner)

    walk(content)
    if not nodes:
        return rng.choice(JUNK)
    holder, key = rng.choice(nodes)
    match rng.randint(0, 3):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.append(holder[key])
        case 2:
            other, place = rng.choice(nodes)
            if (isinstance(other, dict) and place in other) or (isinstance(other, list) and place < len(other)):
                holder[key] = json.loads(json.dumps(other[place]))
        case _:
            holder[key] = rng.choice(JUNK)
    return content


def _bytes(data: bytes, rng: random.Random) -> bytes:
    content = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randint(0, len(content)), rng.randint(0, 12)
        match rng.randint(0, 5):
            case 0:
                content[at : at + length] = rng.choice(TOKENS)
            case 1:
                content[at : at + length] = bytes(rng.randrange(256) for _ in range(length))
            case 2:
                del content[at:]
            case 3:
                content[at:at] = content[at : at + 40 * length]
            case 4:
                numbers = list(_NUMBER.finditer(content))
                if numbers:
                    one = rng.choice(numbers)
                    content[one.start() : one.end()] = rng.choice(TOKENS)
            case _:
                lines = bytes(content).split(b"\n")
                rng.shuffle(lines)
                content = bytearray(b"\n".join(lines))
    return bytes(content)


def read(format_id: str, path: Path, *, skip_bad: bool) -> None:
    """Read all of it, as an import does."""
    imported = registry.reader(format_id).read(path, image_size=lambda _: (WIDTH, HEIGHT), skip_bad=skip_bad)
    for image in imported.dataset.images:
        for one in image.annotations:
            one.geometry.bounds()
    imported.report().to_json()


def imports_whole_or_not(format_id: str, path: Path, project: Path) -> None:
    """Import into a project; after an error its rows must be what they were. Raises ``AssertionError`` otherwise."""
    with Project.open(project) as opened:
        before = opened.stats()
        try:
            opened.import_dataset(path, format_id)
        except AnnotatorError:
            assert opened.stats() == before, "an import that failed left something behind"
        else:
            while opened.history.undo() is not None:
                pass


def _project(place: Path) -> Path:
    for name in IMAGES:
        file = place / "pictures" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Picture.new("RGB", (WIDTH, HEIGHT)).save(file)
    Project.create(place / "project", place / "pictures").close()
    return place / "project"


def guarded(act: Callable[[], None]) -> None:
    """Run with a time limit where the system has one."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise HangError(f"more than {SLOW} s")

    if not hasattr(signal, "SIGALRM"):
        act()
        return
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SLOW)
    try:
        act()
    finally:
        signal.alarm(0)


def fuzz(minutes: float, seed: int, formats: tuple[str, ...], keep: Path) -> Finds:
    """Try damaged datasets of all formats in turn until the time is over."""
    finds, number = Finds(), seed
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        sources, project = corpus(place / "corpus"), _project(place)
        until = time.monotonic() + 60 * minutes
        while time.monotonic() < until:
            for format_id in formats:
                number += 1
                rng = random.Random(number)
                work = place / "work"
                shutil.rmtree(work, ignore_errors=True)
                work.mkdir()
                path = damaged(rng.choice(sources[format_id]), work, rng)
                _try(finds, format_id, path, number, keep, project if number % IMPORT_EVERY == 0 else None)
    return finds


def _try(finds: Finds, format_id: str, path: Path, number: int, keep: Path, project: Path | None) -> None:
    finds.tried[format_id] += 1
    try:
        for skip_bad in (False, True):
            try:
                guarded(lambda skip=skip_bad: read(format_id, path, skip_bad=skip))  # type: ignore[misc]
            except FormatError:
                finds.errors[format_id] += 1
        if project is not None:
            guarded(lambda: imports_whole_or_not(format_id, path, project))
    except Exception as error:  # noqa: BLE001  that is what is looked for
        kept = keep / f"{format_id}-{number}"
        kept.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            shutil.copyfile(path, kept / path.name)
        else:
            shutil.copytree(path, kept / path.name, dirs_exist_ok=True)
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        finds.crashes.append(
            {"format": format_id, "seed": number, "error": f"{type(error).__name__}: {error}"[:300], "where": where}
        )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--formats", default=",".join(registry.formats()))
    parser.add_argument(
        "--keep", type=Path, default=Path(tempfile.gettempdir()) / "annotator-fuzz", help="where finds are kept"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    faulthandler.enable()
    finds = fuzz(given.minutes, given.seed, tuple(given.formats.split(",")), given.keep)
    if given.json:
        print(json.dumps({"tried": finds.tried, "errors": finds.errors, "crashes": finds.crashes}))
    else:
        for format_id, count in finds.tried.items():
            print(f"{format_id:14} {count:>8,} tried {finds.errors[format_id]:>8,} refused")
        for crash in finds.crashes:
            print(f"{crash['format']} (seed {crash['seed']}) {crash['where']}: {crash['error']}")
        print(f"{len(finds.crashes)} crashes or hangs")
    sys.exit(1 if finds.crashes else 0)


if __name__ == "__main__":
    main()
