"""The attributes of the selection, edited together: one field for each attribute of the labels chosen."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from annotator.domain.records import Annotation
from ui.attribute_schema import Attribute, AttributeType, read_schema
from ui.session import Session
from ui.theme.tokens import SPACE_1, SPACE_2
from ui.widgets.basics import EmptyState, label
from ui.widgets.choices import CheckBox, ComboBox
from ui.widgets.fields import TextField

MIXED = object()


class AttributesPanel(QWidget):
    """A form made from the label's schema. A value that differs within the selection shows as "several"."""

    changed = Signal(str, object)
    schema_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._shown: tuple[Any, ...] = ()
        self._filling = False
        self._form_host = QWidget()
        self._form_host.setProperty("role", "plain")
        self._form = QFormLayout(self._form_host)
        self._form.setContentsMargins(SPACE_2, SPACE_1, SPACE_2, SPACE_2)
        self._form.setSpacing(SPACE_1)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self._form_host)
        self._empty = EmptyState(
            "sliders-horizontal",
            self.tr("Choose an annotation to edit its attributes."),
            self.tr("Define attributes"),
        )
        self._empty.pressed.connect(self.schema_wanted)
        self._stack = QStackedLayout()
        self._stack.addWidget(scroll)
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._stack)
        session.selection_changed.connect(self.reload)
        session.page_changed.connect(self.reload)
        session.labels_changed.connect(self.reload)
        session.closed.connect(self.reload)
        self.reload()

    def reload(self) -> None:
        """Show the attributes of what is chosen now."""
        chosen = self._session.selected_annotations()
        attributes = self._common(chosen)
        shown = tuple((a, self._value(chosen, a.name)) for a in attributes)
        self._stack.setCurrentIndex(0 if attributes else 1)
        self._empty.button.setVisible(bool(self._session.labels))
        if chosen and not attributes:
            self._empty.set_text(self.tr("This label has no attributes yet."))
        else:
            self._empty.set_text(self.tr("Choose an annotation to edit its attributes."))
        if shown != self._shown:
            self._shown = shown
            self._fill(shown)

    def _common(self, chosen: list[Annotation]) -> list[Attribute]:
        """The attributes that all chosen labels have, and keys that are there without a schema."""
        if not chosen:
            return []
        ids = {a.label_id for a in chosen}
        schemas = [read_schema(self._session.labels[i].attributes_schema) for i in ids if i in self._session.labels]
        if not schemas:
            return []
        common = [a for a in schemas[0] if all(a in other for other in schemas[1:])]
        if len(chosen) == 1:
            known = {a.name for a in common}
            common += [Attribute(n, AttributeType.TEXT) for n in chosen[0].attributes if n not in known]
        return common

    @staticmethod
    def _value(chosen: list[Annotation], name: str) -> Any:
        values = [a.attributes.get(name) for a in chosen]
        return values[0] if all(v == values[0] for v in values) else MIXED

    def _fill(self, shown: tuple[Any, ...]) -> None:
        self._filling = True
        while self._form.rowCount():
            self._form.removeRow(0)
        for attribute, value in shown:
            editor = self._editor(attribute, value)
            editor.setObjectName(attribute.name)
            editor.setAccessibleName(attribute.name)
            self._form.addRow(label(attribute.name, "muted"), editor)
        self._filling = False

    def _editor(self, attribute: Attribute, value: Any) -> QWidget:
        if attribute.type is AttributeType.CHECKBOX:
            box = CheckBox()
            box.setTristate(value is MIXED)
            box.setCheckState(
                Qt.CheckState.PartiallyChecked
                if value is MIXED
                else Qt.CheckState.Checked
                if value
                else Qt.CheckState.Unchecked
            )
            box.clicked.connect(self._box_clicked)
            return box
        if attribute.type is AttributeType.CHOICE:
            combo = ComboBox()
            combo.addItem(self.tr("several") if value is MIXED else "–", None)
            for choice in attribute.choices:
                combo.addItem(choice, choice)
            combo.setCurrentIndex(max(0, combo.findData(None if value is MIXED else value)))
            combo.activated.connect(self._choice_made)
            return combo
        field = TextField(self.tr("several") if value is MIXED else "")
        field.setText(
            "" if value is MIXED or value is None else f"{value:g}" if isinstance(value, float) else str(value)
        )
        field.setProperty("number", attribute.type is AttributeType.NUMBER)
        field.editingFinished.connect(self._text_entered)
        return field

    def _box_clicked(self, checked: bool) -> None:
        self.changed.emit(self.sender().objectName(), checked)

    def _choice_made(self, place: int) -> None:
        combo = self.sender()
        assert isinstance(combo, QComboBox)
        self.changed.emit(combo.objectName(), combo.itemData(place))

    def _text_entered(self) -> None:
        field = self.sender()
        if self._filling or not isinstance(field, TextField) or not field.isModified():
            return
        field.setModified(False)
        text = field.text().strip()
        value: Any = text or None
        if field.property("number") and text:
            try:
                value = float(text.replace(",", "."))
            except ValueError:
                field.setToolTip(self.tr("“{0}” is not a number").format(text))
                field.selectAll()
                return
        self.changed.emit(field.objectName(), value)
