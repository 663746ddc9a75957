"""Shared by all tests: one offscreen Qt platform and no picture or weight from outside the repository."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
