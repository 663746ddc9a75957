"""What the models run on, in one line for people; asks no model library."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtCore import QCoreApplication


def has_gpu() -> bool:
    """Whether the driver of an NVIDIA card is there."""
    return Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi") is not None


def device_line() -> str:
    """The sentence under the first question."""
    if has_gpu():
        text = "The built-in models run on the CPU; larger models use the GPU once they are installed."
    else:
        text = "No GPU found: using the built-in models on the CPU."
    return QCoreApplication.translate("Device", text)
