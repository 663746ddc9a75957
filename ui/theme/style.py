"""The stylesheet and the palette, made from the tokens."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette

from ui.theme.tokens import BODY_PX, CAPTION_PX, RADIUS, TITLE_PX, Tokens, mix

_SHEET = """
* {{ font-size: {body}px; outline: 0; }}
QWidget {{ color: {text}; }}
QMainWindow, QDialog, QWidget[role="window"] {{ background: {window}; }}
QWidget[role="panel"], QFrame[role="panel"] {{ background: {panel}; }}
QFrame[role="card"] {{ background: {panel}; border: 1px solid {border}; border-radius: {radius}px; }}
QFrame[role="line"] {{ background: {border}; border: 0; max-height: 1px; min-height: 1px; }}
QFrame[role="upright"] {{ background: {border}; border: 0; max-width: 1px; min-width: 1px; }}
QLabel {{ background: transparent; }}
QLabel[role="title"] {{ font-size: {title}px; font-weight: 600; }}
QLabel[role="caption"] {{ font-size: {caption}px; color: {muted}; }}
QLabel[role="warn-caption"] {{ font-size: {caption}px; color: {warn}; }}
QLabel[role="section"] {{ font-size: {caption}px; font-weight: 600; color: {muted}; }}
QLabel[role="muted"] {{ color: {muted}; }}
QLabel[role="bad"] {{ color: {bad}; }}
QLabel[role="good"] {{ color: {good}; }}
QLabel[role="warn"] {{ color: {warn}; }}
QLabel[role="key"] {{
  font-size: {caption}px; color: {muted}; border: 1px solid {border}; border-radius: 4px; padding: 0 4px; }}
QToolTip {{ background: {raised}; color: {text}; border: 1px solid {control_border}; padding: 4px 8px; }}

QMenuBar {{ background: {window}; padding: 2px 4px; }}
QMenuBar::item {{ background: transparent; padding: 4px 8px; border-radius: 4px; }}
QMenuBar::item:selected {{ background: {raised}; }}
QMenu {{ background: {panel}; border: 1px solid {border}; padding: 4px; }}
QMenu::item {{ padding: 5px 28px 5px 28px; border-radius: 4px; }}
QMenu::item:selected {{ background: {selected}; }}
QMenu::item:disabled {{ color: {disabled}; }}
QMenu::separator {{ height: 1px; background: {border}; margin: 4px 8px; }}
QMenu::icon {{ padding-left: 8px; }}

QToolBar {{ background: {panel}; border: 0; border-bottom: 1px solid {border}; spacing: 2px; padding: 2px 8px; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: {radius}px; padding: 4px; }}
QToolButton:hover {{ background: {raised}; }}
QToolButton:pressed {{ background: {selected}; }}
QToolButton:checked {{ background: {selected}; border-color: {accent}; }}
QToolButton:focus {{ border-color: {accent}; }}
QToolButton:disabled {{ color: {disabled}; }}
QToolButton[role="tool"] {{ padding: 3px 6px 3px 5px; font-size: {caption}px; color: {muted}; }}
QToolButton[role="tool"]:checked {{ color: {text}; }}
QToolButton[role="small"] {{ padding: 1px; border-radius: 4px; }}
QToolButton[role="header"] {{ padding: 0; border-radius: 4px; }}
QToolButton[role="chip"] {{
  font-size: {caption}px; padding: 1px 7px; border: 1px solid {border}; border-radius: 9px;
  background: {window}; }}
QToolButton[role="chip"]:hover {{ border-color: {control_border}; }}
QToolButton[role="chip"]:focus {{ border-color: {accent}; }}
QToolButton[role="chip"]:checked {{ background: {selected}; border-color: {accent}; }}
QToolButton[role="screen"] {{ padding: 2px 10px 2px 6px; color: {muted}; border-radius: 4px; }}
QToolButton[role="screen"]:checked {{ background: {selected}; color: {text}; border-color: transparent; }}
QToolButton[role="screen"]:focus {{ border-color: {accent}; }}
QToolButton[role="screen"]:disabled {{ color: {disabled}; }}
QToolButton::menu-indicator {{ image: none; }}

QPushButton {{ background: {raised}; border: 1px solid {control_border}; border-radius: {radius}px; padding: 5px 14px; }}
QPushButton:hover {{ border-color: {muted}; background: {hover}; }}
QPushButton:pressed {{ background: {border}; }}
QPushButton:focus {{ border: 2px solid {accent}; padding: 4px 13px; }}
QPushButton:disabled {{ color: {disabled}; border-color: {border}; background: {panel}; }}
QPushButton[role="primary"], QPushButton:default {{
  background: {accent}; color: {on_accent}; border-color: {accent}; font-weight: 600; }}
QPushButton[role="primary"]:hover, QPushButton:default:hover {{ background: {accent_hover}; }}
QPushButton[role="primary"]:focus {{ border: 2px solid {text}; }}
QPushButton[role="primary"]:disabled {{ background: {panel}; color: {disabled}; border-color: {border}; }}
QPushButton[role="compact"] {{ padding: 3px 8px; }}
QPushButton[role="compact"]:focus {{ padding: 2px 7px; }}
QPushButton[role="link"] {{
  background: transparent; border: 1px solid transparent; color: {accent}; padding: 2px 4px;
  text-align: left; }}
QPushButton[role="link"]:disabled {{ color: {disabled}; }}
QPushButton[role="link"]:hover {{ text-decoration: underline; }}
QPushButton[role="link"]:focus {{ border: 1px solid {accent}; padding: 2px 4px; }}

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox, QKeySequenceEdit QLineEdit {{
  background: {field}; border: 1px solid {control_border}; border-radius: {radius}px; padding: 4px 8px;
  selection-background-color: {accent}; selection-color: {on_accent}; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus {{
  border: 2px solid {accent}; padding: 3px 7px; }}
QLineEdit:disabled, QComboBox:disabled, QSpinBox:disabled {{ color: {disabled}; border-color: {border}; }}
QLineEdit[role="hero"] {{ font-size: {title}px; padding: 10px 12px; }}
QLineEdit[role="hero"]:focus {{ padding: 9px 11px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: 0; }}
QComboBox QLineEdit, QComboBox QLineEdit:focus, QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus {{
  background: transparent; border: 0; padding: 0; }}
QComboBox::drop-down {{ border: 0; width: 22px; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox QAbstractItemView {{
  background: {panel}; border: 1px solid {border}; selection-background-color: {selected};
  selection-color: {text}; }}

QCheckBox, QRadioButton {{ spacing: 8px; background: transparent; }}
QCheckBox:focus, QRadioButton:focus {{ color: {accent}; }}

QAbstractItemView {{
  background: {panel}; border: 0; selection-background-color: {selected}; selection-color: {text};
  alternate-background-color: {panel}; }}
QAbstractItemView[role="field"] {{ border: 1px solid {border}; border-radius: {radius}px; }}
QAbstractItemView[role="field"]:focus {{ border: 2px solid {accent}; }}
QTreeView::item, QListView::item {{ padding: 2px 4px; border-radius: 4px; }}
QTreeView::item:hover, QListView::item:hover {{ background: {raised}; }}
QTreeView::item:selected, QListView::item:selected {{ background: {selected}; color: {text}; }}
QTreeView {{ show-decoration-selected: 0; }}
QTreeView::branch:selected, QTreeView::branch:hover {{ background: {panel}; }}
QHeaderView::section {{
  background: {panel}; color: {muted}; border: 0; border-bottom: 1px solid {border}; padding: 4px 8px;
  font-size: {caption}px; }}
QTableView {{ gridline-color: {border}; }}
QTableView::item {{ padding: 4px 8px; }}

QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {handle}; border-radius: 3px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: 28px; }}
QScrollBar::handle:horizontal {{ min-width: 28px; }}
QScrollBar::handle:hover {{ background: {control_border}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}

QSplitter::handle {{ background: {border}; }}
QSplitter::handle:horizontal {{ width: 1px; }}
QSplitter::handle:vertical {{ height: 1px; }}
QSplitter::handle:hover {{ background: {accent}; }}

QProgressBar {{ background: {raised}; border: 0; border-radius: 3px; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 3px; }}
QSlider::groove:horizontal {{ background: {border}; height: 4px; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {accent}; height: 4px; border-radius: 2px; }}
QSlider::handle:horizontal {{
  background: {panel}; border: 2px solid {accent}; width: 12px; height: 12px; margin: -6px 0;
  border-radius: 8px; }}
QSlider::handle:horizontal:focus {{ background: {accent}; }}

QScrollArea {{ background: transparent; border: 0; }}
QScrollArea > QWidget > QWidget[role="plain"] {{ background: transparent; }}
QFrame#toast {{ background: {raised}; border: 1px solid {control_border}; border-radius: {radius}px; }}
QFrame#toast[kind="error"] {{ border: 1px solid {bad}; }}
QFrame#popup {{ background: {panel}; border: 1px solid {control_border}; border-radius: {radius}px; }}
QTabWidget::pane {{ border: 0; border-top: 1px solid {border}; }}
QTabBar::tab {{ padding: 6px 12px; background: transparent; color: {muted}; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {text}; border-bottom-color: {accent}; }}
"""


def stylesheet(t: Tokens) -> str:
    """The application's one stylesheet."""
    return _SHEET.format(
        **{name: getattr(t, name) for name in Tokens.__dataclass_fields__},
        selected=t.selected,
        hover=mix(t.raised, t.text, 0.06),
        accent_hover=mix(t.accent, t.text, 0.12),
        disabled=mix(t.panel, t.muted, 0.6),
        handle=mix(t.panel, t.control_border, 0.5),
        field=t.window if t.is_dark else t.panel,
        body=BODY_PX,
        caption=CAPTION_PX,
        title=TITLE_PX,
        radius=RADIUS,
    )


def palette(t: Tokens) -> QPalette:
    """What Fusion paints with where the stylesheet does not reach."""
    roles = QPalette.ColorRole
    result = QPalette()
    for role, color in {
        roles.Window: t.window,
        roles.WindowText: t.text,
        roles.Base: t.window if t.is_dark else t.panel,
        roles.AlternateBase: t.raised,
        roles.ToolTipBase: t.raised,
        roles.ToolTipText: t.text,
        roles.Text: t.text,
        roles.PlaceholderText: t.muted,
        roles.Button: t.raised,
        roles.ButtonText: t.text,
        roles.Highlight: t.accent,
        roles.HighlightedText: t.on_accent,
        roles.Accent: t.accent,
        roles.Link: t.accent,
        roles.Light: t.raised,
        roles.Midlight: t.border,
        roles.Mid: t.control_border,
        roles.Dark: t.control_border,
        roles.Shadow: t.surround,
    }.items():
        result.setColor(role, QColor(color))
    faint = QColor(mix(t.panel, t.muted, 0.6))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, faint)
    return result
