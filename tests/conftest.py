"""Shared by all tests: one offscreen Qt platform, garbage collected as in the program, nothing from outside the repository."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

FULL_EVERY = 40
"""Tests between two full collections."""

_finished = 0


def pytest_configure() -> None:
    """Collect nothing while a test runs: a worker's collection would destroy widgets on the wrong thread and crash.

    The program itself does the same (``ui.app.Collector``); left to Python, any thread that allocates may start a collection.
    """
    gc.disable()


def pytest_runtest_logfinish() -> None:
    """Collect between tests, on the main thread, where Qt objects may be destroyed."""
    global _finished
    _finished += 1
    gc.collect(2 if _finished % FULL_EVERY == 0 else 1)
