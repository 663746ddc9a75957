"""The Models dialog in the window: what it lists, choosing, a file of one's own, fetching with progress and its errors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from annotator.models import catalogue
from annotator.models.embedded.assets import MODELS_FOLDER
from annotator.usecases.serving import Role, Served, serving
from tests.ui.conftest import press
from tests.ui.prompting import FakePrompting
from ui.dialogs.models_dialog import ModelsDialog
from ui.main_window import MainWindow

CONTENT = bytes(range(256)) * 16_384


class Shop(ThreadingHTTPServer):
    """Serves weights in two halves; the second one waits until it is let go."""

    daemon_threads = True

    def __init__(self) -> None:
        self.go_on = Event()
        self.broken = False
        super().__init__(("127.0.0.1", 0), _Counter)


class _Counter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        shop = self.server
        assert isinstance(shop, Shop)
        if shop.broken:
            self.send_error(404)
            return
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        half = len(CONTENT) // 2
        if start < half:
            self.wfile.write(CONTENT[start:half])
            self.wfile.flush()
            start = half
        shop.go_on.wait(60)
        self.wfile.write(CONTENT[start:])

    def log_message(self, *_: Any) -> None:
        """Nothing on standard error."""


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shop]:
    """The catalogue's sam-vit-b comes from here, and goes to a folder of the test's own."""
    server = Shop()
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/sam.pth"
    digest = hashlib.sha256(CONTENT).hexdigest()
    monkeypatch.setenv("ANNOTATOR_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    text = catalogue.CATALOGUE_FILE.read_text(encoding="utf-8")
    known = next(e for e in catalogue.entries() if e.id == "sam-vit-b").weights
    assert known is not None
    text = text.replace(known.url, url).replace(known.sha256, digest).replace(str(known.size), str(len(CONTENT)))
    changed = tmp_path / "catalogue.toml"
    changed.write_text(text, encoding="utf-8")
    monkeypatch.setattr(catalogue, "CATALOGUE_FILE", changed)
    catalogue.entries.cache_clear()
    yield server
    server.go_on.set()
    server.shutdown()
    server.server_close()
    catalogue.entries.cache_clear()


def opened(window: MainWindow, qtbot: Any) -> ModelsDialog:
    window.commands.run("model.models")
    dialog = window.dialogs.current
    assert isinstance(dialog, ModelsDialog)
    qtbot.waitUntil(lambda: "CPU" in dialog.machine.text())
    return dialog


def choose_row(dialog: ModelsDialog, model_id: str) -> None:
    row = next(y for y, model in enumerate(dialog.models) if model.id == model_id)
    dialog.table.setCurrentCell(row, 0)


def cells(dialog: ModelsDialog, model_id: str) -> list[str]:
    row = next(y for y, model in enumerate(dialog.models) if model.id == model_id)
    return [dialog.table.item(row, x).text() for x in range(dialog.table.columnCount())]


def click(button: Any) -> None:
    assert button.isVisible() and button.isEnabled()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_it_lists_every_model_with_its_facts(window: MainWindow, qtbot: Any, shop: Shop) -> None:
    dialog = opened(window, qtbot)
    assert [model.id for model in dialog.models] == [e.id for e in catalogue.entries()]
    name, tasks, state, size, licence = cells(dialog, "sam-vit-b")
    assert (name, tasks, state, size, licence) == ("sam-vit-b", "masks", "to be fetched", "4 MB", "Apache-2.0")
    assert cells(dialog, "embedded-segmenter")[2:4] == ["ready", "ships"]
    choose_row(dialog, "embedded-segmenter")
    shipped = hashlib.sha256((MODELS_FOLDER / "prompt_decoder.safetensors").read_bytes()).hexdigest()
    assert f"SHA-256 {shipped}" in dialog.facts.text()
    assert [line for line in dialog.facts.text().splitlines() if line.startswith("Serves")] == [
        "Serves: Masks in boxes",
        "Serves: Smart tool",
    ]
    choose_row(dialog, "sam-vit-b")
    assert hashlib.sha256(CONTENT).hexdigest() in dialog.facts.text()
    assert "annotator models pull sam-vit-b" in dialog.facts.text()
    assert dialog.combos[Role.SMART].currentText() == "embedded-segmenter"
    assert dialog.combos[Role.TAGS].currentText() == "embedded"
    assert "memory" in dialog.machine.text()


def test_a_model_is_fetched_stopped_and_goes_on(window: MainWindow, qtbot: Any, shop: Shop, tmp_path: Path) -> None:
    dialog = opened(window, qtbot)
    choose_row(dialog, "sam-vit-b")
    click(dialog.fetch)
    qtbot.waitUntil(lambda: dialog.progress.isVisible() and dialog.progress.value() >= 249)
    assert dialog.progress_text.text() in ("1 MB / 4 MB", "2 MB / 4 MB")
    assert not dialog.fetch.isEnabled()
    click(dialog.stop)
    shop.go_on.set()
    qtbot.waitUntil(lambda: "Stopped" in dialog.message.text())
    assert cells(dialog, "sam-vit-b")[2] == "begun"
    assert dialog.fetch.text().startswith("Go on fetching")
    click(dialog.fetch)
    qtbot.waitUntil(lambda: "sam-vit-b is here" in dialog.message.text())
    assert cells(dialog, "sam-vit-b")[2] == "ready"
    assert (tmp_path / "models" / "sam_vit_b_01ec64.pth").read_bytes() == CONTENT
    assert not dialog.fetch.isVisible()
    combo = dialog.combos[Role.SMART]
    assert combo.findText("sam-vit-b") >= 0


def test_what_cannot_be_fetched_is_said(window: MainWindow, qtbot: Any, shop: Shop) -> None:
    shop.broken = True
    dialog = opened(window, qtbot)
    choose_row(dialog, "sam-vit-b")
    click(dialog.fetch)
    qtbot.waitUntil(lambda: "cannot be fetched (404" in dialog.message.text())
    assert "put the file at" in dialog.message.text()


def test_a_file_of_ones_own_serves_the_smart_tool_at_once(
    window: MainWindow, qtbot: Any, shop: Shop, tmp_path: Path
) -> None:
    press(window, "s")
    weights = tmp_path / "mine.pth"
    weights.write_bytes(b"weights")
    click(window.smart_bar.model)
    dialog = window.dialogs.current
    assert isinstance(dialog, ModelsDialog)
    choose_row(dialog, "sam-vit-b")
    dialog.use_file(str(tmp_path / "gone.pth"))
    assert "gone.pth" in dialog.message.text()
    dialog.use_file(str(weights))
    qtbot.waitUntil(lambda: hashlib.sha256(b"weights").hexdigest() in dialog.facts.text())
    assert dialog.combos[Role.SMART].currentText() == "sam-vit-b · mine.pth"
    project = window.session.project
    assert project is not None
    assert serving(project.settings, Role.SMART) == Served("sam-vit-b", weights)
    assert FakePrompting.made[-1].used[-1] == ("sam-vit-b", str(weights))
    combo = dialog.combos[Role.SMART]
    combo.setCurrentIndex(combo.findText("embedded-segmenter"))
    combo.activated.emit(combo.currentIndex())
    assert FakePrompting.made[-1].used[-1] == ("embedded-segmenter", "")
    assert serving(project.settings, Role.SMART) == Served("embedded-segmenter")


def test_it_opens_from_the_status_bar(window: MainWindow, qtbot: Any) -> None:
    click(window.bar.model)
    assert isinstance(window.dialogs.current, ModelsDialog)
    window.dialogs.current.close()
