"""The table of tokens: every text on every ground must be readable, and no other module may name a colour."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QPushButton

import ui
from annotator.domain.palette import LABEL_COLORS
from annotator.settings import ThemeChoice
from ui.theme import DARK, LIGHT, Tokens, set_icon, theme, themed_icon
from ui.theme.style import stylesheet
from ui.theme.tokens import contrast, mix, text_on

BOTH = pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])
TEXTS = ("text", "muted", "accent", "good", "warn", "bad")
GROUNDS = ("window", "panel", "raised")


@BOTH
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("ground", GROUNDS)
def test_text_passes_aa(tokens: Tokens, text: str, ground: str) -> None:
    assert contrast(getattr(tokens, text), getattr(tokens, ground)) >= 4.5


@BOTH
def test_text_on_a_chosen_row_the_surround_and_the_accent_passes_aa(tokens: Tokens) -> None:
    assert contrast(tokens.text, tokens.selected) >= 4.5
    assert contrast(tokens.muted, tokens.selected) >= 4.5
    assert contrast(tokens.text, tokens.surround) >= 4.5
    assert contrast(tokens.muted, tokens.surround) >= 4.5
    assert contrast(tokens.on_accent, tokens.accent) >= 4.5


@BOTH
@pytest.mark.parametrize("ground", GROUNDS)
def test_edges_of_controls_can_be_seen(tokens: Tokens, ground: str) -> None:
    assert contrast(tokens.control_border, getattr(tokens, ground)) >= 3.0


@pytest.mark.parametrize("color", LABEL_COLORS)
def test_chips_choose_an_ink_that_reads(color: str) -> None:
    assert contrast(text_on(color), color) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert mix("#000000", "#FFFFFF", 0.5) == "#808080"


def test_no_other_module_names_a_colour() -> None:
    root = Path(ui.__file__).parent
    allowed = {root / "theme" / "tokens.py"}
    offenders = [
        f"{path.relative_to(root)}: {found}"
        for path in root.rglob("*.py")
        if path not in allowed and "canvas" not in path.parts
        for found in re.findall(r"#[0-9A-Fa-f]{6}\b", path.read_text(encoding="utf-8"))
    ]
    assert offenders == []


@BOTH
def test_the_stylesheet_is_complete(tokens: Tokens) -> None:
    sheet = stylesheet(tokens)
    assert "{text}" not in sheet
    assert tokens.accent in sheet
    assert sheet.count("{") == sheet.count("}")


def test_icons_follow_the_theme(qtbot) -> None:  # type: ignore[no-untyped-def]
    button = QPushButton()
    qtbot.addWidget(button)
    theme().choose(ThemeChoice.DARK)
    set_icon(button, "tag")
    dark = button.icon().pixmap(18, 18).toImage()
    theme().choose(ThemeChoice.LIGHT)
    light = button.icon().pixmap(18, 18).toImage()
    assert dark != light
    theme().choose(ThemeChoice.SYSTEM)


def test_an_icon_is_a_glyph_in_the_colour_of_its_token(qapp: QApplication) -> None:
    def inks(icon: QIcon, mode: QIcon.Mode) -> set[str]:
        image = icon.pixmap(QSize(36, 36), mode).toImage()
        solid = [image.pixelColor(x, y) for x in range(36) for y in range(36)]
        return {color.name() for color in solid if color.alpha() == 255}

    icon = themed_icon("check-circle", "good")
    assert inks(icon, QIcon.Mode.Normal) == {theme().tokens.good.lower()}
    disabled = inks(icon, QIcon.Mode.Disabled)
    assert disabled == {mix(theme().tokens.panel, theme().tokens.muted, 0.5).lower()}
    assert inks(QIcon(icon), QIcon.Mode.Normal) == inks(icon, QIcon.Mode.Normal)
    with pytest.raises(KeyError):
        themed_icon("no such icon")
