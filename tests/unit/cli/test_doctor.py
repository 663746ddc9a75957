"""``annotator doctor`` names what is missing and the package that brings it."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotator.cli import checks, display
from annotator.cli.checks import Check, Level
from annotator.cli.display import Platform
from tests.unit.cli.conftest import Command


def test_doctor_reports_every_check_of_this_machine(command: Command) -> None:
    report = command("doctor", "--json")
    names = [check["name"] for check in report.json["checks"]]
    assert names == ["Python", "Qt libraries", "Window", "Models", "torch", "Device", "Disk", "Log"]
    assert report.status == (0 if report.json["ok"] else 1)


def test_people_read_the_level_and_the_cure_as_words(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        Check("A", Level.GOOD, "fine", "nothing"),
        Check("B", Level.NOTE, "odd", "Do [this]."),
        Check("C", Level.MISSING, "none"),
    ]
    monkeypatch.setattr("annotator.cli.doctor.run_checks", lambda: found)
    assert command("doctor").out == "ok  A: fine\nnote  B: odd\n      Do [this].\nmissing  C: none\n"


def test_missing_libraries_are_named_with_their_debian_packages(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "missing_libraries", lambda files: ["libEGL.so.1", "libodd.so.3", "libxcb-cursor.so.0"])
    found = checks.check_qt_libraries()
    assert found.level is Level.MISSING
    assert "libEGL.so.1" in found.detail
    assert "sudo apt install libegl1 libxcb-cursor0" in found.cure
    assert "libodd.so.3" in found.cure
    failed = command("doctor", "--json")
    assert failed.status == 1
    assert failed.err.count("\n") == 1
    assert "libegl1" in failed.err
    assert failed.json["ok"] is False


def test_ldd_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listing = "\tlibEGL.so.1 => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x1)\n\tlibGL.so.1 => not found\n"
    plugin = tmp_path / "libqxcb.so"
    plugin.write_bytes(b"")

    def ldd(*arguments: object, **options: object) -> object:
        return type("Done", (), {"stdout": listing})()

    monkeypatch.setattr(checks.subprocess, "run", ldd)
    assert checks.missing_libraries([plugin, tmp_path / "absent.so"]) == ["libEGL.so.1", "libGL.so.1"]


def test_every_library_of_qts_files_is_found_or_has_a_package() -> None:
    """On a machine without one of them, this says which line is missing in the table."""
    check = checks.check_qt_libraries()
    assert check.level is Level.GOOD or "Install what brings" not in check.cure


def test_without_a_display_qt_is_tried_offscreen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(display.sys, "platform", "linux")
    found = display.find_platform()
    assert found.name == "offscreen" or not found.starts
    assert "no display is set" in found.reason or not found.starts


def test_a_screen_that_does_not_answer_falls_back_to_offscreen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setenv("DISPLAY", ":1")

    def probe(platform: str | None = None) -> Platform:
        return Platform("offscreen", True) if platform else Platform("", False, "could not connect to display :1")

    monkeypatch.setattr(display, "probe", probe)
    assert display.find_platform() == Platform("offscreen", True, "could not connect to display :1")


def test_a_qt_that_cannot_start_at_all_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "libEGL.so.1: cannot open shared object file: No such file or directory"
    monkeypatch.setattr(display, "probe", lambda platform=None: Platform("", False, reason))
    assert checks.check_window() == Check(
        "Window", Level.MISSING, reason, "Install what Qt misses; the commands without a window work meanwhile."
    )


def test_the_telling_line_of_a_complaint_is_chosen() -> None:
    complaint = "Traceback:\n  x\nImportError: libGL.so.1: cannot open shared object file: No such file or directory\n"
    assert display._reason(complaint).startswith("ImportError: libGL.so.1")


def test_the_window_refuses_to_open_without_a_screen(command: Command, tmp_path: Path) -> None:
    refused = command("open", tmp_path)
    assert refused.status == 1
    assert "cannot open here" in refused.err
    assert command(tmp_path).err == refused.err
