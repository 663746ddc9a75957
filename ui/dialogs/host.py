"""Opens the dialogs of the window and carries out what they answer. None of them blocks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog

from annotator.domain.records import Label
from ui.dialogs.dialog import Dialog

if TYPE_CHECKING:
    from ui.main_window import MainWindow


class DialogHost(QObject):
    """One method for each dialog. ``current`` is the one that is open."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.current: Dialog | None = None

    # --- opening things ------------------------------------------------------------------------------------------------

    def choose_folder(self) -> None:
        """A folder of images to work on."""
        self._browse(self.tr("Open a folder of images"), self._folder_chosen)

    def choose_project(self) -> None:
        """A project folder."""
        self._browse(self.tr("Open a project"), self._folder_chosen)

    def add_folder(self) -> None:
        """Another folder of images for the open project; without one, a folder to open."""
        if self._window.session.project is None:
            self.choose_folder()
        else:
            self._browse(self.tr("Add a folder of images"), self._folder_added)

    def _browse(self, title: str, answer: Any) -> None:
        dialog = QFileDialog(self._window, title, str(Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(answer)
        dialog.open()

    def _folder_chosen(self, path: str) -> None:
        self._window.projects.open_path(Path(path))

    def _folder_added(self, path: str) -> None:
        self._window.jobs.submit("add_folder", folder=path)

    # --- the project ---------------------------------------------------------------------------------------------------

    def open_folders(self) -> None:
        """The folders of the project."""
        from ui.dialogs.tables import FoldersDialog

        project = self._window.session.project
        if project is not None:
            dialog = FoldersDialog(self._window, project.images.roots())
            dialog.add_wanted.connect(self._folder_added)
            dialog.remove_wanted.connect(self._remove_folder)
            dialog.rescan_wanted.connect(self._window.keys.rescan)
            self._open(dialog)

    def _remove_folder(self, root_id: int) -> None:
        self._window.projects.remove_folder(root_id)

    def open_problems(self) -> None:
        """Images that cannot be used."""
        from ui.dialogs.tables import ProblemsDialog

        project = self._window.session.project
        if project is not None:
            dialog = ProblemsDialog(self._window, project.images.problems())
            dialog.rescan_wanted.connect(self._window.keys.rescan)
            self._open(dialog)

    def open_jobs(self) -> None:
        """The last jobs."""
        from ui.dialogs.tables import JobsDialog

        self._open(JobsDialog(self._window, list(self._window.jobs.views.values())))

    def open_settings(self) -> None:
        """Name, theme, loop."""
        from ui.dialogs.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self._window, self._window.settings, can_train=self._window.loop.can_run())
        dialog.train_wanted.connect(self._window.loop.train_now)
        dialog.changed.connect(self._settings_changed)
        self._open(dialog)

    def _settings_changed(self) -> None:
        self._window.session.work_as(self._window.projects.annotator)
        self._window.commands.refresh()

    def open_shortcuts(self) -> None:
        """The shortcut sheet."""
        from ui.dialogs.shortcuts import ShortcutSheet

        sheet = ShortcutSheet(self._window, self._window.commands, dict(self._window.settings.state.shortcuts))
        sheet.changed.connect(self._keys_changed)
        self._open(sheet)

    def open_about(self) -> None:
        """What this is."""
        from ui.dialogs.about import AboutDialog

        self._open(AboutDialog(self._window))

    def _keys_changed(self, keys: dict[str, str]) -> None:
        self._window.settings.update(shortcuts=keys)

    # --- certificates --------------------------------------------------------------------------------------------------

    def open_certificate(self) -> None:
        """Which error to certify, and what was signed before."""
        from ui.review.certificate_dialog import CertificateDialog

        screen = self._window.screens.review
        if screen is not None:
            dialog = CertificateDialog(self._window, screen.task)
            dialog.asked.connect(screen.signing.ask)
            dialog.draw_wanted.connect(screen.signing.draw)
            screen.signing.forecast_made.connect(dialog.show_forecast)
            self._open(dialog)
            dialog.ask_now()

    # --- labels --------------------------------------------------------------------------------------------------------

    def edit_label(self, label_id: int) -> None:
        """Everything about a label."""
        from ui.dialogs.label_dialog import LabelDialog

        label: Label | None = self._window.session.labels.get(label_id)
        if label is not None:
            session = self._window.session
            groups = list(session.vocabulary.groups.values())
            dialog = LabelDialog(self._window, label, groups, session.ordered_labels())
            dialog.changed.connect(self._window.label_edits.update)
            self._open(dialog)

    def edit_current_label(self) -> None:
        """Everything about the label of the selection, else the current one."""
        session = self._window.session
        chosen = session.selected_annotations()
        label_id = chosen[0].label_id if chosen else session.current_label_id
        if label_id is not None:
            self.edit_label(label_id)

    def paste_labels(self) -> None:
        """A list of labels; what is on the clipboard is put in when it is text."""
        from PySide6.QtGui import QGuiApplication

        from ui.dialogs.label_dialog import PasteLabelsDialog

        text = QGuiApplication.clipboard().text()
        dialog = PasteLabelsDialog(self._window, text if len(text) < 20_000 else "")
        dialog.entered.connect(self._window.label_edits.create_from_text)
        self._open(dialog)

    def show(self, dialog: Dialog) -> None:
        """Open a dialog that another part of the window has made."""
        self._open(dialog)

    def _open(self, dialog: Dialog) -> None:
        if self.current is not None:
            self.current.close()
        self.current = dialog
        dialog.finished.connect(self._closed)
        dialog.open()

    def _closed(self, result: int) -> None:
        if self.sender() is self.current:
            self.current = None
            self._window.screens.focus()
