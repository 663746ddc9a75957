"""The bars above and below a pile on the wall: which part of it is shown in which order, and the buttons that decide."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSlider

from ui.review.page_parts import Footer, Header
from ui.review.piles import Sorting
from ui.review.range_slider import RangeSlider
from ui.widgets.basics import icon_button, push_button
from ui.widgets.choices import ComboBox


class WallHeader(Header):
    """What the pile is, the confidences that are shown, their order, and the size of the crops in so many ``steps``."""

    def __init__(self, steps: int, zoom: int) -> None:
        self.sorting, self.zoom, self.range = ComboBox(), QSlider(Qt.Orientation.Horizontal), RangeSlider()
        super().__init__(self.range, self.sorting, self.zoom)
        self.sorting.setAccessibleName(self.tr("Order of the wall"))
        for text, value in (
            (self.tr("surest first"), Sorting.SURE),
            (self.tr("least sure first"), Sorting.UNSURE),
            (self.tr("by look"), Sorting.LOOK),
        ):
            self.sorting.addItem(text, value)
        self.sorting.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.zoom.setRange(0, steps - 1)
        self.zoom.setValue(zoom)
        self.zoom.setFixedWidth(84)
        self.zoom.setAccessibleName(self.tr("Size of the crops"))
        self.zoom.setToolTip(self.tr("Size of the crops  + and −, or Ctrl with the wheel"))
        self.zoom.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.range.setFixedWidth(220)

    @property
    def order(self) -> Sorting:
        """In which order the wall stands; a combo box gives back a plain word."""
        return Sorting(self.sorting.currentData())

    def set_order(self, order: Sorting) -> None:
        """Stand in another order."""
        self.sorting.setCurrentIndex(self.sorting.findData(order))


class WallFooter(Footer):
    """The picture beside the wall, a certificate, only what is marked, or all of the rest."""

    def __init__(self) -> None:
        self.beside = icon_button("image", "")
        self.certify = push_button("", role="compact", icon="check-circle")
        self.reject = push_button("", role="compact")
        self.accept = push_button("", role="primary")
        super().__init__(self.beside, self.certify, self.reject, self.accept)
        self.beside.setToolTip(self.tr("Show the picture beside the wall  Space"))
        self.beside.setAccessibleName(self.tr("Show the picture beside the wall"))
        self.certify.setText(self.tr("Certify…   C"))
        self.certify.setToolTip(
            self.tr("Check a random sample, and accept the largest part whose error is bounded by it.")
        )

    def tell(self, accepted: int, settled: int, *, may_certify: bool) -> None:
        """What the buttons would do now: accept so many of the rest, decide so many that are marked."""
        self.hint.show_text(
            self.tr("Click or Backspace: wrong · drag, Shift: select · 1–9: is another label · Space: the picture")
        )
        self.reject.setVisible(settled > 0)
        self.reject.setText(self.tr("Only the {0} marked   Shift+Enter").format(f"{settled:,}"))
        self.accept.setEnabled(accepted + settled > 0)
        self.accept.setText(self.tr("Accept the rest: {0}   Enter").format(f"{accepted:,}"))
        self.certify.setVisible(may_certify)
