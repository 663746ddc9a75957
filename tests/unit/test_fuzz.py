"""The fuzzer finds what it is for: crashes, hangs and imports of a half."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from annotator.formats.coco import reader
from tests import fuzz

SEED = 7


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> fuzz.Finds:
    monkeypatch.setattr(fuzz, "GOLDEN", tmp_path / "none")
    return fuzz.fuzz(options.pop("minutes", 0.02), SEED, ("coco",), tmp_path / "kept")


def test_readers_survive_a_second_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finds = run(tmp_path, monkeypatch)
    assert finds.tried["coco"] > 0
    assert finds.crashes == []


def test_a_crash_is_kept_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any, **__: Any) -> Any:
        raise KeyError("gone")

    monkeypatch.setattr(reader, "read", crash)
    finds = run(tmp_path, monkeypatch)
    assert finds.crashes[0]["error"] == "KeyError: 'gone'"
    assert list((tmp_path / "kept" / f"coco-{SEED + 1}").rglob("*.json"))


@pytest.mark.skipif(not hasattr(fuzz.signal, "SIGALRM"), reason="the system has no alarm")
def test_a_hang_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "SLOW", 1)
    monkeypatch.setattr(reader, "read", lambda *_, **__: time.sleep(30))
    finds = run(tmp_path, monkeypatch)
    assert finds.crashes[0]["error"] == "HangError: more than 1 s"
