"""Everything about one label, from its name to its group and attributes; and the field for a pasted list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QButtonGroup, QCompleter, QFormLayout, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from annotator.domain.palette import LABEL_COLORS
from annotator.domain.records import Label, LabelGroup, Skeleton
from ui.attribute_schema import parse_schema, schema_text
from ui.dialogs.dialog import Dialog
from ui.panels.labels_panel import split_names
from ui.theme import theme
from ui.theme.tokens import SPACE_1, SPACE_3
from ui.widgets.basics import label, set_role
from ui.widgets.chips import FlowLayout
from ui.widgets.choices import CheckBox, ComboBox
from ui.widgets.fields import TextField

MEMBERS_SHOWN = 12


def skeleton_text(skeleton: Skeleton | None) -> str:
    """A skeleton as two lines: the names of its points, and the pairs that are joined."""
    if skeleton is None:
        return ""
    edges = ", ".join(f"{a + 1}-{b + 1}" for a, b in skeleton.edges)
    return ", ".join(skeleton.points) + (f"\n{edges}" if edges else "")


def parse_skeleton(text: str) -> Skeleton | None:
    """The skeleton of such lines; raises ``ValueError`` that says what cannot be understood."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    points = tuple(split_names(lines[0]))
    edges = []
    for pair in split_names(",".join(lines[1:])):
        first, dash, second = pair.partition("-")
        if not dash or not first.strip().isdigit() or not second.strip().isdigit():
            raise ValueError(f"“{pair}” is not a pair of numbers like 1-2")
        a, b = int(first) - 1, int(second) - 1
        if not (0 <= a < len(points) and 0 <= b < len(points)):
            raise ValueError(f"“{pair}” names a point that is not there: there are {len(points)}")
        edges.append((a, b))
    return Skeleton(points, tuple(edges))


class LabelDialog(Dialog):
    """``changed`` gives the label as it should be, and its group: with id 0 when there is none of that name yet."""

    changed = Signal(object, object)

    def __init__(self, parent: QWidget, what: Label, groups: Sequence[LabelGroup], labels: Sequence[Label]) -> None:
        super().__init__(parent, parent.tr("Label “{0}”").format(what.name), width=560)
        self._label = what
        self._groups = {group.name: group for group in groups}
        self._others = [each for each in labels if each.id != what.id]
        self.name = TextField(self.tr("Name"))
        self.name.setText(what.name)
        self.key = TextField(self.tr("a letter or digit; empty: its place in the list"))
        self.key.setText(what.shortcut)
        self.key.setMaxLength(1)
        self.synonyms = TextField(self.tr("other words that models know it by"))
        self.synonyms.setText(", ".join(what.synonyms))
        self.definition = self._lines(what.definition, self.tr("What counts, and what does not"), 52)
        self.skeleton = self._lines(skeleton_text(what.skeleton), self.tr("nose, left eye, right eye\n1-2, 1-3"), 52)
        self.attributes = self._lines(
            schema_text(what.attributes_schema),
            self.tr("colour: red, green, blue\nage: number\noccluded: checkbox"),
            70,
        )
        self.group = self._group_choice()
        self.exclusive = CheckBox(self.tr("An image has at most one of these"))
        self.members = label("", "caption", wrap=True)
        self.exclusive.setChecked(True)
        self._named: LabelGroup | None = None
        self._show_group()
        self.group.editTextChanged.connect(self._show_group)
        self.message = label("", "bad", wrap=True)
        form = QFormLayout()
        form.setSpacing(SPACE_3)
        for text, widget in (
            (self.tr("Name"), self.name),
            (self.tr("Colour"), self._swatches()),
            (self.tr("Key"), self.key),
            (self.tr("Synonyms"), self.synonyms),
            (self.tr("Definition"), self.definition),
            (self.tr("Group"), self.group),
            (self.tr("Tags of the group"), self._rule()),
            (self.tr("Skeleton"), self.skeleton),
            (self.tr("Attributes"), self.attributes),
        ):
            widget.setAccessibleName(text)
            form.addRow(label(text, "muted"), widget)
        self.body.addLayout(form)
        self.body.addWidget(self.message)
        self.message.hide()
        self.add_close(self.tr("Cancel"))
        keep = self.add_button(self.tr("Keep"), primary=True)
        keep.clicked.connect(self._keep)
        # Qt opens a dialog at two thirds of the screen's height at most, where lines that wrap would be squeezed.
        self.setMinimumHeight(self.heightForWidth(self.minimumWidth()))

    def _lines(self, text: str, placeholder: str, height: int) -> QPlainTextEdit:
        field = QPlainTextEdit(text)
        field.setPlaceholderText(placeholder)
        field.setFixedHeight(height)
        field.setTabChangesFocus(True)
        return field

    def _group_choice(self) -> ComboBox:
        """The groups by name, the label's own chosen; another name may be typed."""
        choice = ComboBox()
        choice.setEditable(True)
        choice.setInsertPolicy(ComboBox.InsertPolicy.NoInsert)
        choice.setCompleter(QCompleter(choice))  # an empty one: the beginning of a name is not the name
        choice.addItems(list(self._groups))
        mine = next((name for name, group in self._groups.items() if group.id == self._label.group_id), None)
        choice.setCurrentIndex(0 if mine is None else choice.findText(mine, Qt.MatchFlag.MatchExactly))
        return choice

    def _rule(self) -> QWidget:
        host = QWidget()
        column = QVBoxLayout(host)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_1)
        self.exclusive.setAccessibleName(self.exclusive.text())
        column.addWidget(self.exclusive)
        column.addWidget(self.members)
        return host

    def _group_name(self) -> str:
        return " ".join(self.group.currentText().split())

    def _show_group(self) -> None:
        """Who is in the group that is named, and whether it is exclusive; typing on at a new name keeps what the switch says."""
        known = self._groups.get(self._group_name())
        if known is not self._named:
            self._named = known
            self.exclusive.setChecked(known is None or known.exclusive)
        inside = [each.name for each in self._others if known is not None and each.group_id == known.id]
        shown = ", ".join([self._label.name, *inside[:MEMBERS_SHOWN]])
        more = len(inside) - MEMBERS_SHOWN
        self.members.setText(self.tr("{0} and {1} more").format(shown, more) if more > 0 else shown)

    def _swatches(self) -> QWidget:
        host = QWidget()
        flow = FlowLayout(host, SPACE_1)
        flow.setContentsMargins(0, 0, 0, 0)
        self._colors = QButtonGroup(self)
        colors = list(dict.fromkeys([*LABEL_COLORS, self._label.color] if self._label.color else LABEL_COLORS))
        for place, color in enumerate(colors):
            swatch = QToolButton()
            swatch.setCheckable(True)
            swatch.setChecked(color == self._label.color)
            swatch.setFixedSize(22, 22)
            swatch.setAccessibleName(color)
            swatch.setToolTip(color)
            swatch.setProperty("color", color)
            ring = theme().tokens.text
            swatch.setStyleSheet(
                f"QToolButton {{ background: {QColor(color).name()}; border-radius: 4px; border: 0; }}"
                f"QToolButton:checked {{ border: 3px solid {ring}; }} QToolButton:focus {{ border: 2px solid {ring}; }}"
            )
            self._colors.addButton(swatch, place)
            flow.addWidget(swatch)
        return host

    def _keep(self) -> None:
        name = self.name.text().strip()
        try:
            skeleton = parse_skeleton(self.skeleton.toPlainText())
        except ValueError as error:
            self._tell(str(error))
            return
        if not name:
            self._tell(self.tr("A label needs a name."))
            return
        group = self._group_name()
        if not group:
            self._tell(self.tr("A group needs a name."))
            return
        chosen = self._colors.checkedButton()
        changed = replace(
            self._label,
            name=name,
            color=chosen.property("color") if chosen is not None else self._label.color,
            shortcut=self.key.text().strip(),
            synonyms=tuple(split_names(self.synonyms.text())),
            definition=self.definition.toPlainText().strip(),
            skeleton=skeleton,
            attributes_schema=parse_schema(self.attributes.toPlainText(), self._label.attributes_schema),
        )
        self.accept()
        known = self._groups.get(group)
        self.changed.emit(changed, LabelGroup(0 if known is None else known.id, group, self.exclusive.isChecked()))

    def _tell(self, text: str) -> None:
        set_role(self.message, "bad")
        self.message.setText(text)
        self.message.show()


class PasteLabelsDialog(Dialog):
    """A list of labels, one a line or separated by commas."""

    entered = Signal(str)

    def __init__(self, parent: QWidget, text: str = "") -> None:
        super().__init__(
            parent,
            parent.tr("Add labels"),
            width=420,
            explanation=parent.tr("One a line, or separated by commas. Those that are there already are passed by."),
        )
        self.field = QPlainTextEdit(text)
        self.field.setAccessibleName(self.tr("Labels"))
        self.field.setPlaceholderText(self.tr("cat\ndog\nbird"))
        self.field.setMinimumHeight(180)
        self.field.textChanged.connect(self._count)
        self.body.addWidget(self.field, 1)
        self.count = label("", "caption")
        self.body.addWidget(self.count)
        self.add_close(self.tr("Cancel"))
        self.add = self.add_button(self.tr("Add"), primary=True)
        self.add.clicked.connect(self._enter)
        self._count()

    def _count(self) -> None:
        number = len(split_names(self.field.toPlainText()))
        self.add.setEnabled(number > 0)
        self.count.setText(self.tr("{0} labels").format(number) if number else "")

    def _enter(self) -> None:
        self.accept()
        self.entered.emit(self.field.toPlainText())
