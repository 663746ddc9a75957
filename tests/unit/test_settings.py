"""What the application remembers survives a restart, a damaged file and a folder that cannot be written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from annotator.settings import RECENT_LIMIT, AppSettings, AppState, ThemeChoice


def test_a_change_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.json"
    settings = AppSettings(path)
    settings.update(annotator="Ada", theme=ThemeChoice.LIGHT, auto_advance=False, shortcuts={"image.next": "J"})
    settings.remember_project(tmp_path / "cats.annotator", "cats", 12, ("a.jpg",))
    settings.close()
    again = AppSettings(path)
    assert again.state == settings.state
    assert again.state.theme is ThemeChoice.LIGHT
    assert again.state.recent[0].thumbnails == ("a.jpg",)
    assert [p.name for p in path.parent.iterdir()] == ["settings.json"]
    again.close()


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"theme": "purple"}', b'{"recent": 3}', b"[]"])
def test_a_damaged_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    settings = AppSettings(path)
    assert settings.state == AppState()
    kept = list(tmp_path.glob("settings.damaged-*.json"))
    assert [k.read_bytes() for k in kept] == [content]
    assert kept[0].name in settings.problem
    settings.close()


def test_keys_of_a_newer_version_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"annotator": "Ada", "from_the_future": [1]}))
    settings = AppSettings(path)
    assert settings.state.annotator == "Ada"
    assert settings.problem == ""
    settings.close()


def test_recent_projects_are_few_and_the_newest_is_first(tmp_path: Path) -> None:
    settings = AppSettings(tmp_path / "settings.json")
    for number in range(RECENT_LIMIT + 5):
        settings.remember_project(tmp_path / str(number), str(number), number)
    settings.remember_project(tmp_path / "9", "9", 9)
    names = [r.name for r in settings.state.recent]
    assert names[0] == "9"
    assert len(names) == RECENT_LIMIT == len(set(names))
    settings.forget_project(str(tmp_path / "9"))
    assert settings.state.recent[0].name == str(RECENT_LIMIT + 4)
    settings.close()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    settings = AppSettings(blocker / "settings.json")
    settings.update(annotator="Ada")
    with pytest.raises(OSError):
        settings.flush()
    assert settings.state.annotator == "Ada"
    settings.close()


def test_a_folder_whose_name_is_not_text_is_remembered(tmp_path: Path) -> None:
    settings = AppSettings(tmp_path / "settings.json")
    settings.remember_project(Path("/photos/caf\udce9.annotator"), "caf\udce9", 3)
    settings.update(annotator="Ada", places={"/photos/caf\udce9.annotator": 2})
    settings.flush()
    settings.close()
    again = AppSettings(tmp_path / "settings.json")
    assert again.problem == ""
    assert again.state.recent[0].path == "/photos/caf\udce9.annotator"
    assert again.state.places == {"/photos/caf\udce9.annotator": 2}
    assert again.state.annotator == "Ada"
    again.close()
    assert [file.name for file in tmp_path.iterdir()] == ["settings.json"]
