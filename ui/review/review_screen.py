"""The Review screen: the piles on the left, and the one that is chosen on the wall."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from annotator.domain.kinds import Task
from ui.engine_bridge import Jobs
from ui.qt_models.labels_model import digit_of
from ui.review.check_page import CheckPage
from ui.review.choices import CheckChoice, Counts, FindingsChoice, ImagesChoice, NovelChoice, PileChoice
from ui.review.crops import CropLoader
from ui.review.findings_page import FindingsPage
from ui.review.images_page import ImagesPage
from ui.review.judging import Judging
from ui.review.page_parts import TASK_WORDS
from ui.review.pile_list import PileEntry, PileList
from ui.review.piles import Piles
from ui.review.signing import Signing
from ui.review.wall_page import WallPage
from ui.session import Session
from ui.theme.tokens import SPACE_2
from ui.widgets.basics import EmptyState, label, row

LIST_PX = 208
NOTHING = Counts({}, 0, None, {})


class ReviewScreen(QWidget):
    """Owns the readers and the pages; keys and menus come through its methods."""

    suggest_wanted = Signal()
    open_wanted = Signal(int)
    said = Signal(str)
    told = Signal(str)
    failed = Signal(str, str)
    certify_wanted = Signal()
    label_wanted = Signal(object)
    concluded = Signal(object)

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__()
        self._session = session
        self._jobs = jobs
        self._counts = NOTHING
        self._images: ImagesChoice | None = None
        self._wanted: Any = None
        self._arriving = False
        self.crops = CropLoader(self)
        self.piles = Piles(session, self)
        self.judging = Judging(session, jobs, self)
        self.list = PileList()
        self.signing = Signing(session, jobs, self)
        self.wall = WallPage(session, self.crops)
        self.images = ImagesPage(session, self.crops)
        self.check = CheckPage(session, self.crops)
        self.findings = FindingsPage(session, self.crops)
        self.empty = EmptyState("stack", "", self.tr("Suggest now"), "Ctrl+G")
        self.empty.pressed.connect(self.suggest_wanted)
        self.pages = QStackedWidget()
        for page in (self.empty, self.wall, self.images, self.check, self.findings):
            self.pages.addWidget(page)
        self.columns = QSplitter(Qt.Orientation.Horizontal)
        self.columns.setHandleWidth(1)
        self.columns.setChildrenCollapsible(False)
        self.columns.addWidget(self._side())
        self.columns.addWidget(self.pages)
        self.columns.setStretchFactor(1, 1)
        self.columns.setSizes([LIST_PX, 1000])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.columns)
        self._connect()
        self._opened()

    def _side(self) -> QWidget:
        host = QWidget()
        host.setProperty("role", "panel")
        host.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        host.setMinimumWidth(150)
        layout = QVBoxLayout(host)
        layout.setContentsMargins(0, SPACE_2, 0, 0)
        layout.setSpacing(0)
        self._total = label("", "caption")
        layout.addLayout(row(label(self.tr("Piles"), "section"), self._total, None, margins=(SPACE_2, 0, SPACE_2, 4)))
        layout.addWidget(self.list, 1)
        return host

    def _connect(self) -> None:
        session = self._session
        session.opened.connect(self._opened)
        session.closing.connect(self._closing)
        session.closed.connect(self._closed)
        session.labels_changed.connect(self._list_piles)
        self.piles.counted.connect(self._counted)
        self.piles.read.connect(self._read)
        self.piles.ordered.connect(self.wall.show_order)
        self.piles.failed.connect(self.told)
        self.list.chosen.connect(self._chosen)
        self.wall.judge_wanted.connect(self.judging.judge)
        self.wall.order_wanted.connect(self.piles.ask_order)
        self.wall.open_wanted.connect(self.open_wanted)
        self.wall.next_wanted.connect(self.next_pile)
        self.wall.told.connect(self.told)
        self.wall.certify_wanted.connect(self.certify_wanted)
        self.images.open_wanted.connect(self.open_wanted)
        self.images.label_wanted.connect(self.label_wanted)
        self.images.tag_wanted.connect(self.judging.tag)
        self.check.open_wanted.connect(self.open_wanted)
        self.check.remember_wanted.connect(self.signing.remember)
        self.check.sign_wanted.connect(self.signing.sign)
        self.signing.drawn.connect(self._drawn)
        self.signing.failed.connect(self._signing_failed)
        self.signing.concluded.connect(self._concluded)
        self.findings.edited.connect(self._finding_decided)
        self.findings.open_wanted.connect(self.open_wanted)
        self.findings.audit_wanted.connect(self.audit)
        self.findings.failed.connect(self.failed)
        self.judging.said.connect(self.said)
        self.judging.failed.connect(self.wall.failed)

    # --- coming and going ----------------------------------------------------------------------------------------------

    def set_shown(self, shown: bool) -> None:
        """The screen came, or went: while it is away nothing is read."""
        self._arriving = shown
        self.piles.set_active(shown)
        if shown:
            self._focus()

    def close_threads(self) -> None:
        """Read and cut no more."""
        self.signing.close()
        self.piles.close()
        self.crops.close()

    def _opened(self) -> None:
        self.crops.follow(self._session.project)
        self._counts, self._images = NOTHING, None
        self._list_piles()
        self.piles.reload()

    def _closing(self) -> None:
        """The last answers of an audit are kept at once: a moment later there is no project to keep them in."""
        project, audit = self._session.project, self.check.audit
        if project is not None and audit is not None:
            self.signing.wait()
            project.review.certificates.remember(audit, self.check.checked)

    def _closed(self) -> None:
        self.crops.follow(None)
        self._counts, self._images = NOTHING, None
        self.list.forget()
        self._list_piles()

    # --- piles ---------------------------------------------------------------------------------------------------------

    def _counted(self, counts: Counts) -> None:
        self._counts = counts
        self._list_piles()

    def _list_piles(self) -> None:
        """The samples to check, a line for each task and label with open suggestions, what is new, and the label errors."""
        kept, counts = self.list.current, self._counts
        entries: list[PileEntry] = []
        if counts is NOTHING:
            # A list that gets the focus stands on its first line, and that shall be a pile that has something in it.
            self.list.show_entries(entries)
            self._show_page()
            return  # what is wanted is chosen once the counts are there
        for task in TASK_WORDS:
            choice = CheckChoice(task)
            if task in counts.to_check or kept == choice:
                text = self.tr("Sample of {0}").format(TASK_WORDS[task])
                entries.append(PileEntry(text, choice, icon="check-circle", count=counts.to_check.get(task, 0)))
        if self._images is not None:
            number = len(self._images.image_ids)
            entries.append(PileEntry(self._images.title, self._images, icon="squares-four", count=number))
        entries += self._suggestion_lines(kept)
        entries.append(PileEntry(self.tr("To look at")))
        entries.append(PileEntry(self.tr("New?"), NovelChoice(), icon="sparkle", count=counts.novel))
        entries.append(PileEntry(self.tr("Label errors"), FindingsChoice(), icon="warning", count=counts.findings))
        total = sum(counts.suggestions.values())
        self._total.setText(self.tr("{0} open").format(f"{total:,}") if total else "")
        self.list.show_entries(entries)
        choices = self.list.entries.choices()
        wanted, self._wanted = self._wanted, None
        if wanted in choices:
            self.list.choose(wanted)
        elif kept not in choices:
            first = next((each for each in choices if isinstance(each, PileChoice | CheckChoice)), None)
            if first is not None:
                self.list.choose(first)
        self._show_page()

    def _suggestion_lines(self, kept: Any) -> list[PileEntry]:
        lines: list[PileEntry] = []
        found = self._counts.suggestions
        for task in Task:
            piles = [
                PileEntry(each.name, PileChoice(task, each.id), each.color, count=found.get((task, each.id), 0))
                for each in self._session.ordered_labels()
                if found.get((task, each.id)) or kept == PileChoice(task, each.id)
            ]
            if piles:
                lines += [PileEntry(TASK_WORDS.get(task, task.value).capitalize()), *piles]
        return lines

    def _page_of(self, choice: Any) -> QWidget:
        """The page that shows a pile."""
        if isinstance(choice, PileChoice):
            return self.wall
        if isinstance(choice, CheckChoice):
            return self.check
        if isinstance(choice, FindingsChoice):
            return self.findings
        if isinstance(choice, NovelChoice) and not len(self.images.wall.rows):
            return self.empty
        return self.empty if choice is None else self.images

    def _show_page(self) -> None:
        page = self._page_of(self.list.current)
        labels = bool(self._session.labels)
        counted = self._counts is not NOTHING
        self.empty.button.setVisible(labels and counted and self.list.current is None)
        if isinstance(self.list.current, NovelChoice):
            text = self.tr("Pictures unlike anything labelled gather here, once some labels have been learned: Ctrl+T.")
        elif labels and not counted:
            text = self.tr("The suggestions are being counted.")
        elif labels:
            text = self.tr("Suggestions wait here in piles, one for each label. None is open now.")
        else:
            text = self.tr("Suggestions wait here in piles, one for each label. Make labels first.")
        self.empty.set_text(text)
        self.pages.setCurrentWidget(page)

    def _chosen(self, choice: Any) -> None:
        self.check.remember()
        self.piles.choose(choice)

    def _read(self, choice: Any, found: Any) -> None:
        if isinstance(choice, PileChoice):
            self.wall.show_pile(choice, found)
        elif isinstance(choice, FindingsChoice):
            self.findings.show_result(found)
        elif isinstance(choice, CheckChoice):
            if found is None:
                self.check.forget()
                self._leave(choice)
                return
            self.check.show_sample(*found)
        else:
            self.images.show_pile(choice, found)
        self._show_page()
        if self.isVisible() and (self._arriving or not self.list.hasFocus()):
            self._focus()

    def _leave(self, choice: Any) -> None:
        """A pile is no more: on to the first of the others."""
        others = [each for each in self.list.entries.choices() if each != choice]
        if others:
            self.list.choose(others[0])
        self._list_piles()

    def _focus(self) -> None:
        shown = self.pages.currentWidget()
        pairs = (
            (self.wall, self.wall.wall),
            (self.images, self.images.wall),
            (self.check, self.check.wall),
            (self.findings, self.findings.list),
        )
        target = next((inner for page, inner in pairs if page is shown), None)
        if target is not None:
            self._arriving = False
            target.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_images(self, title: str, image_ids: tuple[int, ...]) -> None:
        """Some images, e.g. those behind a cell of the confusion matrix."""
        self._wanted = self._images = ImagesChoice(title, image_ids)
        self._arriving = True
        self._list_piles()

    # --- certificates and findings -------------------------------------------------------------------------------------

    def _drawn(self, task: Task) -> None:
        """There is a sample: check it."""
        self._arriving = True
        self._wanted = CheckChoice(task)
        self._counts = replace(self._counts, to_check={task: 0, **self._counts.to_check})
        self._list_piles()
        self.piles.reload()

    def _signing_failed(self, what: str, cure: str) -> None:
        self.check.failed()
        self.failed.emit(what, cure)

    def _concluded(self, conclusion: Any) -> None:
        task: Task = conclusion.audit.task
        self.check.forget()
        left = {each: number for each, number in self._counts.to_check.items() if each is not task}
        self._counts = replace(self._counts, to_check=left)
        self._leave(CheckChoice(task))
        self.piles.reload()
        self.concluded.emit(conclusion)

    def _finding_decided(self, edit: Any, said: str) -> None:
        self._session.perform(edit)
        if said:
            self.said.emit(said)

    @property
    def task(self) -> Task:
        """What the pile that is shown is about."""
        choice = self.list.current
        return choice.task if isinstance(choice, PileChoice | CheckChoice) else Task.TAGS

    def audit(self) -> None:
        """Look for label errors."""
        if not self._jobs.is_running("audit"):
            self._jobs.submit("audit")

    @property
    def footer_px(self) -> int:
        """How high the bars are that hold the pages' buttons, with the line above them."""
        return 1 + max(page.footer.sizeHint().height() for page in (self.wall, self.images, self.check, self.findings))

    # --- keys ----------------------------------------------------------------------------------------------------------

    def do(self, what: str, *arguments: Any) -> None:
        """Pass a key on to the page that is shown, when that knows it."""
        method = getattr(self.pages.currentWidget(), what, None)
        if method is not None:
            method(*arguments)

    def digit(self, number: int) -> None:
        """The selection is the label that shows this digit."""
        ordered = self._session.ordered_labels()
        found = next((v for n, v in enumerate(ordered) if digit_of(v, n) == str(number)), None)
        if found is None:
            self.told.emit(self.tr("No label has the key {0} yet.").format(number))
        else:
            self.do("relabel", found.id)

    def next_pile(self, by: int = 1) -> None:
        """The next pile of the list, round its end."""
        choices = self.list.entries.choices()
        if choices:
            here = choices.index(self.list.current) if self.list.current in choices else -1
            self.list.choose(choices[(here + by) % len(choices)])

    def next_panel(self) -> None:
        """F6: between the piles and the wall."""
        if self.list.hasFocus():
            self._focus()
        else:
            self.list.setFocus(Qt.FocusReason.ShortcutFocusReason)
