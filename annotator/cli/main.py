"""The ``annotator`` command: puts the commands together and turns every outcome into an exit status and one line.

0: done. 1: it failed, and one line on standard error says what failed and what to do. 2: wrong usage.
Without a command, or with a folder in its place, it opens the window.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import annotator
from annotator.cli import (
    accept,
    audit,
    demo,
    doctor,
    export,
    import_,
    models,
    new,
    open,
    regions,
    simulate,
    split,
    stats,
    suggest,
    train,
    version,
)
from annotator.errors import AnnotatorError, JobCancelled, UsageError
from annotator.jobs.log_files import log_to_file

log = logging.getLogger(__name__)

WRONG_USAGE = 2
FAILED = 1
FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
INTERRUPTED = 130
"""What newer versions of typer return after Ctrl+C."""
ClickError: type[Any] = typer.BadParameter.__mro__[2]
"""The root of the parser's errors; typer carries its own copy of click from some version on, so it is found by kinship."""


class OpensByDefault(TyperGroup):
    """A group whose command may be left out: what is not the name of a command is a folder to open."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        at = next((i for i, word in enumerate(args) if not word.startswith("-")), None)
        if at is None and not {"--help", "--version", "--install-completion", "--show-completion"} & set(args):
            args = [*args, "open"]
        elif at is not None and args[at] not in self.commands:
            args = [*args[:at], "open", *args[at:]]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=OpensByDefault,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Label images with models that learn from every verdict. Without a command, opens the window.",
)
for module in (
    open,
    demo,
    new,
    import_,
    suggest,
    regions,
    train,
    accept,
    audit,
    export,
    version,
    split,
    simulate,
    stats,
    models,
    doctor,
):
    module.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"annotator {annotator.__version__}")
        raise typer.Exit


@app.callback()
def common(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected failure.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Label images with models that learn from every verdict. Without a command, opens the window."""
    if debug:
        os.environ["ANNOTATOR_DEBUG"] = "1"


def say(line: str) -> None:
    """One line on standard error, whatever characters the terminal can show."""
    encoding = sys.stderr.encoding or "utf-8"
    flat = " ".join(line.split())
    sys.stderr.write(flat.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _of(error: OSError) -> str:
    return f" of {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; nothing but a bug shown with ``--debug`` leaves a traceback."""
    log_path = log_to_file()
    try:
        result = typer.main.get_command(app).main(list(arguments), prog_name="annotator", standalone_mode=False)
        sys.stdout.flush()
        if result == INTERRUPTED:
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except ClickError as error:
        error.show()
        return WRONG_USAGE
    except typer.Exit as end:
        return end.exit_code
    except UsageError as error:
        say(str(error))
        return WRONG_USAGE
    except AnnotatorError as error:
        log.info("failed: %s", error)
        say(str(error))
        return FAILED
    except (JobCancelled, KeyboardInterrupt, typer.Abort):
        say("Stopped. What was saved before is kept.")
        return FAILED
    except BrokenPipeError:
        # The reader of our output has gone (`annotator stats | head -1`): give Python nothing to flush into the broken pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            log.exception("the disk is full")
            say(f"There is no room left on the disk{_of(error)}. Free some space; nothing already saved is lost.")
            return FAILED
        log.exception("unexpected failure of: %s", " ".join(arguments))
        if os.environ.get("ANNOTATOR_DEBUG"):
            raise
        where = f"The details are in {log_path}" if log_path else "Run it again with --debug to see the details"
        say(f"Unexpected failure ({type(error).__name__}: {error}). {where}; please report it.")
        return FAILED


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))
