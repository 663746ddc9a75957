"""What this program is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from PySide6.QtWidgets import QWidget

from ui.dialogs.dialog import Dialog
from ui.widgets.basics import label


def installed_version() -> str:
    """The version that is installed, or "development" when run from the sources."""
    try:
        return version("annotator")
    except PackageNotFoundError:
        return "development"


class AboutDialog(Dialog):
    """Name, version, licence, where the settings are."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, parent.tr("Annotator {0}").format(installed_version()), width=420)
        from annotator.settings import default_path

        for text in (
            self.tr("Label images with models that learn from every verdict. Nothing leaves this computer."),
            self.tr("Licence: Apache 2.0. Icons: Phosphor (MIT)."),
            self.tr("Settings: {0}").format(default_path()),
        ):
            self.body.addWidget(label(text, "muted", wrap=True))
        self.add_close()
