"""What every command promises: one JSON object, one line for an error, the exit status, nothing of Qt or torch on the way."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annotator.cli import main as cli
from annotator.cli.shared import plain
from annotator.errors import AnnotatorError, JobCancelled, UsageError
from annotator.formats.dataset import Dataset
from annotator.formats.report import Report
from annotator.project import Project
from tests.unit.cli.conftest import Command


def test_new_and_stats_answer_with_one_object(command: Command, pictures: Path, tmp_path: Path) -> None:
    (pictures / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    made = command("new", tmp_path / "p", "--images", pictures, "--labels", "red, green,blue", "--json")
    assert made.status == 0
    assert made.json["images"] == 13
    assert made.json["unreadable"] == 1
    assert made.json["seconds"] > 0
    stats = command("stats", tmp_path / "p", "--json").json
    assert stats["images"] == 13
    assert [label["name"] for label in stats["labels"]] == ["red", "green", "blue"]
    assert stats["states"]["unreadable"] == 1
    assert stats["problems"][0]["uri"] == "broken.jpg"


@pytest.mark.parametrize(("option", "exclusive"), [((), True), (("--multi",), False)])
def test_new_says_whether_a_picture_may_have_several_tags(
    command: Command, pictures: Path, tmp_path: Path, option: tuple[str, ...], exclusive: bool
) -> None:
    assert command("new", tmp_path / "p", "--images", pictures, "--labels", "red,green", *option).status == 0
    with Project.open(tmp_path / "p", read_only=True) as project:
        (group,) = project.labels.groups()
        assert group.exclusive is exclusive
        assert [label.group_id for label in project.labels.all()] == [group.id, group.id]


def test_people_get_words(command: Command, pictures: Path, tmp_path: Path) -> None:
    made = command("new", tmp_path / "p", "--images", pictures, "--labels", "red")
    assert "12 pictures" in made.out
    assert "red" in command("stats", tmp_path / "p").out


def test_a_failure_is_one_line_and_status_1(command: Command, tmp_path: Path) -> None:
    failed = command("stats", tmp_path / "nothing", "--json")
    assert failed.status == 1
    assert failed.out == ""
    assert failed.err.count("\n") == 1
    assert "nothing" in failed.err


@pytest.mark.parametrize(
    "arguments", [["new"], ["stats", "x", "--nonsense"], ["new", "x", "--images"], ["models", "info", "no-such-model"]]
)
def test_wrong_usage_is_status_2(command: Command, arguments: list[str]) -> None:
    wrong = command(*arguments)
    assert wrong.status == 2
    assert wrong.out == ""
    assert "Traceback" not in wrong.err


def test_a_name_that_is_neither_command_nor_folder_is_wrong_usage(command: Command) -> None:
    wrong = command("statz")
    assert wrong.status == 2
    assert "statz" in wrong.err


@pytest.mark.parametrize("damage", ["truncated", "rubbish", "newer"])
def test_a_damaged_database_is_one_line(command: Command, pictures: Path, tmp_path: Path, damage: str) -> None:
    command("new", tmp_path / "p", "--images", pictures)
    file = tmp_path / "p" / "project.db"
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:5000])
    elif damage == "rubbish":
        file.write_bytes(b"this is no database" * 400)
    else:
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.close()
    failed = command("stats", tmp_path / "p", "--json")
    assert (failed.status, failed.out, failed.err.count("\n")) == (1, "", 1)
    assert "project" in failed.err


def test_a_bug_is_one_line_with_the_log_and_a_traceback_only_there(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("annotator.usecases.opening.find", lambda path: 1 / 0)
    failed = command("stats", tmp_path, "--json")
    assert (failed.status, failed.out, failed.err.count("\n")) == (1, "", 1)
    log = tmp_path / "log" / "annotator.log"
    assert str(log) in failed.err
    assert "ZeroDivisionError" in log.read_text(encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        command("--debug", "stats", tmp_path)


@pytest.mark.parametrize(
    ("error", "status"),
    [(AnnotatorError("a.", "b."), 1), (UsageError("a.", "b."), 2), (JobCancelled(), 1), (KeyboardInterrupt(), 1)],
)
def test_every_end_has_its_status(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException, status: int
) -> None:
    def fail(path: Path) -> Path:
        raise error

    monkeypatch.setattr("annotator.usecases.opening.find", fail)
    ended = command("stats", tmp_path)
    assert ended.status == status
    assert ended.err.count("\n") == 1


def test_a_message_with_line_breaks_and_odd_bytes_stays_one_line(command: Command, tmp_path: Path) -> None:
    failed = command("new", tmp_path / "p", "--images", f"{tmp_path}/a\nb\udcff")
    assert failed.status == 1
    assert failed.err.count("\n") == 1


def test_numbers_that_json_lacks_become_null() -> None:
    assert plain({"a": float("nan"), "b": (1, float("inf"))}) == {"a": None, "b": [1, None]}


def test_version(command: Command) -> None:
    assert command("--version").out.startswith("annotator ")


def test_models_are_listed_and_described(command: Command) -> None:
    listed = command("models", "list", "--json").json["models"]
    embedded = next(model for model in listed if model["id"] == "embedded")
    assert embedded["ready"] is True
    assert embedded["tasks"] == ["tags"]
    described = command("models", "info", "embedded", "--json").json
    assert described["licence"] == "Apache-2.0"
    assert command("models", "info", "embedded").out.startswith("id: embedded")
    assert command("models", "pull", "embedded").status == 2


def test_as_a_process_the_output_is_nothing_but_json(process: Command, pictures: Path, tmp_path: Path) -> None:
    made = process("new", tmp_path / "p", "--images", pictures, "--json")
    assert made.status == 0
    assert made.json["images"] == 12
    assert made.err == ""


def test_a_reader_that_leaves_early_is_no_traceback(pictures: Path, tmp_path: Path, command: Command) -> None:
    command("new", tmp_path / "p", "--images", pictures)
    line = f"{sys.executable} -m annotator stats {tmp_path / 'p'} | head -0"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr


def test_the_shell_imports_neither_qt_nor_torch(pictures: Path, tmp_path: Path) -> None:
    code = (
        "import sys, json; from annotator.cli.main import run;"
        f"run(['new', {str(tmp_path / 'p')!r}, '--images', {str(pictures)!r}]); run(['stats', {str(tmp_path / 'p')!r}]);"
        "print(json.dumps([m for m in ('PySide6', 'torch', 'open_clip', 'sklearn') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_root_of_the_parsers_errors_is_found() -> None:
    assert cli.ClickError.__name__ == "ClickException"


def test_a_full_disk_is_said_and_is_no_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import errno

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/p/cache/order.npy")

    monkeypatch.setattr("annotator.project.Project.open", fail)
    assert cli.run(["stats", "p"]) == 1
    said = capsys.readouterr().err
    assert (
        said
        == "There is no room left on the disk of /data/p/cache/order.npy. Free some space; nothing already saved is lost.\n"
    )


def test_brackets_in_what_people_read_are_no_markup(command: Command, pictures: Path, tmp_path: Path) -> None:
    command("new", tmp_path / "p", "--images", pictures, "--labels", "[red], cat [old]")
    shown = command("stats", tmp_path / "p").out
    assert "[red]" in shown
    assert "cat [old]" in shown


def test_an_export_is_read_back(command: Command, pictures: Path, tmp_path: Path) -> None:
    command("new", tmp_path / "p", "--images", pictures, "--labels", "red,green")
    plain = command("export", tmp_path / "p", tmp_path / "one", "--format", "coco", "--scope", "all", "--json")
    assert plain.json["verified"] is None
    out = command(
        "export", tmp_path / "p", tmp_path / "two", "--format", "coco", "--scope", "all", "--verify", "--json"
    )
    assert out.status == 0
    assert out.json["verified"]["images"] == out.json["images"] > 0
    assert out.json["verified"]["unexplained"] == 0


def test_a_writer_that_loses_something_is_found_out(
    command: Command, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from annotator.formats.coco import writer

    honest = writer.write

    def lossy(dataset: Dataset, target: Path, **options: Any) -> Report:
        fewer = [*dataset.images][1:]
        return honest(replace(dataset, images=fewer), target, **options)

    monkeypatch.setattr(writer, "write", lossy)
    command("new", tmp_path / "p", "--images", pictures, "--labels", "red,green")
    out = command("export", tmp_path / "p", tmp_path / "out", "--format", "coco", "--scope", "all", "--verify")
    assert out.status == 1
    assert "does not hold what was sent: 1 images did not come back" in out.err


def test_an_export_of_an_empty_split_names_the_split(command: Command, pictures: Path, tmp_path: Path) -> None:
    command("new", tmp_path / "p", "--images", pictures)
    refused = command(
        "export", tmp_path / "p", tmp_path / "out", "--format", "coco", "--scope", "all", "--split", "val"
    )
    assert refused.status == 1
    assert "the split val has no picture" in refused.err


def test_a_model_is_chosen_for_a_role_and_remembered(command: Command, pictures: Path, tmp_path: Path) -> None:
    from annotator.usecases.serving import Role, Served, serving

    command("new", tmp_path / "p", "--images", pictures, "--labels", "red")
    weights = tmp_path / "sam.pth"
    weights.write_bytes(b"not read here")
    chosen = command("models", "use", tmp_path / "p", "sam-vit-b", "--weights", weights, "--json")
    assert chosen.json == {"model": "sam-vit-b", "serves": ["masks", "smart"], "weights": str(weights)}
    with Project.open(tmp_path / "p", read_only=True) as project:
        assert serving(project.settings, Role.SMART) == Served("sam-vit-b", weights)
        assert serving(project.settings, Role.TAGS) == Served("embedded")
        assert serving(project.settings, Role.BOXES) == Served("")
    assert command("models", "use", tmp_path / "p", "embedded", "--for", "smart").status == 2
    missing = command("models", "use", tmp_path / "p", "sam-vit-b", "--weights", tmp_path / "none.pth")
    assert missing.status == 1
    assert "none.pth" in missing.err
    assert command("models", "use", tmp_path / "p", "embedded-segmenter", "--for", "smart").status == 0
    with Project.open(tmp_path / "p", read_only=True) as project:
        assert serving(project.settings, Role.SMART) == Served("embedded-segmenter")
