"""Everything that can be wrong with a project's file gives one line that names it and says what to do; nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from annotator.errors import StoreError
from annotator.store import Database, NewImage, ProjectLock, problems


def _saved(folder: Path, images: int = 200) -> Path:
    with Database.create(folder) as database, database.write() as writer:
        writer.images.add_many(NewImage(f"{i}.jpg") for i in range(images))
    return folder / "project.db"


def _complaint(folder: Path) -> str:
    with pytest.raises(StoreError) as caught:
        Database.open(folder)
    said = str(caught.value)
    assert "\n" not in said
    assert str(folder) in said
    assert caught.value.cure
    return said


def test_a_folder_without_a_project(tmp_path: Path) -> None:
    assert "There is no project" in _complaint(tmp_path)


def test_making_a_project_twice(tmp_path: Path) -> None:
    _saved(tmp_path / "p")
    with pytest.raises(StoreError, match="already holds a project"):
        Database.create(tmp_path / "p")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"hello, world " * 100, "is not a project database"),
        (b"SQLite format 3\x00" + b"\x10", "is cut off after 17 bytes"),
    ],
)
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "project.db").write_bytes(content)
    assert said in _complaint(tmp_path)


def test_a_database_of_another_program(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "project.db")
    connection.execute("CREATE TABLE somebody (else_ TEXT)")
    connection.close()
    assert "is not a project database" in _complaint(tmp_path)


def test_a_truncated_database(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    os.truncate(path, path.stat().st_size // 2)
    assert "is cut off" in _complaint(tmp_path)


def test_pages_of_noise_are_named_as_damage(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    assert "is damaged" in _complaint(tmp_path)


def test_a_database_that_another_program_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _saved(tmp_path)
    monkeypatch.setattr("annotator.store.database._PRAGMAS", ("journal_mode=WAL", "busy_timeout=50"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with Database.open(tmp_path) as database:
            with pytest.raises(StoreError, match="is locked by another program"), database.write():
                pass
            with database.read() as reader:  # readers do not wait
                assert reader.images.count() == 200
    finally:
        other.close()


def test_a_full_disk_keeps_what_was_saved_and_says_so(tmp_path: Path) -> None:
    _saved(tmp_path)
    with Database.open(tmp_path) as database:
        with pytest.raises(StoreError, match="no room left on the disk"), database.write() as writer:
            writer.connection.execute(text("PRAGMA max_page_count = 1"))
            writer.images.add_many(NewImage(f"more {i}.jpg") for i in range(20_000))
        with database.write() as writer:
            writer.connection.execute(text("PRAGMA max_page_count = 1000000"))
            writer.images.add_many([NewImage("one more.jpg")])
        with database.read() as reader:
            assert reader.images.count() == 201


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        with Database.open(tmp_path, read_only=True) as database, database.read() as reader:
            assert reader.images.count() == 200
    finally:
        tmp_path.chmod(0o755)


_LEAVE_A_LOG = """
import os, sys
from pathlib import Path
from annotator.store import Database, NewImage
database = Database.open(Path(sys.argv[1]))
for i in range(5):
    with database.write() as writer:
        writer.images.add_many([NewImage(f"late {i}.jpg")])
os._exit(0)
"""


def _with_log(folder: Path) -> Path:
    """A project whose last five saves are only in its write-ahead log, as after a kill."""
    _saved(folder)
    subprocess.run([sys.executable, "-c", _LEAVE_A_LOG, str(folder)], check=True)
    return folder / "project.db-wal"


def test_a_good_log_is_used_and_nothing_is_said(tmp_path: Path) -> None:
    _with_log(tmp_path)
    with Database.open(tmp_path) as database, database.read() as reader:
        assert reader.images.count() == 205
        assert database.notices == ()


@pytest.mark.parametrize("place", [0, 16, 40, 5_000, -100])
def test_a_damaged_log_opens_at_an_earlier_save_and_says_so(tmp_path: Path, place: int) -> None:
    wal = _with_log(tmp_path)
    at = place % wal.stat().st_size
    with wal.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * 64)
    with Database.open(tmp_path) as database, database.read() as reader:
        assert 200 <= reader.images.count() < 205
        assert reader.images.count() == len(reader.images.ids())
        assert len(database.notices) == 1
        assert "project.db-wal was damaged" in database.notices[0]


def test_a_log_that_is_cut_off_opens_at_an_earlier_save(tmp_path: Path) -> None:
    wal = _with_log(tmp_path)
    os.truncate(wal, wal.stat().st_size // 2)
    with Database.open(tmp_path) as database, database.read() as reader:
        assert 200 <= reader.images.count() < 205
        assert reader.images.count() == len(reader.images.ids())


def test_frames_of_a_log_are_counted_to_its_last_commit(tmp_path: Path) -> None:
    wal = _with_log(tmp_path)
    frames = problems.committed_frames(wal)
    assert frames == (wal.stat().st_size - 32) // (4096 + 24)
    assert problems.committed_frames(tmp_path / "nothing") == 0
    wal.write_bytes(b"garbage" * 10)
    assert problems.committed_frames(wal) is None


def test_a_second_window_is_told_who_has_the_project(tmp_path: Path) -> None:
    with ProjectLock(tmp_path), pytest.raises(StoreError, match=rf"is open in another window \(PID {os.getpid()}\)"):
        ProjectLock(tmp_path)
    ProjectLock(tmp_path).release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    script = "import os, sys; from pathlib import Path; from annotator.store import ProjectLock\n"
    script += "lock = ProjectLock(Path(sys.argv[1])); os._exit(9)"
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 9
    ProjectLock(tmp_path).release()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_does_not_keep_the_lock_from_locking(tmp_path: Path) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        lock = ProjectLock(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with pytest.raises(StoreError, match="open in another window"):
        ProjectLock(tmp_path)
    lock.release()
    ProjectLock(tmp_path).release()
