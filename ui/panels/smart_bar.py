"""The smart tool's options, in a line above the picture: what is kept, how closely, and what is going on."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QDoubleSpinBox, QHBoxLayout, QToolButton, QWidget

from annotator.domain.geometry import GeometryKind
from ui.canvas.tools.smart_talk import FORMS, LEAST_TOLERANCE, MOST_TOLERANCE
from ui.smart import TOOL, Smart
from ui.smart_options import SmartChoices
from ui.theme.tokens import SPACE_1, SPACE_2
from ui.widgets.basics import ElidedLabel, label, line, push_button
from ui.widgets.choices import CheckBox

HEIGHT = 34


class SmartBar(QWidget):
    """Shown only with the tool. Everything in it has a key or can be reached with Tab."""

    models_wanted = Signal()
    canvas_wanted = Signal()

    def __init__(self, smart: Smart, choices: SmartChoices) -> None:
        super().__init__()
        self._smart, self._choices = smart, choices
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        names = {
            GeometryKind.MASK: self.tr("Mask"),
            GeometryKind.POLYGON: self.tr("Polygon"),
            GeometryKind.BOX: self.tr("Box"),
        }
        self.forms = {form: self._form_button(form, names[form]) for form in FORMS}
        group = QButtonGroup(self)
        for button in self.forms.values():
            group.addButton(button)
        self.tolerance = QDoubleSpinBox()
        self.tolerance.setRange(LEAST_TOLERANCE, MOST_TOLERANCE)
        self.tolerance.setDecimals(2)
        self.tolerance.setSingleStep(0.5)
        self.tolerance.setSuffix(" px")
        self.tolerance.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.tolerance.setFixedSize(76, HEIGHT - 8)
        self.tolerance.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.tolerance.setAccessibleName(self.tr("How far the polygon may be from the mask"))
        self.tolerance.setToolTip(self.tr("The polygon stays this close to the mask, in pixels of the image  [ ]"))
        self.hover = CheckBox(self.tr("Preview"))
        self.hover.setToolTip(
            self.tr("Show what a click would give while the mouse rests, where the model is fast enough")
        )
        self.status = ElidedLabel("", "caption", Qt.TextElideMode.ElideRight)
        self.model = push_button("", role="link")
        self.model.setToolTip(self.tr("Choose the model of the smart tool"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_2, 0, SPACE_2, 0)
        layout.setSpacing(SPACE_1)
        layout.addWidget(label(self.tr("Keep as"), "caption"))
        for button in self.forms.values():
            layout.addWidget(button)
        layout.addSpacing(SPACE_1)
        layout.addWidget(self.tolerance)
        layout.addSpacing(SPACE_1)
        layout.addWidget(self.hover)
        layout.addWidget(line(upright=True))
        layout.addSpacing(SPACE_1)
        layout.addWidget(self.status, 1)
        layout.addWidget(self.model)
        group.buttonClicked.connect(self._form_chosen)
        self.tolerance.valueChanged.connect(self._tolerance_chosen)
        self.hover.clicked.connect(self._hover_chosen)
        self.model.clicked.connect(self.models_wanted)
        choices.changed.connect(self.follow)
        smart.status_changed.connect(self._show_status)
        smart.tool_moved.connect(self._show_hint)
        self.follow()
        self.show_for("")

    def show_for(self, tool_id: str) -> None:
        """The bar comes and goes with its tool."""
        self.setVisible(tool_id == TOOL)
        self._show_hint()

    def follow(self) -> None:
        """Show the options as they are."""
        options = self._choices.options
        self.forms[options.form].setChecked(True)
        if abs(self.tolerance.value() - options.tolerance) > 1e-6:
            self.tolerance.blockSignals(True)
            self.tolerance.setValue(options.tolerance)
            self.tolerance.blockSignals(False)
        self.tolerance.setVisible(options.form is GeometryKind.POLYGON)
        self.hover.setChecked(options.hover)
        self._show_hint()

    def _form_button(self, form: GeometryKind, name: str) -> QToolButton:
        button = QToolButton()
        button.setText(name)
        button.setProperty("role", "chip")
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(self.tr("Keep as {0}").format(name))
        button.setToolTip(self.tr("Enter keeps what is shown as a {0}").format(name.lower()))
        button.setProperty("form", form.value)
        return button

    def _form_chosen(self, button: QToolButton) -> None:
        self._choices.set_form(GeometryKind(button.property("form")))
        self.canvas_wanted.emit()

    def _tolerance_chosen(self, value: float) -> None:
        self._choices.set_tolerance(value)

    def _hover_chosen(self, checked: bool) -> None:
        self._choices.set_hover(checked)
        self.canvas_wanted.emit()

    def _show_status(self, text: str, waits: bool) -> None:
        self._show_hint()

    def _show_hint(self) -> None:
        """What goes on, or else what the hand can do next."""
        text, waits = self._smart.status()
        if text and waits:
            text = text[:1].upper() + text[1:]
        self.status.show_text(text or self._hint())
        ready = self._smart.ready
        self.model.setText(ready.model if ready is not None else self.tr("Models…"))
        self.hover.setEnabled(not self._smart.too_slow_to_hover)

    def _hint(self) -> str:
        tool = self._smart.tool()
        if tool is None or not tool.turns:
            return self.tr("Click on a thing, or drag a box around it. Ctrl+drag: a stroke over it.")
        turn = tool.shown
        if turn is None or turn.view is None:
            return ""
        parts = [self.tr("Enter keeps")]
        if len(turn.views) > 1:
            parts.append(self.tr("Tab: next of {0}").format(len(turn.views)))
        if self._choices.options.form is GeometryKind.POLYGON:
            polygon = turn.view.polygon(self._choices.options.tolerance)
            number = sum(len(r) for p in polygon.parts for r in (p.outer, *p.holes)) if polygon is not None else 0
            parts.insert(0, self.tr("{0} vertices").format(number))
        parts.append(self.tr("Shift+click takes away"))
        parts.append(self.tr("Backspace: back · Esc: anew"))
        return " · ".join(parts)
