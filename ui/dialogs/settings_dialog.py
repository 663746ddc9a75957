"""The annotator's name, the theme, and how the loop behaves."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QWidget

from annotator.settings import AppSettings, ThemeChoice, login_name
from ui.dialogs.dialog import Dialog
from ui.theme import theme
from ui.theme.tokens import SPACE_3
from ui.widgets.basics import label, push_button, row
from ui.widgets.choices import CheckBox, ComboBox
from ui.widgets.fields import TextField


class SettingsDialog(Dialog):
    """Every change holds at once; there is nothing to apply."""

    train_wanted = Signal()
    changed = Signal()

    def __init__(self, parent: QWidget, settings: AppSettings, *, can_train: bool) -> None:
        super().__init__(parent, parent.tr("Settings"), width=480)
        self._settings = settings
        state = settings.state
        self.name = TextField(login_name())
        self.name.setText(state.annotator)
        self.name.setAccessibleName(self.tr("Your name"))
        self.name.editingFinished.connect(self._keep)
        self.theme = ComboBox()
        for text, choice in (
            (self.tr("Like the system"), ThemeChoice.SYSTEM),
            (self.tr("Dark"), ThemeChoice.DARK),
            (self.tr("Light"), ThemeChoice.LIGHT),
        ):
            self.theme.addItem(text, choice)
        self.theme.setCurrentIndex(self.theme.findData(state.theme))
        self.theme.setAccessibleName(self.tr("Colours"))
        self.theme.activated.connect(self._keep)
        self.advance = CheckBox(self.tr("Go to the next image after a tag"))
        self.advance.setChecked(state.auto_advance)
        self.advance.clicked.connect(self._keep)
        self.learn = CheckBox(self.tr("Learn by itself: after 20 verdicts, or 10 s of rest after 5"))
        self.learn.setChecked(state.auto_train)
        self.learn.clicked.connect(self._keep)
        self.train = push_button(self.tr("Learn now"), role="compact")
        self.train.setEnabled(can_train)
        self.train.clicked.connect(self.train_wanted)
        form = QFormLayout()
        form.setSpacing(SPACE_3)
        form.addRow(label(self.tr("Your name"), "muted"), self.name)
        form.addRow(
            "",
            label(
                self.tr("Written beside everything you do from now on. Each name has its own undo."),
                "caption",
                wrap=True,
            ),
        )
        form.addRow(label(self.tr("Colours"), "muted"), self.theme)
        form.addRow(label(self.tr("While you work"), "muted"), self.advance)
        form.addRow("", self.learn)
        form.addRow("", row(self.train, None))
        self.body.addLayout(form)
        self.add_close(self.tr("Done")).setProperty("role", "primary")

    def _keep(self) -> None:
        choice = self.theme.currentData()
        self._settings.update(
            annotator=self.name.text().strip(),
            theme=choice,
            auto_advance=self.advance.isChecked(),
            auto_train=self.learn.isChecked(),
        )
        if theme().choice != choice:
            theme().choose(choice)
        self.changed.emit()
