"""The table of commands: everything that can be done, with its menu, its keys and the method that does it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from annotator.domain.geometry import GeometryKind
from ui.actions import Command, Scope, Screen
from ui.screen_commands import screen_commands
from ui.tools import TOOLS

if TYPE_CHECKING:
    from ui.main_window import MainWindow


def command_table(w: MainWindow) -> list[Command]:
    """All commands of the window."""
    annotate = [*_edit(w), *_tools(w), *_verdicts(w), *_image(w), *_view(w)]
    return [
        *_file(w),
        *_history(w),
        *(replace(command, screen=Screen.ANNOTATE) for command in annotate),
        *screen_commands(w),
        *_model(w),
        *_help(w),
    ]


def _file(w: MainWindow) -> list[Command]:
    menu, is_open = w.tr("&File"), w.conditions.project
    return [
        Command(
            "file.open_folder", menu, w.tr("Open a folder…"), ("Ctrl+O",), w.dialogs.choose_folder, icon="folder-open"
        ),
        Command("file.open_project", menu, w.tr("Open a project…"), ("Ctrl+Shift+O",), w.dialogs.choose_project),
        Command("file.demo", menu, w.tr("Open the demo"), (), w.projects.open_demo),
        Command("file.close", menu, w.tr("Close the project"), ("Ctrl+W",), w.keys.close_project, enabled=is_open),
        Command(
            "file.import", menu, w.tr("Import annotations…"), ("Ctrl+Shift+I",), w.exchange.open_import, enabled=is_open
        ),
        Command(
            "file.export", menu, w.tr("Export…"), ("Ctrl+E",), w.exchange.open_export, enabled=is_open, icon="export"
        ),
        Command("file.splits", menu, w.tr("Divide into splits…"), (), w.exchange.open_splits, enabled=is_open),
        Command("file.versions", menu, w.tr("Versions…"), (), w.exchange.open_versions, enabled=is_open),
        Command("file.folders", menu, w.tr("Folders…"), (), w.dialogs.open_folders, enabled=is_open),
        Command("file.rescan", menu, w.tr("Scan the folders again"), ("F5",), w.keys.rescan, enabled=is_open),
        Command("file.problems", menu, w.tr("Problems…"), (), w.dialogs.open_problems, enabled=is_open, icon="warning"),
        Command("file.settings", menu, w.tr("Settings…"), ("Ctrl+,",), w.dialogs.open_settings, icon="gear"),
        Command("file.quit", menu, w.tr("Quit"), ("Ctrl+Q",), w.close),
    ]


def _history(w: MainWindow) -> list[Command]:
    menu = w.tr("&Edit")
    return [
        Command(
            "edit.undo",
            menu,
            w.tr("Undo"),
            ("Ctrl+Z",),
            w.session.undo,
            enabled=w.conditions.undo,
            icon="arrow-u-up-left",
        ),
        Command(
            "edit.redo",
            menu,
            w.tr("Redo"),
            ("Ctrl+Shift+Z", "Ctrl+Y"),
            w.session.redo,
            enabled=w.conditions.redo,
            icon="arrow-u-up-right",
        ),
    ]


def _edit(w: MainWindow) -> list[Command]:
    on_page = w.conditions.page
    menu, e, chosen = w.tr("&Edit"), w.editing, w.editing.has_selection
    labelled = w.conditions.labels
    return [
        Command("edit.copy", menu, w.tr("Copy"), ("Ctrl+C",), e.copy, enabled=chosen),
        Command("edit.paste", menu, w.tr("Paste"), ("Ctrl+V",), e.paste, enabled=e.has_copied),
        Command(
            "edit.paste_next",
            menu,
            w.tr("Paste in place on the next image"),
            ("Ctrl+Shift+V",),
            e.paste_next,
            enabled=on_page,
        ),
        Command("edit.duplicate", menu, w.tr("Duplicate"), ("Ctrl+D",), e.duplicate, enabled=chosen),
        Command("edit.delete", menu, w.tr("Delete"), ("Del",), e.delete, enabled=chosen, icon="trash"),
        Command(
            "edit.select_all",
            menu,
            w.tr("Select all annotations"),
            ("Ctrl+A",),
            e.select_all,
            enabled=on_page,
            scope=Scope.CANVAS,
        ),
        Command("edit.front", menu, w.tr("Bring to front"), ("Ctrl+]",), e.raise_selection, (1,), enabled=chosen),
        Command("edit.back", menu, w.tr("Send to back"), ("Ctrl+[",), e.raise_selection, (-1,), enabled=chosen),
        Command("edit.lock", menu, w.tr("Lock or unlock"), ("Ctrl+L",), e.lock, enabled=chosen, icon="lock-simple"),
        Command(
            "edit.hide", menu, w.tr("Hide or show the selection"), ("Ctrl+H",), e.hide, enabled=chosen, icon="eye-slash"
        ),
        Command("label.add", menu, w.tr("Add a label"), ("N",), w.labels.focus_field, enabled=w.conditions.project),
        Command(
            "label.pick",
            menu,
            w.tr("Choose a label by name"),
            ("G",),
            w.popups.pick_label,
            enabled=w.conditions.project,
        ),
        Command(
            "label.rename",
            menu,
            w.tr("Rename the label everywhere"),
            ("F2",),
            w.labels.rename_current,
            enabled=labelled,
        ),
        Command(
            "label.edit",
            menu,
            w.tr("Label: colour, group, skeleton, attributes…"),
            ("Shift+F2",),
            w.dialogs.edit_current_label,
            enabled=labelled,
        ),
        Command(
            "label.paste",
            menu,
            w.tr("Paste a list of labels…"),
            (),
            w.dialogs.paste_labels,
            enabled=w.conditions.project,
        ),
    ]


def _tools(w: MainWindow) -> list[Command]:
    on_page = w.conditions.page
    menu = w.tr("&Tools")
    return [
        Command(
            f"tool.{spec.id}",
            menu,
            w.tr(spec.text),
            (spec.key,),
            w.keys.take_tool,
            (spec.id,),
            enabled=on_page,
            checked=_Holds(w, spec.id),
            icon=spec.icon,
        )
        for spec in TOOLS.values()
    ] + [
        Command(
            "smart.turn",
            menu,
            w.tr("Turn boxes into masks or polygons"),
            ("Shift+S",),
            w.smart.turning.turn,
            enabled=on_page,
            icon="selection-foreground",
        ),
        *_forms(w, menu),
    ]


def _forms(w: MainWindow, menu: str) -> list[Command]:
    texts = {
        GeometryKind.MASK: w.tr("Smart: keep masks"),
        GeometryKind.POLYGON: w.tr("Smart: keep polygons"),
        GeometryKind.BOX: w.tr("Smart: keep boxes"),
    }
    choices = w.smart_choices
    return [
        Command(f"smart.form_{form.value}", menu, text, (), choices.set_form, (form,), checked=_Forms(w, form))
        for form, text in texts.items()
    ]


class _Forms:
    """Whether the smart tool keeps this kind of geometry."""

    def __init__(self, window: MainWindow, form: GeometryKind) -> None:
        self._window = window
        self._form = form

    def __call__(self) -> bool:
        return self._window.canvas.smart.form is self._form


class _Holds:
    """Whether a tool is in hand."""

    def __init__(self, window: MainWindow, tool_id: str) -> None:
        self._window = window
        self._id = tool_id

    def __call__(self) -> bool:
        return self._window.binding.tool == self._id


def _verdicts(w: MainWindow) -> list[Command]:
    on_page = w.conditions.page
    menu, v = w.tr("&Suggestions"), w.verdicts
    digits = [
        Command(
            f"label.{n}",
            menu,
            w.tr("Label {0}").format(n),
            (str(n),),
            w.keys.digit,
            (n,),
            enabled=on_page,
            listed=False,
        )
        for n in range(1, 10)
    ]
    return [
        Command(
            "verdict.accept",
            menu,
            w.tr("Accept the suggestion"),
            ("Return",),
            v.accept,
            enabled=v.has_active,
            icon="check",
        ),
        Command(
            "verdict.reject",
            menu,
            w.tr("Reject the suggestion, or delete the selection"),
            ("Backspace",),
            w.keys.backspace,
            enabled=on_page,
            icon="x",
        ),
        Command(
            "verdict.accept_all",
            menu,
            w.tr("Accept all visible on this image"),
            ("Shift+Return",),
            v.accept_all,
            enabled=v.has_active,
            icon="checks",
        ),
        Command(
            "verdict.next", menu, w.tr("Next suggestion"), ("Tab",), v.walk, (1,), enabled=on_page, scope=Scope.CANVAS
        ),
        Command(
            "verdict.previous",
            menu,
            w.tr("Previous suggestion"),
            ("Shift+Tab",),
            v.walk,
            (-1,),
            enabled=on_page,
            scope=Scope.CANVAS,
        ),
        Command(
            "verdict.by_position",
            menu,
            w.tr("Walk from top to bottom, not by confidence"),
            ("Shift+O",),
            v.walk_by_position,
            checked=v.walks_by_position,
            icon="sort-ascending",
        ),
        *digits,
    ]


def _image(w: MainWindow) -> list[Command]:
    on_page = w.conditions.page
    menu, i = w.tr("&Image"), w.image_edits
    splits = [
        Command(f"image.split_{name or 'none'}", menu, text, (key,), w.keys.set_split, (name,), enabled=on_page)
        for name, text, key in (
            ("train", w.tr("Split: train"), "Alt+1"),
            ("val", w.tr("Split: val"), "Alt+2"),
            ("test", w.tr("Split: test"), "Alt+3"),
            ("", w.tr("No split"), "Alt+0"),
        )
    ]
    return [
        Command(
            "image.next",
            menu,
            w.tr("Next image"),
            ("D", "PgDown"),
            w.session.step,
            (1,),
            enabled=on_page,
            icon="caret-right",
        ),
        Command(
            "image.previous",
            menu,
            w.tr("Previous image"),
            ("A", "PgUp"),
            w.session.step,
            (-1,),
            enabled=on_page,
            icon="caret-left",
        ),
        Command(
            "image.done",
            menu,
            w.tr("Done: go to the next"),
            ("Ctrl+Return",),
            i.done,
            enabled=on_page,
            icon="check-circle",
        ),
        Command("image.skip", menu, w.tr("Skip the image"), ("X",), i.skip, enabled=on_page, icon="skip-forward"),
        Command("image.note", menu, w.tr("Note and flag…"), ("I",), w.popups.open_note, enabled=on_page, icon="note"),
        Command("image.flag", menu, w.tr("Flag the image"), ("Shift+I",), i.flag, enabled=on_page, icon="flag"),
        *splits,
        Command(
            "image.auto_advance",
            menu,
            w.tr("Go to the next image after a tag"),
            (),
            w.keys.toggle_auto_advance,
            checked=w.conditions.auto_advance,
        ),
    ]


def _view(w: MainWindow) -> list[Command]:
    on_page = w.conditions.page
    menu, b = w.tr("&View"), w.binding
    return [
        Command("view.fit", menu, w.tr("Fit the image"), ("F",), b.fit, enabled=on_page, icon="arrows-in"),
        Command(
            "view.actual", menu, w.tr("Actual size, 1:1"), ("0",), b.actual_size, enabled=on_page, icon="frame-corners"
        ),
        Command("view.selection", menu, w.tr("Zoom to the selection"), ("Z",), b.zoom_to_selection, enabled=on_page),
        Command(
            "view.adjust",
            menu,
            w.tr("Brightness and contrast…"),
            ("Shift+B",),
            w.popups.open_adjust,
            enabled=on_page,
            icon="sun",
        ),
        Command(
            "view.suggestions",
            menu,
            w.tr("Show suggestions"),
            ("C",),
            b.toggle_suggestions,
            enabled=on_page,
            checked=w.conditions.suggestions_shown,
        ),
        Command(
            "view.annotations",
            menu,
            w.tr("Show annotations"),
            ("Q",),
            b.toggle_annotations,
            enabled=on_page,
            checked=w.conditions.annotations_shown,
        ),
        Command(
            "view.search",
            menu,
            w.tr("Search images"),
            ("Ctrl+F", "/"),
            w.queue.focus_search,
            enabled=w.conditions.project,
            icon="magnifying-glass",
        ),
        Command(
            "view.layout",
            menu,
            w.tr("Queue as grid or list"),
            ("Ctrl+Shift+G",),
            w.queue.toggle_layout,
            enabled=w.conditions.project,
        ),
        Command(
            "view.left",
            menu,
            w.tr("Show or hide the queue"),
            ("Ctrl+Shift+L",),
            w.annotate.toggle_left,
            enabled=w.conditions.project,
        ),
        Command(
            "view.right",
            menu,
            w.tr("Show or hide the panels"),
            ("Ctrl+Shift+R",),
            w.annotate.toggle_right,
            enabled=w.conditions.project,
        ),
        Command(
            "view.next_panel",
            menu,
            w.tr("Next panel"),
            ("F6",),
            w.keys.next_panel,
            (1,),
            enabled=w.conditions.project,
        ),
        Command(
            "view.previous_panel",
            menu,
            w.tr("Previous panel"),
            ("Shift+F6",),
            w.keys.next_panel,
            (-1,),
            enabled=w.conditions.project,
        ),
    ]


def _model(w: MainWindow) -> list[Command]:
    menu, loop = w.tr("&Model"), w.loop
    return [
        Command(
            "model.suggest",
            menu,
            w.tr("Suggest now"),
            ("Ctrl+G",),
            loop.suggest_now,
            enabled=loop.can_run,
            icon="sparkle",
        ),
        Command(
            "model.train",
            menu,
            w.tr("Learn now"),
            ("Ctrl+T",),
            loop.train_now,
            enabled=loop.can_run,
            icon="graduation-cap",
        ),
        Command(
            "model.auto", menu, w.tr("Learn by itself"), (), w.keys.toggle_auto_train, checked=w.conditions.auto_train
        ),
        Command(
            "model.regions",
            menu,
            w.tr("What looks alike…"),
            ("Ctrl+Shift+A",),
            w.region_groups.open,
            enabled=w.conditions.project,
            icon="squares-four",
        ),
        Command("model.models", menu, w.tr("Models…"), (), w.models.open, enabled=w.conditions.project, icon="cube"),
        Command("model.jobs", menu, w.tr("Jobs and their log…"), ("Ctrl+J",), w.dialogs.open_jobs),
    ]


def _help(w: MainWindow) -> list[Command]:
    menu = w.tr("&Help")
    return [
        Command("app.palette", menu, w.tr("Command palette"), ("Ctrl+K",), w.popups.open_palette, icon="command"),
        Command("app.shortcuts", menu, w.tr("Keyboard…"), ("?",), w.dialogs.open_shortcuts, icon="keyboard"),
        Command("app.about", menu, w.tr("About Annotator"), (), w.dialogs.open_about),
    ]
