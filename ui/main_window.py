"""The main window: puts the parts together and names who listens to whom."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QPoint, QSettings, QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QStackedWidget, QVBoxLayout, QWidget

from annotator.settings import AppSettings
from ui.actions import CommandSet, Screen
from ui.annotate_screen import AnnotateScreen
from ui.canvas_binding import CanvasBinding
from ui.commands import command_table
from ui.device import device_line
from ui.dialogs.host import DialogHost
from ui.dialogs.popups import Popups
from ui.dropping import Dropping
from ui.editing import Editing
from ui.engine_bridge import Jobs
from ui.exchange import Exchange
from ui.figures import Figures
from ui.frames import FrameLoader
from ui.image_edits import ImageEdits
from ui.keys import Conditions, Keys
from ui.label_edits import LabelEdits
from ui.loop import TrainingLoop
from ui.models import Models
from ui.news import News
from ui.panels.jobs_bar import JobsBar
from ui.panels.smart_bar import SmartBar
from ui.panels.toolbar import MainToolBar
from ui.projects import Projects
from ui.region_groups import RegionGroups
from ui.screen_commands import ReviewKeys
from ui.screens import Screens
from ui.session import Session
from ui.smart import Smart
from ui.smart_options import SmartChoices
from ui.start_page import StartPage
from ui.thumbnails import ThumbnailLoader
from ui.toasts import Toasts
from ui.tools import DEFAULT, TOOLS
from ui.verdicts import Verdicts

LEAST = (1024, 700)
USUAL = (1440, 900)
# What a title bar and borders take of a small screen.
FRAME = QSize(8, 40)
START, ANNOTATE = 0, 1


def first_size(room: QSize) -> QSize:
    """How large the window is before anybody has resized it, on a screen with so much room."""
    return QSize(*USUAL).boundedTo(room - FRAME).expandedTo(QSize(*LEAST))


class MainWindow(QMainWindow):
    """Owns the parts; their work is in their own modules."""

    def __init__(self, settings: AppSettings) -> None:
        super().__init__()
        self.settings = settings
        self.session = Session(self)
        self.jobs = Jobs(self)
        self.figures = Figures(self.session, self)
        self.thumbnails = ThumbnailLoader(self)
        self.frames = FrameLoader(self.session, self)
        self.projects = Projects(self.session, self.jobs, settings, self)
        self.loop = TrainingLoop(self.session, self.jobs, settings, self)
        self.start = StartPage(settings)
        self.annotate = AnnotateScreen(self.session, self.figures, self.thumbnails)
        self.queue, self.labels, self.canvas = self.annotate.queue, self.annotate.labels, self.annotate.canvas
        self.binding = CanvasBinding(self.session, self.canvas, self.frames, settings)
        self.smart = Smart(self.session, self.canvas, self.binding, self)
        self.models, self.region_groups = Models(self), RegionGroups(self)
        self.smart_choices = SmartChoices(self.canvas.smart, settings, self)
        self.verdicts = Verdicts(self.session, self.binding, settings, self)
        self.editing = Editing(self.session, self)
        self.image_edits = ImageEdits(self.session, self.jobs, self.binding, self.queue.grid.chosen, self)
        self.label_edits = LabelEdits(self.session, self)
        self.conditions, self.keys = Conditions(self), Keys(self)
        self.dialogs = DialogHost(self)
        self.exchange, self.dropping = Exchange(self), Dropping(self)
        self.bar = JobsBar(self.session, self.jobs)
        self.toasts = Toasts(self)
        self.commands: CommandSet
        self.popups = Popups(self)
        self.screens, self.review_keys = Screens(self), ReviewKeys(self)
        self.commands = CommandSet(self, self.canvas, command_table(self))
        self.toolbar = MainToolBar(self.commands, [f"tool.{tool}" for tool in TOOLS])
        self.news = News(self)
        self._closed = False
        self._build()
        self._connect_session()
        self._connect_panels()
        self.commands.set_keys(dict(settings.state.shortcuts))
        self.screens.build_switcher()
        self.show_start()
        self._restore_geometry()
        if settings.problem:
            self.toasts.error(settings.problem)

    # --- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.setWindowTitle(self.tr("Annotator"))
        self.setMinimumSize(*LEAST)
        self.setAcceptDrops(True)
        self.addToolBar(self.toolbar)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.start)
        self.pages.addWidget(self.annotate)
        host = QWidget()
        layout = QVBoxLayout(host)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.bar)
        self.setCentralWidget(host)
        self._build_menus()

    def _build_menus(self) -> None:
        menus: dict[str, QMenu] = {}
        for action in self.commands:
            name = action.command.menu
            if name not in menus:
                menus[name] = self.menuBar().addMenu(name)
                menus[name].aboutToShow.connect(self.commands.refresh)
            if action.command.listed:
                menus[name].addAction(action)

    def _connect_session(self) -> None:
        session, commands = self.session, self.commands
        for signal in (
            session.opened,
            session.closed,
            session.page_changed,
            session.selection_changed,
            session.active_changed,
            session.labels_changed,
            self.binding.tool_changed,
        ):
            signal.connect(commands.refresh)
        session.opened.connect(self._project_opened)
        session.closed.connect(self._project_closed)
        session.save_state_changed.connect(self.toolbar.saved.show_state)
        session.order_changed.connect(self.first_image)
        self.projects.busy.connect(self.start.show_waiting)
        self.projects.opened.connect(self._opened)
        self.projects.failed.connect(self._opening_failed)
        self.label_edits.created.connect(self._labels_created)
        self.label_edits.regrouped.connect(self.loop.labels_changed)

    def _connect_panels(self) -> None:
        canvas, screen, labels = self.canvas, self.annotate, self.labels
        canvas.drawn.connect(self.editing.draw)
        canvas.geometry_changed.connect(self.editing.change_geometry)
        canvas.geometries_changed.connect(self.editing.change_geometries)
        canvas.suggestion_corrected.connect(self.verdicts.correct)
        canvas.delete_requested.connect(self.keys.backspace)
        canvas.cursor_moved.connect(self.bar.show_position)
        self.editing.tag_drawn.connect(self.verdicts.tag)
        self.editing.label_needed.connect(self.popups.pick_label)
        self.start.folder_wanted.connect(self.dialogs.choose_folder)
        self.start.project_wanted.connect(self.dialogs.choose_project)
        self.start.show_device(device_line())
        self.start.demo_wanted.connect(self.projects.open_demo)
        self.start.recent_chosen.connect(self._recent_chosen)
        self.start.labels_given.connect(self._labels_given)
        self.start.question_left.connect(self.show_annotate)
        self.queue.folder_wanted.connect(self.dialogs.add_folder)
        self.queue.canvas_wanted.connect(self.binding.focus)
        labels.canvas_wanted.connect(self.binding.focus)
        labels.create_wanted.connect(self.label_edits.create)
        labels.rename_wanted.connect(self.label_edits.rename)
        labels.reorder_wanted.connect(self.label_edits.reorder)
        labels.delete_wanted.connect(self.label_edits.delete)
        labels.merge_wanted.connect(self.label_edits.merge)
        labels.edit_wanted.connect(self.dialogs.edit_label)
        labels.show_wanted.connect(self.queue.show_label)
        labels.paste_wanted.connect(self.dialogs.paste_labels)
        labels.picked.connect(self.keys.pick_in_panel)
        screen.paste_button.clicked.connect(self.dialogs.paste_labels)
        screen.suggestions.accept_wanted.connect(self.verdicts.accept_one)
        screen.suggestions.reject_wanted.connect(self.verdicts.reject_one)
        screen.suggestions.relabel_wanted.connect(self.verdicts.accept_as)
        screen.suggestions.accept_all_wanted.connect(self.verdicts.accept_all)
        screen.suggestions.suggest_wanted.connect(self.loop.suggest_now)
        screen.suggestions.hovered.connect(self.binding.light)
        screen.annotations.hovered.connect(self.binding.light)
        screen.annotations.hide_wanted.connect(self.editing.hide)
        screen.annotations.lock_wanted.connect(self.editing.lock)
        screen.annotations.delete_wanted.connect(self.editing.delete)
        screen.annotations.menu_wanted.connect(self._annotation_menu)
        screen.attributes.changed.connect(self.editing.change_attribute)
        screen.attributes.schema_wanted.connect(self.dialogs.edit_current_label)
        strip = screen.strip
        strip.flag_wanted.connect(self.image_edits.flag)
        strip.note_wanted.connect(self.popups.open_note)
        strip.split_wanted.connect(self.image_edits.set_split)
        strip.skip_wanted.connect(self.image_edits.skip)
        strip.done_wanted.connect(self.image_edits.done)
        strip.previous_wanted.connect(self.session.step_back)
        strip.next_wanted.connect(self.session.step_on)
        self.bar.log_wanted.connect(self.dialogs.open_jobs)
        self._connect_smart()
        screen.walk_button.setDefaultAction(self.commands.action("verdict.by_position"))

    def _connect_smart(self) -> None:
        bar = SmartBar(self.smart, self.smart_choices)
        self.annotate.add_bar(bar)
        self.smart_bar = bar
        bar.canvas_wanted.connect(self.binding.focus)
        bar.models_wanted.connect(self.models.open)
        self.bar.models_wanted.connect(self.models.open)
        self.models.chosen.connect(self.smart.follow_choice)
        self.binding.tool_changed.connect(bar.show_for)
        self.smart_choices.changed.connect(self.canvas.update)
        self.canvas.smart_moved.connect(self.smart_choices.follow)
        self.smart.geometry_wanted.connect(self.editing.draw)

    # --- screens -------------------------------------------------------------------------------------------------------

    def show_start(self) -> None:
        """The start page."""
        self.start.show_choices()
        self.screens.show(Screen.START)

    def show_annotate(self) -> None:
        """The Annotate screen."""
        self.screens.show(Screen.ANNOTATE)
        self.first_image()

    def open_path(self, path: Path) -> None:
        """Open a folder of images or a project."""
        self.screens.show(Screen.START)
        self.projects.open_path(path)

    def first_image(self) -> None:
        """Show the first image as soon as there is one: a scan may still be running."""
        first = self.session.order.at_offset(0)
        if self.session.page is None and first is not None:
            self.session.go_to(first)

    def leave_unreadable(self) -> None:
        """After a scan: go on from an image that turned out to be missing or unreadable."""
        image, first = self.session.image, self.session.order.at_offset(0)
        gone = image is not None and self.session.order.index_of(image.id) < 0 and not self.queue.is_filtered()
        if first is not None and (image is None or gone):
            self.session.go_to(first)

    def leave_question(self) -> None:
        """An import has brought the labels that the first question asks for."""
        if self.pages.currentIndex() == START:
            self.show_annotate()
            self.loop.labels_changed()

    # --- what arrives --------------------------------------------------------------------------------------------------

    def _project_opened(self) -> None:
        project = self.session.project
        if project is not None:
            self.setWindowTitle(self.tr("{0} – Annotator").format(project.name))
            self.thumbnails.follow(project)
            tool = self.settings.state.tools.get(str(project.path), DEFAULT)
            self.binding.set_tool(tool if tool in TOOLS else DEFAULT)

    def _project_closed(self) -> None:
        self.setWindowTitle(self.tr("Annotator"))
        self.thumbnails.follow(None)

    def _opened(self, fresh: bool) -> None:
        if fresh and not self.session.labels:
            self.start.show_question()
        else:
            self.show_annotate()

    def _opening_failed(self, what: str, cure: str) -> None:
        self.toasts.error(what, cure)
        if self.session.project is None:
            self.show_start()

    def _recent_chosen(self, path: str) -> None:
        self.open_path(Path(path))

    def _labels_given(self, text: str) -> None:
        self.label_edits.create_from_text(text)
        self.show_annotate()

    def _labels_created(self, ids: list[int]) -> None:
        self.editing.finish_pending()
        self.loop.labels_changed()

    def _annotation_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.commands.refresh()
        for command_id in (
            "label.pick",
            "edit.duplicate",
            "edit.front",
            "edit.back",
            "edit.lock",
            "edit.hide",
            "edit.delete",
        ):
            menu.addAction(self.commands.action(command_id))
        menu.popup(point)

    # --- Qt ------------------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.dropping.holds_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if self.dropping.take(event.mimeData()):
            event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._closed:
            self._closed = True
            self._save_geometry()
            self.smart.close()
            self.screens.close()
            self.models.close()
            self.region_groups.close()
            self.dropping.close()
            self.projects.close()
            self.jobs.detach()
            self.figures.close()
            self.thumbnails.close()
            self.frames.close()
            self.start.close_pictures()
        super().closeEvent(event)

    def _restore_geometry(self) -> None:
        self.resize(first_size(self.screen().availableSize()))
        geometry = QSettings("annotator", "annotator").value("geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)

    def _save_geometry(self) -> None:
        QSettings("annotator", "annotator").setValue("geometry", self.saveGeometry())
